package io.doorbell.resources;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.HolderResources;
import java.util.List;
import java.util.Optional;
import org.osgi.service.component.ComponentContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ServiceScope;

/**
 * The resource manager of one bundle. There is one instance for each bundle that uses the service; when that bundle stops,
 * is updated or uninstalled, the framework gives it up, and with it go its leases.
 */
@Component(service = ResourceManager.class, scope = ServiceScope.BUNDLE)
public final class ResourceManagerComponent implements ResourceManager {
    private final HolderResources resources;

    @Activate
    public ResourceManagerComponent(ComponentContext context, @Reference LeasesComponent leases) {
        var user = context.getUsingBundle();
        resources = leases.open(new Holder(
                user.getBundleId(), user.getSymbolicName(), user.getVersion().toString()));
    }

    /** Whoever kept this instance gets a {@code LeaseException} of kind ENDED from now on. */
    @Deactivate
    void deactivate() {
        resources.close();
    }

    @Override
    public List<NvmeController> controllers() {
        return resources.controllers();
    }

    @Override
    public Optional<NvmeController> controller(TransportId id) {
        return resources.controller(id);
    }

    @Override
    public QueuePairLease lease(LeaseRequest request) throws InterruptedException {
        return resources.lease(request);
    }

    @Override
    public ConnectionLeases listener(TransportId listener, int capacity) {
        return resources.listener(listener, capacity);
    }

    @Override
    public List<QueuePairLease> leases() {
        return resources.leases();
    }

    @Override
    public Reactors reactors() {
        return resources.reactors();
    }
}
