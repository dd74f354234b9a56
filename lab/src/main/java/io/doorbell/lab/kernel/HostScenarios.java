package io.doorbell.lab.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.guest.Guest;
import io.doorbell.nvme.Nqn;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** What a Linux host does with a target of ours, whatever carries it: bodies of cases. */
public final class HostScenarios {
    /** XFS wants no less. */
    private static final long FILE_SYSTEM_BYTES = 320 << 20;

    private final Supplier<? extends LabTarget> targets;
    private final String options;
    private final int smallBytes;

    /**
     * @param options for each connection, as {@link KernelHost#connect} takes them
     * @param smallBytes of what is written and read in blocks of 4 KiB, one at a time
     */
    public HostScenarios(Supplier<? extends LabTarget> targets, String options, int smallBytes) {
        this.targets = targets;
        this.options = options;
        this.smallBytes = smallBytes;
    }

    public KernelHost connect(LabTarget target, String more) throws IOException {
        return KernelHost.connect(target.where(), LabTarget.NQN, options + more);
    }

    public void discovery(Guest guest) throws Exception {
        try (var target = targets.get();
                var host = KernelHost.connect(target.where(), Nqn.DISCOVERY, "")) {
            assertThat(host.isLive()).isTrue();
            assertThat(host.says("subsysnqn")).isEqualTo(Nqn.DISCOVERY);
            assertThat(host.says("transport")).isEqualTo(target.transport());
        }
    }

    public void refused(Guest guest) throws Exception {
        try (var target = targets.get()) {
            assertThatThrownBy(() -> KernelHost.connect(target.where(), "nqn.2026-11.io.doorbell:nobody", ""))
                    .isInstanceOf(IOException.class);
            assertThat(KernelHost.all()).isEmpty();
            assertThat(target.associations()).isZero();
        }
    }

    public void writeAndReadBack(Guest guest, String more) throws Exception {
        try (var target = targets.get();
                var host = connect(target, more)) {
            assertThat(host.says("model")).isEqualTo(LabTarget.MODEL);
            writeAndReadBack(guest, host, 1);
        }
    }

    public void writeAndReadBack(Guest guest, KernelHost host, long seed) throws Exception {
        var disk = host.awaitDisk(1);
        var first = Content.random(seed);
        Content.write(guest, first, disk, "1M");
        Content.requireSame(guest, first, disk, "1M");
        var second = Content.random(seed + 1, smallBytes);
        Content.write(guest, second, disk, "4k");
        Content.requireSame(guest, second, disk, "4k");
    }

    /** The program of whoever administers such hosts, as Debian has it. */
    public void nvmeCli(Guest guest) throws Exception {
        try (var target = targets.get()) {
            var port = Integer.toString(target.port());
            var found = guest.say("nvme", "discover", "-t", target.transport(), "-a", target.address(), "-s", port);
            assertThat(found).contains(LabTarget.NQN).contains("trsvcid: " + port);
            try (var host = connect(target, "")) {
                var disk = host.awaitDisk(1);
                assertThat(guest.say("nvme", "id-ctrl", disk)).contains(LabTarget.MODEL);
                assertThat(guest.say("nvme", "id-ns", disk)).containsPattern("nsze +: 0x4000");
                assertThat(guest.say("nvme", "smart-log", disk)).contains("critical_warning");
                assertThat(guest.say("nvme", "list-subsys")).contains(LabTarget.NQN);
            }
            KernelHost.await("the end of its controller", () -> target.associations() == 0);
        }
    }

    /** What fio wrote it finds. */
    public void fio(Guest guest, String more, String... fioOptions) throws Exception {
        try (var target = targets.get();
                var host = connect(target, more)) {
            Content.verify(guest, host.awaitDisk(1), fioOptions);
        }
    }

    /** The host's own queues wait, and go on: what ran on them sees time pass and no error. */
    public void fioAndLoss(Guest guest, String... fioOptions) throws Exception {
        try (var target = targets.get();
                var host = connect(target, "")) {
            var disk = host.awaitDisk(1);
            var failed = new AtomicReference<Exception>();
            var running = Thread.ofVirtual().start(() -> {
                try {
                    Content.verify(guest, disk, fioOptions);
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

    public void fileSystem(Guest guest, Content.FileSystem kind, String more) throws Exception {
        try (var target = targets.get()) {
            target.addNamespace(7, FILE_SYSTEM_BYTES);
            try (var host = connect(target, more)) {
                Content.requireFileSystemUnderStress(guest, host.awaitDisk(7), kind);
            }
        }
    }

    public void namespaces(Guest guest) throws Exception {
        try (var target = targets.get();
                var host = connect(target, "")) {
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

    public void reset(Guest guest) throws Exception {
        try (var target = targets.get();
                var host = connect(target, "")) {
            var disk = host.awaitDisk(1);
            var content = Content.random(5);
            Content.write(guest, content, disk, "1M");

            host.reset();

            KernelHost.await("the end of the reset", host::isLive);
            Content.requireSame(guest, content, disk, "1M");
        }
    }

    public void lostAndRegained(Guest guest) throws Exception {
        try (var target = targets.get();
                var host = connect(target, "")) {
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
}
