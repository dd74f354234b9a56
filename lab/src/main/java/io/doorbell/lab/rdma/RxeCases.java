package io.doorbell.lab.rdma;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.nvme.Nqn;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;

/** What a Linux host with the kernel's software RDMA device does with our target. */
final class RxeCases {
    /** Of what is written and read in blocks of 4 KiB, one at a time. */
    private static final int SMALL_BYTES = 1 << 20;

    /** A guest on a busy machine may stand still for longer than the 5 s after which a host is gone by right. */
    private static final String PATIENT = ",keep_alive_tmo=30";

    private RxeCases() {}

    static List<Case> cases() {
        return List.of(
                patient("connect-to-discovery", RxeCases::discovery),
                patient("refused-where-it-should-be", RxeCases::refused),
                patient("write-and-read-back", RxeCases::verify),
                patient("a-file-system", RxeCases::fileSystem),
                patient("namespaces-come-and-go", RxeCases::namespaces),
                patient("reset-by-the-host", RxeCases::reset),
                patient("the-target-goes-and-comes-back", RxeCases::lostAndRegained),
                patient("with-long-packets", RxeCases::longPackets),
                patient("over-a-link-that-loses-and-reorders", RxeCases::badLink));
    }

    /** Both devices are software, and each packet is checked twice by an emulated CPU: an I/O takes 10 ms and more. */
    private static Case patient(String name, Case.Body body) {
        return new Case(name, Duration.ofMinutes(6), body);
    }

    private static void discovery(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Nqn.DISCOVERY, "")) {
            assertThat(host.isLive()).isTrue();
            assertThat(host.says("subsysnqn")).isEqualTo(Nqn.DISCOVERY);
            assertThat(host.says("transport")).isEqualTo("rdma");
        }
    }

    private static void refused(Guest guest) throws Exception {
        try (var target = new Target()) {
            assertThatThrownBy(() -> KernelHost.connect(target.where(), "nqn.2026-11.io.doorbell:nobody", ""))
                    .isInstanceOf(IOException.class);
            assertThat(KernelHost.all()).isEmpty();
            assertThat(target.associations()).isZero();
            KernelHost.await("the end of the connection", () -> target.connections() == 0);
        }
    }

    private static void writeAndReadBack(Guest guest, KernelHost host, long seed) throws Exception {
        var disk = host.awaitDisk(1);
        var first = Content.random(seed);
        Content.write(guest, first, disk, "1M");
        Content.requireSame(guest, first, disk, "1M");
        var second = Content.random(seed + 1, SMALL_BYTES);
        Content.write(guest, second, disk, "4k");
        Content.requireSame(guest, second, disk, "4k");
    }

    private static void verify(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
            assertThat(host.says("model")).isEqualTo("Doorbell in the lab");
            writeAndReadBack(guest, host, 1);
            assertThat(target.device.counters().get("drop_icrc")).isZero();
        }
    }

    private static void fileSystem(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
            Content.requireFileSystem(guest, host.awaitDisk(1), 3);
        }
    }

    private static void namespaces(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
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

    private static void reset(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
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
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
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

    /** Runs a program in the kernel's first network namespace, where the host is. */
    private static void atTheHost(Guest guest, String... command) throws Exception {
        var whole = new java.util.ArrayList<>(List.of(guest.busybox(), "nsenter", "--net=/proc/1/ns/net"));
        whole.addAll(List.of(command));
        guest.run(whole.toArray(String[]::new));
    }

    private static void mtu(Guest guest, int bytes) throws Exception {
        atTheHost(guest, "ip", "link", "set", RdmaLab.HOST_SIDE, "mtu", Integer.toString(bytes));
        guest.run("ip", "link", "set", RdmaLab.TARGET_SIDE, "mtu", Integer.toString(bytes));
    }

    private static void longPackets(Guest guest) throws Exception {
        mtu(guest, 9000);
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
            writeAndReadBack(guest, host, 7);
        } finally {
            mtu(guest, 1500);
        }
    }

    private static void badLink(Guest guest) throws Exception {
        try (var target = new Target();
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
            var disk = host.awaitDisk(1);
            atTheHost(guest, bad(guest, RdmaLab.HOST_SIDE));
            guest.run(bad(guest, RdmaLab.TARGET_SIDE));
            try {
                var content = Content.random(9);
                Content.write(guest, content, disk, "1M");
                Content.requireSame(guest, content, disk, "1M");
                assertThat(target.device.counters().get("sent_again")).isPositive();
            } finally {
                atTheHost(guest, guest.tc(), "qdisc", "delete", "dev", RdmaLab.HOST_SIDE, "root");
                guest.run(guest.tc(), "qdisc", "delete", "dev", RdmaLab.TARGET_SIDE, "root");
            }
            assertThat(host.isLive()).isTrue();
            assertThat(Files.exists(java.nio.file.Path.of(disk))).isTrue();
        }
    }

    private static String[] bad(Guest guest, String device) {
        return (guest.tc() + " qdisc add dev " + device + " root netem delay 1ms loss 0.3% reorder 1% duplicate 0.5%")
                .split(" ");
    }
}
