package io.doorbell.lab.pcie;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import java.util.ArrayList;
import java.util.List;

/** QEMU's NVMe controllers behind an IOMMU: our driver through VFIO on one side, the kernel's on the other. */
public final class PcieLab implements Lab {
    @Override
    public String name() {
        return "pcie";
    }

    @Override
    public List<String> modules() {
        return List.of("nvme", "vfio-pci", "vfio_iommu_type1");
    }

    @Override
    public List<String> devices(Images images) {
        var arguments = new ArrayList<String>();
        arguments.addAll(
                List.of("-drive", "file=" + images.sparse("twin0.img", 64 << 20) + ",if=none,id=twin0,format=raw"));
        arguments.addAll(List.of("-device", "nvme,id=twin0,drive=twin0,serial=twin0,addr=0x10"));
        return arguments;
    }

    @Override
    public List<Case> cases() {
        return List.of(Case.of("kernel-sees-device", guest -> {
            var found = guest.say("nvme", "list", "-o", "json");
            if (!found.contains("twin0")) {
                throw new IllegalStateException("no twin0 in " + found);
            }
        }));
    }
}
