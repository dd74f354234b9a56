package io.doorbell.resources.lease;

import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.TransportId;

/** A controller whose queue pairs are given out. Guarded by the manager's lock. */
final class ManagedController {
    final NvmeController controller;
    final TransportId id;

    /** Its driver takes it away: nothing is granted any more. */
    boolean leaving;

    ManagedController(NvmeController controller) {
        this.controller = controller;
        this.id = controller.transportId().withoutNamespace();
    }

    boolean usable() {
        return !leaving && controller.state() == ControllerState.READY;
    }

    int queuePairs() {
        return controller.info().ioQueuePairs();
    }

    @Override
    public String toString() {
        return id + (leaving ? " (being removed)" : usable() ? "" : " (" + controller.state() + ")");
    }
}
