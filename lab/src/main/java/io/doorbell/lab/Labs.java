package io.doorbell.lab;

import io.doorbell.lab.manual.ManualLab;
import io.doorbell.lab.pcie.PcieLab;
import io.doorbell.lab.rdma.NicLab;
import io.doorbell.lab.rdma.RdmaLab;
import io.doorbell.lab.rdma.SpeedLab;
import io.doorbell.lab.tcp.TcpLab;
import java.util.List;

/** Every lab there is. */
public final class Labs {
    private static final List<Lab> ALL = List.of(
            new PcieLab(),
            new TcpLab(),
            new RdmaLab(),
            new NicLab(),
            SpeedLab.inSoftware(),
            SpeedLab.onNic(),
            new ManualLab());

    private Labs() {}

    /** @throws IllegalArgumentException when there is none of that name */
    public static Lab named(String name) {
        return ALL.stream()
                .filter(lab -> lab.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no lab is called " + name + "; there is " + names()));
    }

    private static List<String> names() {
        return ALL.stream().map(Lab::name).toList();
    }
}
