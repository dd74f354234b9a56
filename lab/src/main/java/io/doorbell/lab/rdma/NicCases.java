package io.doorbell.lab.rdma;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.HostScenarios;
import io.doorbell.rdmanic.Engine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What an RDMA device and rdma-core do with our code, and the kernel's host with our target on them. */
final class NicCases {
    /** A guest on a busy machine may stand still for longer than the 5 s after which a host is gone by right. */
    private static final String PATIENT = ",keep_alive_tmo=30";

    private static final int SMALL_BYTES = 1 << 20;

    private NicCases() {}

    static List<Case> cases() {
        var hosts = hosts(Engine.PANAMA, NicLab.ADDRESS);
        var hosts6 = hosts(Engine.PANAMA, NicLab.ADDRESS_6);
        var all = new ArrayList<Case>();
        all.add(Case.of("finds-the-device", NicCases::finds));
        all.add(patient("a-kernel-host-writes-and-reads-back", guest -> hosts.writeAndReadBack(guest, "")));
        all.add(patient("a-kernel-host-by-ipv6", guest -> hosts6.writeAndReadBack(guest, "")));
        all.add(patient("a-kernel-host-finds-subsystems", hosts::discovery));
        all.add(patient("a-kernel-host-resets", hosts::reset));
        all.add(patient("the-target-goes-and-comes-back", hosts::lostAndRegained));
        all.addAll(NicContract.cases(Engine.PANAMA));
        if (NicLab.hasDisni()) {
            var byDisni = hosts(Engine.DISNI, NicLab.ADDRESS);
            all.add(patient("a-kernel-host-by-disni", guest -> byDisni.writeAndReadBack(guest, "")));
            all.addAll(NicContract.cases(Engine.DISNI));
        }
        return all;
    }

    private static Case patient(String name, Case.Body body) {
        return new Case(name, Duration.ofMinutes(6), body);
    }

    private static HostScenarios hosts(Engine engine, String address) {
        return new HostScenarios(() -> Nic.target(engine, address), PATIENT, SMALL_BYTES);
    }

    private static void finds(Guest guest) {
        try (var nic = new Nic(Engine.PANAMA)) {
            var device = nic.at(NicLab.ADDRESS);
            assertThat(device.name()).isEqualTo(NicLab.DEVICE + "-" + NicLab.ADDRESS);
            assertThat(device.limits().maxQueuePairs()).isPositive();
            assertThat(device.counters()).containsKey("rcvd_pkts");
            System.out.println("lab: " + device.limits());
            nic.at(NicLab.ADDRESS_6);
        }
    }
}
