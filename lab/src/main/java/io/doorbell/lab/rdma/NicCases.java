package io.doorbell.lab.rdma;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.nvme.Nqn;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What an RDMA device and rdma-core do with our code, and the kernel's host with our target on them. */
final class NicCases {
    /** A guest on a busy machine may stand still for longer than the 5 s after which a host is gone by right. */
    private static final String PATIENT = ",keep_alive_tmo=30";

    private NicCases() {}

    static List<Case> cases() {
        var all = new ArrayList<Case>();
        all.add(Case.of("finds-the-device", NicCases::finds));
        all.add(patient("a-kernel-host-writes-and-reads-back", NicCases::verify));
        all.add(patient("a-kernel-host-by-ipv6", NicCases::six));
        all.add(patient("a-kernel-host-finds-subsystems", NicCases::discovery));
        all.add(patient("a-kernel-host-resets", NicCases::reset));
        all.add(patient("the-target-goes-and-comes-back", NicCases::lostAndRegained));
        all.addAll(NicContract.cases());
        return all;
    }

    private static Case patient(String name, Case.Body body) {
        return new Case(name, Duration.ofMinutes(6), body);
    }

    private static void finds(Guest guest) {
        try (var nic = new Nic()) {
            var device = nic.at(NicLab.ADDRESS);
            assertThat(device.name()).isEqualTo(NicLab.DEVICE + "-" + NicLab.ADDRESS);
            assertThat(device.limits().maxQueuePairs()).isPositive();
            assertThat(device.counters()).containsKey("rcvd_pkts");
            System.out.println("lab: " + device.limits());
            nic.at(NicLab.ADDRESS_6);
        }
    }

    private static Target target(Nic nic, String address) {
        return new Target(nic.at(address), () -> {});
    }

    private static void writeAndReadBack(Guest guest, KernelHost host, long seed) throws Exception {
        var disk = host.awaitDisk(1);
        var content = Content.random(seed);
        Content.write(guest, content, disk, "1M");
        Content.requireSame(guest, content, disk, "1M");
        var small = Content.random(seed + 1, 1 << 20);
        Content.write(guest, small, disk, "4k");
        Content.requireSame(guest, small, disk, "4k");
    }

    private static void verify(Guest guest) throws Exception {
        try (var nic = new Nic();
                var target = target(nic, NicLab.ADDRESS);
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
            assertThat(host.says("model")).isEqualTo("Doorbell in the lab");
            assertThat(host.says("transport")).isEqualTo("rdma");
            writeAndReadBack(guest, host, 1);
        }
    }

    private static void six(Guest guest) throws Exception {
        try (var nic = new Nic();
                var target = target(nic, NicLab.ADDRESS_6);
                var host = KernelHost.connect(target.where(), Target.NQN, PATIENT)) {
            writeAndReadBack(guest, host, 3);
        }
    }

    private static void discovery(Guest guest) throws Exception {
        try (var nic = new Nic();
                var target = target(nic, NicLab.ADDRESS);
                var host = KernelHost.connect(target.where(), Nqn.DISCOVERY, "")) {
            assertThat(host.isLive()).isTrue();
            assertThat(host.says("subsysnqn")).isEqualTo(Nqn.DISCOVERY);
        }
    }

    private static void reset(Guest guest) throws Exception {
        try (var nic = new Nic();
                var target = target(nic, NicLab.ADDRESS);
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
        try (var nic = new Nic();
                var target = target(nic, NicLab.ADDRESS);
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
}
