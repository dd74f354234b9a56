package io.doorbell.resources.lease;

import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import java.lang.foreign.Arena;

/** A controller whose queue pairs are given out. Guarded by the manager's lock. */
final class ManagedController extends Source {
    final NvmeController controller;

    ManagedController(NvmeController controller) {
        super(controller.transportId().withoutNamespace());
        this.controller = controller;
    }

    @Override
    boolean isReady() {
        return controller.state() == ControllerState.READY;
    }

    @Override
    int queuePairs() {
        return controller.info().ioQueuePairs();
    }

    @Override
    int maxQueueEntries() {
        return controller.info().maxQueueEntries();
    }

    @Override
    QueuePairControl make(Lease lease, QueuePairOptions options, Arena arena) {
        return controller.createQueuePair(options, arena);
    }

    @Override
    String condition() {
        return controller.state().toString();
    }
}
