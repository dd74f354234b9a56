package io.doorbell.lab.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.HostScenarios;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.target.AccessState;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What a Linux host does with a target that it did not come with. */
final class HostCases {
    private static final int KEEP_ALIVE_SECONDS = 3;
    private static final int KEEP_ALIVE_ROUNDS = 8;

    private static final HostScenarios HOSTS = new HostScenarios(Target::new, "", 8 << 20);

    private HostCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("connect-to-discovery", HOSTS::discovery),
                Case.of("write-and-read-back", guest -> HOSTS.writeAndReadBack(guest, "")),
                Case.of(
                        "write-and-read-back-with-digests",
                        guest -> HOSTS.writeAndReadBack(guest, ",hdr_digest,data_digest")),
                Case.of("without-flow-control", guest -> HOSTS.writeAndReadBack(guest, ",disable_sqflow")),
                Case.of("nvme-cli-discovers-and-identifies", HOSTS::nvmeCli),
                Case.of("small-queues-and-large", HostCases::queues),
                Case.of("fio-finds-what-it-wrote", HostCases::fio),
                Case.of("fio-goes-on-when-the-target-comes-back", guest -> HOSTS.fioAndLoss(guest, "--loops=3")),
                Case.of("ext4-under-stress", guest -> HOSTS.fileSystem(guest, Content.FileSystem.EXT4, ",data_digest")),
                Case.of("xfs-under-stress", guest -> HOSTS.fileSystem(guest, Content.FileSystem.XFS, ",data_digest")),
                Case.of("namespaces-come-and-go", HOSTS::namespaces),
                Case.of("a-namespace-grows", HostCases::grows),
                Case.of("two-paths-and-where-they-lead", HostCases::paths),
                Case.of("stays-over-keep-alives", HostCases::keepAlive),
                Case.of("reset-by-the-host", HOSTS::reset),
                Case.of("the-target-goes-and-comes-back", HOSTS::lostAndRegained),
                Case.of("the-link-is-cut-and-mended", HostCases::cutLink),
                Case.of("refused-where-it-should-be", HOSTS::refused),
                Case.of("a-host-that-is-not-named-is-refused", HostCases::notNamed));
    }

    private static void fio(Guest guest) throws Exception {
        HOSTS.fio(guest, ",hdr_digest,data_digest");
        HOSTS.fio(guest, "", "--numjobs=2", "--offset_increment=32m");
    }

    /**
     * Longer than a host without Keep Alives is waited for; but only while the guest runs. One that stands still for longer than the timeout, on a
     * machine that has other things to do, has lost its host by right: then it is tried again.
     */
    private static void keepAlive(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, ",keep_alive_tmo=" + KEEP_ALIVE_SECONDS)) {
            host.awaitDisk(1);
            int rounds = 0;
            while (!ranAllTheTime(4 * KEEP_ALIVE_SECONDS)) {
                assertThat(++rounds).as("rounds in which the guest stood still").isLessThan(KEEP_ALIVE_ROUNDS);
                KernelHost.await("the host", host::isLive);
            }
            assertThat(host.isLive()).isTrue();
            assertThat(target.associations()).isEqualTo(1);
        }
    }

    /** Lets time pass. Returns whether no part of it was far longer than it should have been. */
    private static boolean ranAllTheTime(int seconds) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        long longest = 0;
        while (System.nanoTime() - end < 0) {
            long begun = System.nanoTime();
            Thread.sleep(50);
            longest = Math.max(longest, System.nanoTime() - begun);
        }
        return longest < TimeUnit.SECONDS.toNanos(KEEP_ALIVE_SECONDS) / 2;
    }

    /** The kernel notices by its Keep Alive, tries again and again, and goes on where it was. */
    private static void cutLink(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(
                        target.where(), Target.NQN, ",keep_alive_tmo=" + KEEP_ALIVE_SECONDS + ",ctrl_loss_tmo=120")) {
            var disk = host.awaitDisk(1);
            var content = Content.random(7);
            Content.write(guest, content, disk, "1M");

            guest.run(guest.busybox(), "ip", "link", "set", "lo", "down");
            try {
                KernelHost.await("the loss", () -> !host.isLive());
            } finally {
                guest.run(guest.busybox(), "ip", "link", "set", "lo", "up");
            }

            KernelHost.await("the host", host::isLive);
            Content.requireSame(guest, content, disk, "1M");
        }
    }

    private static void queues(Guest guest) throws Exception {
        for (var options : List.of(",queue_size=16", ",queue_size=128")) {
            try (var target = new Target();
                    var host = KernelHost.connect(target.where(), Target.NQN, options)) {
                var disk = host.awaitDisk(1);
                var content = Content.random(8);
                Content.write(guest, content, disk, "1M");
                Content.requireSame(guest, content, disk, "1M");
            }
        }
    }

    private static void grows(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, "")) {
            target.addNamespace(7, 16 << 20);
            var disk = host.awaitDisk(7);
            var content = Content.random(9);
            Content.write(guest, content, disk, "1M");

            target.subsystem.resizeNamespace(7, 32 << 20);

            KernelHost.await("the larger disk", () -> host.sectors(disk) == (32 << 20) / 512);
            Content.requireSame(guest, content, disk, "1M");
        }
    }

    /** One disk over two listeners; when the one says that its way is closed, it is reached by the other. */
    private static void paths(Guest guest) throws Exception {
        try (var target = new Target()) {
            target.openSecond();
            try (var host = KernelHost.connect(target.where(), Target.NQN, "");
                    var other = KernelHost.connect(target.whereSecond(), Target.NQN, "")) {
                var disk = host.awaitDisk(1);
                assertThat(target.associations()).isEqualTo(2);
                var content = Content.random(10);
                Content.write(guest, content, disk, "1M");

                target.firstIs(AccessState.INACCESSIBLE);
                KernelHost.await(
                        "the state of the first path", () -> host.accessState().equals("inaccessible"));
                Content.requireSame(guest, content, disk, "1M");
                target.firstIs(AccessState.OPTIMIZED);
                KernelHost.await("the first path", () -> host.accessState().equals("optimized"));
                target.closeSecond();
                KernelHost.await("the end of the second path", () -> !other.isLive());

                Content.requireSame(guest, content, disk, "1M");
            }
        }
    }

    private static void notNamed(Guest guest) throws Exception {
        try (var target = new Target()) {
            target.allowNobody();
            assertThatThrownBy(() -> KernelHost.connect(target.where(), Target.NQN, ""))
                    .isInstanceOf(IOException.class);
            assertThat(KernelHost.all()).isEmpty();
            assertThat(target.associations()).isZero();
        }
    }
}
