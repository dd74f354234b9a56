package io.doorbell.lab.pcie;

import io.doorbell.host.NvmeNamespace;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.pcie.vfio.VfioFunctions;

/** Controllers driven by ours, without a container. */
final class Controllers {
    private Controllers() {}

    static PcieController open(Slot slot) {
        return open(slot, PcieOptions.DEFAULTS);
    }

    /** Gives the function to vfio-pci if it is elsewhere. The caller closes the controller. */
    static PcieController open(Slot slot, PcieOptions options) {
        return PcieController.open(VfioFunctions.ofThisMachine().find(Bus.toVfio(slot)), options);
    }

    static NvmeNamespace namespace(PcieController controller, int nsid) {
        return controller.namespaces().stream()
                .filter(namespace -> namespace.nsid() == nsid)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalStateException("no namespace " + nsid + " in " + controller.namespaces()));
    }
}
