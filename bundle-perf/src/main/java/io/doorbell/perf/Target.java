package io.doorbell.perf;

import io.doorbell.host.NvmeNamespace;
import io.doorbell.nvme.TransportId;

/**
 * A namespace to be driven. The controller is known by its transport id, since its object changes when its driver does.
 *
 * @param maxTransferBytes what the controller takes without a split
 * @param maxQueueEntries the largest queue it makes
 */
record Target(TransportId controller, NvmeNamespace namespace, int maxTransferBytes, int maxQueueEntries) {

    /** As SPDK names it, {@code EMULATED (nvme0) NSID 1}. */
    String name() {
        return controllerName(controller) + " NSID " + Integer.toUnsignedString(namespace.nsid());
    }

    static String controllerName(TransportId id) {
        return id.trtype()
                + (id.trtype().isFabric()
                        ? " (addr:" + id.traddr() + " subnqn:" + id.subnqn() + ")"
                        : " (" + id.traddr() + ")");
    }
}
