package io.doorbell.lab.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.nvme.Nqn;
import io.doorbell.target.AccessState;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** What a Linux host does with a target that it did not come with. */
final class HostCases {
    private static final int KEEP_ALIVE_SECONDS = 3;
    private static final int KEEP_ALIVE_ROUNDS = 8;

    /** XFS wants no less. */
    private static final long FILE_SYSTEM_BYTES = 320 << 20;

    private HostCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("connect-to-discovery", HostCases::discovery),
                Case.of("write-and-read-back", guest -> verify(guest, "")),
                Case.of("write-and-read-back-with-digests", guest -> verify(guest, ",hdr_digest,data_digest")),
                Case.of("without-flow-control", guest -> verify(guest, ",disable_sqflow")),
                Case.of("nvme-cli-discovers-and-identifies", HostCases::nvmeCli),
                Case.of("small-queues-and-large", HostCases::queues),
                Case.of("fio-finds-what-it-wrote", HostCases::fio),
                Case.of("fio-goes-on-when-the-target-comes-back", HostCases::fioAndLoss),
                Case.of("ext4-under-stress", guest -> stress(guest, Content.FileSystem.EXT4)),
                Case.of("xfs-under-stress", guest -> stress(guest, Content.FileSystem.XFS)),
                Case.of("namespaces-come-and-go", HostCases::namespaces),
                Case.of("a-namespace-grows", HostCases::grows),
                Case.of("two-paths-and-where-they-lead", HostCases::paths),
                Case.of("stays-over-keep-alives", HostCases::keepAlive),
                Case.of("reset-by-the-host", HostCases::reset),
                Case.of("the-target-goes-and-comes-back", HostCases::lostAndRegained),
                Case.of("the-link-is-cut-and-mended", HostCases::cutLink),
                Case.of("refused-where-it-should-be", HostCases::refused),
                Case.of("a-host-that-is-not-named-is-refused", HostCases::notNamed));
    }

    private static void discovery(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Nqn.DISCOVERY, "")) {
            assertThat(host.isLive()).isTrue();
            assertThat(host.says("subsysnqn")).isEqualTo(Nqn.DISCOVERY);
        }
    }

    private static void verify(Guest guest, String options) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, options)) {
            assertThat(host.says("model")).isEqualTo("Doorbell in the lab");
            var disk = host.awaitDisk(1);
            var first = Content.random(1);
            Content.write(guest, first, disk, "1M");
            Content.requireSame(guest, first, disk, "1M");
            var second = Content.random(2);
            Content.write(guest, second, disk, "4k");
            Content.requireSame(guest, second, disk, "4k");
        }
    }

    private static void fio(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, ",hdr_digest,data_digest")) {
            Content.verify(guest, host.awaitDisk(1));
        }
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, "")) {
            Content.verify(guest, host.awaitDisk(1), "--numjobs=2", "--offset_increment=32m");
        }
    }

    /** The host's own queues wait, and go on: what ran on them sees time pass and no error. */
    private static void fioAndLoss(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, "")) {
            var disk = host.awaitDisk(1);
            var failed = new AtomicReference<Exception>();
            var running = Thread.ofVirtual().start(() -> {
                try {
                    Content.verify(guest, disk, "--loops=3");
                } catch (Exception wrong) {
                    failed.set(wrong);
                }
            });
            for (int i = 0; i < 2; i++) {
                long before = host.writes();
                KernelHost.await("I/O", () -> host.writes() > before || !running.isAlive());
                assertThat(i > 0 || running.isAlive()).as("under way").isTrue();
                target.goes();
                KernelHost.await("the loss", () -> !host.isLive());
                target.comesBack();
                KernelHost.await("the host", host::isLive);
            }
            running.join();
            assertThat(failed.get()).isNull();
        }
    }

    private static void stress(Guest guest, Content.FileSystem kind) throws Exception {
        try (var target = new Target()) {
            target.addNamespace(7, FILE_SYSTEM_BYTES);
            try (var host = KernelHost.connect(target.where(), Target.NQN, ",data_digest")) {
                Content.requireFileSystemUnderStress(guest, host.awaitDisk(7), kind);
            }
        }
    }

    private static void namespaces(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, "")) {
            host.awaitDisk(1);
            target.addNamespace(7, 16 << 20);
            var disk = host.awaitDisk(7);
            var content = Content.random(4);
            Content.write(guest, content, disk, "1M");
            Content.requireSame(guest, content, disk, "1M");

            target.subsystem.removeNamespace(7);

            KernelHost.await("the end of the disk", () -> host.disk(7) == null);
            assertThat(host.isLive()).isTrue();
        }
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

    private static void reset(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, "")) {
            var disk = host.awaitDisk(1);
            var content = Content.random(5);
            Content.write(guest, content, disk, "1M");

            host.reset();

            KernelHost.await("the end of the reset", host::isLive);
            Content.requireSame(guest, content, disk, "1M");
        }
    }

    private static void lostAndRegained(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, "")) {
            var disk = host.awaitDisk(1);
            var content = Content.random(6);
            Content.write(guest, content, disk, "1M");

            target.goes();
            KernelHost.await("the loss", () -> !host.isLive());
            target.comesBack();

            KernelHost.await("the host", host::isLive);
            Content.requireSame(guest, content, disk, "1M");
        }
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

    /** The program of whoever administers such hosts, as Debian has it. */
    private static void nvmeCli(Guest guest) throws Exception {
        try (var target = new Target()) {
            var port = Integer.toString(target.port);
            var found = guest.say("nvme", "discover", "-t", "tcp", "-a", "127.0.0.1", "-s", port);
            assertThat(found).contains(Target.NQN).contains("trsvcid: " + port);
            try (var host = KernelHost.connect(target.where(), Target.NQN, "")) {
                var disk = host.awaitDisk(1);
                assertThat(guest.say("nvme", "id-ctrl", disk)).contains("Doorbell in the lab");
                assertThat(guest.say("nvme", "id-ns", disk)).containsPattern("nsze +: 0x4000");
                assertThat(guest.say("nvme", "smart-log", disk)).contains("critical_warning");
                assertThat(guest.say("nvme", "list-subsys")).contains(Target.NQN);
            }
            KernelHost.await("the end of its controller", () -> target.associations() == 0);
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
            int second = target.openSecond();
            try (var host = KernelHost.connect(target.where(), Target.NQN, "");
                    var other = KernelHost.connect(target.where(second), Target.NQN, "")) {
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

    private static void refused(Guest guest) throws Exception {
        try (var target = new Target()) {
            assertThatThrownBy(() -> KernelHost.connect(target.where(), "nqn.2026-11.io.doorbell:nobody", ""))
                    .isInstanceOf(IOException.class);
            assertThat(KernelHost.all()).isEmpty();
            assertThat(target.associations()).isZero();
        }
    }
}
