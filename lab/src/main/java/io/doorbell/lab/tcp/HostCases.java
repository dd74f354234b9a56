package io.doorbell.lab.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.nvme.Nqn;
import java.io.IOException;
import java.util.List;

/** What a Linux host does with a target that it did not come with. */
final class HostCases {
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

    private static void fileSystem(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, ",data_digest")) {
            Content.requireFileSystem(guest, host.awaitDisk(1), 3);
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

    private static void keepAlive(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, ",keep_alive_tmo=2")) {
            host.awaitDisk(1);
            // Longer than it would be waited for without one.
            Thread.sleep(8_000);
            assertThat(host.isLive()).isTrue();
            assertThat(target.associations()).isEqualTo(1);
        }
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

    private static void refused(Guest guest) throws Exception {
        try (var target = new Target()) {
            assertThatThrownBy(() -> KernelHost.connect(target.where(), "nqn.2026-11.io.doorbell:nobody", ""))
                    .isInstanceOf(IOException.class);
            assertThat(KernelHost.all()).isEmpty();
            assertThat(target.associations()).isZero();
        }
    }
}
