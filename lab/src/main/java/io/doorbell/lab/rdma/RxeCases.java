package io.doorbell.lab.rdma;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.HostScenarios;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.lab.kernel.LabTarget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a Linux host with the kernel's software RDMA device does with our target. */
final class RxeCases {
    /** A guest on a busy machine may stand still for longer than the 5 s after which a host is gone by right. */
    private static final String PATIENT = ",keep_alive_tmo=30";

    private static final HostScenarios HOSTS = new HostScenarios(Target::new, PATIENT, 1 << 20);

    /** Both devices are software, and each packet is checked twice by an emulated CPU: an I/O takes 10 ms and more. */
    private static final String[] LITTLE = {"--size=4m"};

    private static final String FAULTS = "delay 1ms loss 1% reorder 1% duplicate 0.5%";

    private static final Duration BOUND = Duration.ofMinutes(6);

    /** How long fio goes on over the bad link, when nobody says otherwise. */
    private static final int SECONDS = 20;

    /**
     * Each in one piece of memory, so that the host registers none: when Linux's rxe sends again it executes what it has of registrations once more, and
     * its queue pair has failed (drivers/infiniband/sw/rxe: {@code req_retry} goes back over requests that are done, {@code rxe_reg_fast_mr} refuses
     * memory that is registered; so in 6.1 and in 6.12).
     */
    private static final String IN_ONE_PIECE = "--bssplit=4k/100";

    private RxeCases() {}

    static List<Case> cases() {
        return List.of(
                patient("connect-to-discovery", HOSTS::discovery),
                patient("refused-where-it-should-be", HOSTS::refused),
                patient("write-and-read-back", RxeCases::verify),
                patient("nvme-cli-discovers-and-identifies", HOSTS::nvmeCli),
                patient("fio-finds-what-it-wrote", guest -> HOSTS.fio(guest, "", LITTLE)),
                patient(
                        "fio-goes-on-when-the-target-comes-back",
                        guest -> HOSTS.fioAndLoss(guest, "--size=4m", "--loops=3")),
                patient("ext4-under-stress", guest -> HOSTS.fileSystem(guest, Content.FileSystem.EXT4, "")),
                patient("xfs-under-stress", guest -> HOSTS.fileSystem(guest, Content.FileSystem.XFS, "")),
                patient("namespaces-come-and-go", HOSTS::namespaces),
                patient("reset-by-the-host", HOSTS::reset),
                patient("the-target-goes-and-comes-back", HOSTS::lostAndRegained),
                patient("with-long-packets", RxeCases::longPackets),
                patient("a-host-crashes-and-the-next-one-comes", RxeCases::crash),
                patient("over-a-link-that-loses-and-reorders", RxeCases::badLink),
                patient("a-host-that-cannot-send-again-comes-again", RxeCases::badLinkAndRegistrations),
                new Case("a-newer-kernel-writes-and-mounts", BOUND, true, RxeCases::newerKernel));
    }

    private static Case patient(String name, Case.Body body) {
        return new Case(name, BOUND, body);
    }

    private static void verify(Guest guest) throws Exception {
        try (var target = new Target();
                var host = HOSTS.connect(target, "")) {
            assertThat(host.says("model")).isEqualTo(LabTarget.MODEL);
            HOSTS.writeAndReadBack(guest, host, 1);
            assertThat(target.count("drop_icrc")).isZero();
        }
    }

    private static void longPackets(Guest guest) throws Exception {
        var link = new Link(guest);
        link.mtu(9000);
        try (var target = new Target();
                var host = HOSTS.connect(target, "")) {
            HOSTS.writeAndReadBack(guest, host, 7);
            Content.verify(guest, host.awaitDisk(1), LITTLE);
        } finally {
            link.mtu(1500);
        }
    }

    /** A host that falls silent is missed by its Keep Alive, and what it held is free for the next one. */
    private static void crash(Guest guest) throws Exception {
        var link = new Link(guest);
        try (var target = new Target()) {
            var host = KernelHost.connect(target.where(), LabTarget.NQN, ",keep_alive_tmo=3,ctrl_loss_tmo=1");
            var disk = host.awaitDisk(1);
            var content = Content.random(8);
            Content.write(guest, content, disk, "1M");
            link.cut();
            try {
                KernelHost.await("the end of its association", () -> target.associations() == 0);
                KernelHost.await("the end of its connections", () -> target.connections() == 0);
                KernelHost.await("the host's own end", () -> !Files.exists(Path.of(disk)));
            } finally {
                link.mend();
            }
            try (var next = HOSTS.connect(target, "")) {
                Content.requireSame(guest, content, next.awaitDisk(1), "1M");
            }
        }
    }

    /** What goes wrong on the way is put right by both devices: the host sees one connection, and time pass. */
    private static void badLink(Guest guest) throws Exception {
        var link = new Link(guest);
        guest.setModuleParameter("nvme_rdma", "register_always", "N");
        try (var target = new Target();
                var host = HOSTS.connect(target, "")) {
            var disk = host.awaitDisk(1);
            int reconnects = KernelHost.reconnects(guest);
            link.spoil(FAULTS);
            try {
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(guest.seconds(SECONDS));
                var all = Content.Verified.NOTHING;
                int rounds = 0;
                do {
                    // Another one each time, or what the round before wrote would be taken for what this one did.
                    var seed = "--randseed=" + ++rounds;
                    all = all.and(Content.verify(guest, disk, IN_ONE_PIECE, "--size=1m", seed));
                    System.out.println(
                            "lab: round " + rounds + ": " + all.bytes() + " bytes found as written, the slowest after "
                                    + all.slowest().toMillis() + " ms");
                } while (System.nanoTime() - end < 0);
                guest.note((all.bytes() >> 20) + " MiB written and found, the slowest I/O "
                        + all.slowest().toMillis() + " ms");
            } finally {
                link.mend();
                System.out.println(KernelHost.lately(guest));
            }
            assertThat(target.count("sent_again")).isPositive();
            assertThat(target.count("sequence_nak_sent")).isPositive();
            assertThat(KernelHost.reconnects(guest)).isEqualTo(reconnects);
            assertThat(host.isLive()).isTrue();
        } finally {
            guest.setModuleParameter("nvme_rdma", "register_always", "Y");
        }
    }

    /** As a host is by default, whose queues fail when packets are lost: nothing of it is lost, and it is not silent for long. */
    private static void badLinkAndRegistrations(Guest guest) throws Exception {
        var link = new Link(guest);
        try (var target = new Target();
                var host = HOSTS.connect(target, "")) {
            var disk = host.awaitDisk(1);
            link.spoil("delay 1ms loss 0.2% reorder 1% duplicate 0.5%");
            try {
                Content.verify(guest, disk, "--size=1m");
            } finally {
                link.mend();
            }
            KernelHost.await("the host", host::isLive);
        }
    }

    /**
     * Nothing is registered by this host. It sends again after half a second without an answer ({@code CMA_IBOE_PACKET_LIFETIME}; 6.1 after two), which
     * a guest on a busy machine takes now and then, and then see {@link #IN_ONE_PIECE}.
     */
    private static void newerKernel(Guest guest) throws Exception {
        guest.setModuleParameter("nvme_rdma", "register_always", "N");
        try (var target = new Target();
                var host = HOSTS.connect(target, "")) {
            var disk = host.awaitDisk(1);
            host.inPages(disk);
            var found = Content.verify(guest, disk, IN_ONE_PIECE, "--size=4m");
            Content.requireFileSystem(guest, Content.random(10, 1 << 20), disk);
            guest.note(guest.say("uname", "-r") + ", the slowest I/O "
                    + found.slowest().toMillis() + " ms");
        }
    }
}
