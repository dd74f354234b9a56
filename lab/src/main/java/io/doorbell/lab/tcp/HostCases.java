package io.doorbell.lab.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.nvme.Nqn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** What a Linux host does with a target that it did not come with. */
final class HostCases {
    private static final int MEBIBYTES = 8;

    private HostCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("connect-to-discovery", HostCases::discovery),
                Case.of("write-and-read-back", guest -> verify(guest, "")),
                Case.of("write-and-read-back-with-digests", guest -> verify(guest, ",hdr_digest,data_digest")),
                Case.of("without-flow-control", guest -> verify(guest, ",disable_sqflow")),
                Case.of("a-file-system", HostCases::fileSystem),
                Case.of("namespaces-come-and-go", HostCases::namespaces),
                Case.of("stays-over-keep-alives", HostCases::keepAlive),
                Case.of("reset-by-the-host", HostCases::reset),
                Case.of("the-target-goes-and-comes-back", HostCases::lostAndRegained),
                Case.of("refused-where-it-should-be", HostCases::refused));
    }

    private static void discovery(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Nqn.DISCOVERY, "")) {
            assertThat(host.isLive()).isTrue();
            assertThat(host.says("subsysnqn")).isEqualTo(Nqn.DISCOVERY);
        }
    }

    private static Path random(long seed) throws IOException {
        var bytes = new byte[MEBIBYTES << 20];
        new Random(seed).nextBytes(bytes);
        return Files.write(Files.createTempFile("lab", null), bytes);
    }

    private static void write(Guest guest, Path file, String disk, String blockBytes) throws Exception {
        guest.run("dd", "if=" + file, "of=" + disk, "bs=" + blockBytes, "oflag=direct", "conv=notrunc", "status=none");
    }

    private static void requireSame(Guest guest, Path file, String disk, String blockBytes) throws Exception {
        var back = Files.createTempFile("lab", null);
        int blocks = (MEBIBYTES << 20) / (blockBytes.equals("4k") ? 4096 : 1 << 20);
        guest.run(
                "dd", "if=" + disk, "of=" + back, "bs=" + blockBytes, "count=" + blocks, "iflag=direct", "status=none");
        assertThat(Files.mismatch(file, back)).isEqualTo(-1);
        Files.delete(back);
    }

    private static void verify(Guest guest, String options) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Target.NQN, options)) {
            assertThat(host.says("model")).isEqualTo("Doorbell in the lab");
            var disk = host.awaitDisk(1);
            var first = random(1);
            write(guest, first, disk, "1M");
            requireSame(guest, first, disk, "1M");
            var second = random(2);
            write(guest, second, disk, "4k");
            requireSame(guest, second, disk, "4k");
        }
    }

    private static void fileSystem(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Target.NQN, ",data_digest")) {
            var disk = host.awaitDisk(1);
            var content = random(3);
            var mount = Files.createTempDirectory("lab");
            guest.run(guest.busybox(), "mke2fs", "-F", "-b", "4096", disk);
            guest.run("mount", "-t", "ext4", disk, mount.toString());
            Files.copy(content, mount.resolve("file"));
            guest.run("umount", mount.toString());
            guest.run("mount", "-t", "ext4", disk, mount.toString());
            try {
                assertThat(Files.mismatch(content, mount.resolve("file"))).isEqualTo(-1);
            } finally {
                guest.run("umount", mount.toString());
            }
        }
    }

    private static void namespaces(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Target.NQN, "")) {
            host.awaitDisk(1);
            target.addNamespace(7, 16 << 20);
            var disk = host.awaitDisk(7);
            var content = random(4);
            write(guest, content, disk, "1M");
            requireSame(guest, content, disk, "1M");

            target.subsystem.removeNamespace(7);

            KernelHost.await("the end of the disk", () -> host.disk(7) == null);
            assertThat(host.isLive()).isTrue();
        }
    }

    private static void keepAlive(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Target.NQN, ",keep_alive_tmo=2")) {
            host.awaitDisk(1);
            // Longer than it would be waited for without one.
            Thread.sleep(8_000);
            assertThat(host.isLive()).isTrue();
            assertThat(target.associations()).isEqualTo(1);
        }
    }

    private static void reset(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Target.NQN, "")) {
            var disk = host.awaitDisk(1);
            var content = random(5);
            write(guest, content, disk, "1M");

            host.reset();

            KernelHost.await("the end of the reset", host::isLive);
            requireSame(guest, content, disk, "1M");
        }
    }

    private static void lostAndRegained(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.port, Target.NQN, "")) {
            var disk = host.awaitDisk(1);
            var content = random(6);
            write(guest, content, disk, "1M");

            target.goes();
            KernelHost.await("the loss", () -> !host.isLive());
            target.comesBack();

            KernelHost.await("the host", host::isLive);
            requireSame(guest, content, disk, "1M");
        }
    }

    private static void refused(Guest guest) throws Exception {
        try (var target = new Target()) {
            assertThatThrownBy(() -> KernelHost.connect(target.port, "nqn.2026-11.io.doorbell:nobody", ""))
                    .isInstanceOf(IOException.class);
            assertThat(KernelHost.all()).isEmpty();
            assertThat(target.associations()).isZero();
        }
    }
}
