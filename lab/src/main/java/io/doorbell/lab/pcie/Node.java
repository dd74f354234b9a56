package io.doorbell.lab.pcie;

import io.doorbell.lease.ResourceManager;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.pcie.vfio.Selection;
import io.doorbell.pcie.vfio.VfioFunction;
import io.doorbell.pcie.vfio.VfioFunctions;
import io.doorbell.pcie.vfio.VfioWatch;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The parts of a node that lease the queue pairs of one function, whenever that is there, put together without a container. */
final class Node implements AutoCloseable {
    private static final Duration RESCAN = Duration.ofSeconds(1);

    private final PcieOptions options;
    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final LeaseManager leases = new LeaseManager(LeaseOptions.DEFAULT, reactors);
    private final ResourceManager resources = leases.open(new Holder(1, "lab", "1.0"));
    private final Map<VfioFunction, PcieController> controllers = new ConcurrentHashMap<>();
    private final VfioWatch watch;

    Node(String address, PcieOptions options) {
        this.options = options;
        watch = new VfioWatch(
                VfioFunctions.ofThisMachine(), Selection.parse(List.of(address)), RESCAN, this::came, this::went);
    }

    private void came(VfioFunction function) {
        var controller = PcieController.open(function, options);
        controllers.put(function, controller);
        leases.addController(controller);
    }

    /** As in a node: the service goes first. */
    private void went(VfioFunction function) {
        var controller = controllers.remove(function);
        if (controller != null) {
            leases.removeController(controller);
            controller.close();
        }
    }

    ResourceManager resources() {
        return resources;
    }

    PcieController controller() {
        Bus.await("a controller", () -> !controllers.isEmpty());
        return controllers.values().iterator().next();
    }

    boolean isEmpty() {
        return controllers.isEmpty();
    }

    @Override
    public void close() {
        watch.close();
        leases.close();
        reactors.close();
    }
}
