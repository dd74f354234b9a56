package io.doorbell.lab.pcie;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import java.util.List;
import java.util.stream.Stream;

/** QEMU's NVMe controllers behind an IOMMU: our driver through VFIO on one side, the kernel's on the other. */
public final class PcieLab implements Lab {
    @Override
    public String name() {
        return "pcie";
    }

    @Override
    public List<String> modules() {
        return List.of("nvme", "ext4", "vfio-pci", "vfio_iommu_type1");
    }

    @Override
    public List<String> devices(Images images) {
        return PcieMachine.arguments(images);
    }

    @Override
    public List<Case> cases() {
        return Stream.of(
                        IdentityCases.cases(),
                        DataCases.cases(),
                        ProtectionCases.cases(),
                        AdminCases.cases(),
                        ZoneCases.cases(),
                        CommandCases.cases(),
                        TroubleCases.cases())
                .flatMap(List::stream)
                .toList();
    }
}
