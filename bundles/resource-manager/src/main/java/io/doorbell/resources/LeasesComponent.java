package io.doorbell.resources;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.HolderResources;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.lease.Policy;
import io.doorbell.statistics.LatencySnapshot;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.event.Event;
import org.osgi.service.event.EventAdmin;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node's lease manager in a container: drivers' controllers come and go as services, events go to Event Admin, the
 * operator's view is a service. Its own class is a service too, seen by this bundle only, for
 * {@link ResourceManagerComponent}.
 */
@Component(
        service = {LeaseRegistry.class, LeasesComponent.class},
        configurationPid = Options.PID)
@Designate(ocd = Options.class)
public final class LeasesComponent implements LeaseRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(LeasesComponent.class);

    private final LeaseManager manager;

    // Written by SCR when an Event Admin comes or goes.
    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    private volatile EventAdmin eventAdmin;

    /** The last one that was right; a new one with a mistake changes nothing. */
    private Policy policy = Policy.NONE;

    @Activate
    public LeasesComponent(@Reference Reactors reactors, Options options) {
        manager = new LeaseManager(leaseOptions(options), reactors);
        manager.onEvent(this::post);
    }

    /** Instead of a new activation: leases stay. */
    @Modified
    void modified(Options options) {
        manager.configure(leaseOptions(options));
    }

    @Deactivate
    void deactivate() {
        manager.close();
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addController(NvmeController controller) {
        manager.addController(controller);
    }

    /** Called while the driver withdraws its service, and so before it lets its controller go: it still answers. */
    void removeController(NvmeController controller) {
        manager.removeController(controller);
    }

    HolderResources open(Holder holder) {
        return manager.open(holder);
    }

    private LeaseOptions leaseOptions(Options options) {
        try {
            policy = Policy.parse(List.of(options.policies()));
        } catch (IllegalArgumentException mistake) {
            LOG.error(
                    "config/{}.cfg: policies = {}. The last good policy stays in force: {}",
                    Options.PID,
                    mistake.getMessage(),
                    policy);
        }
        return new LeaseOptions(
                Duration.ofMillis(options.grace_release_ms()),
                Duration.ofMillis(options.grace_stop_ms()),
                Duration.ofMillis(options.grace_preempt_ms()),
                Duration.ofMillis(options.grace_operator_ms()),
                Duration.ofMillis(options.abort_bound_ms()),
                Duration.ofMillis(options.delete_bound_ms()),
                LeaseOptions.DEFAULT.closeBound(),
                Duration.ofSeconds(options.wait_limit_s()),
                (long) options.memory_limit_mib() << 20,
                options.connections_per_host(),
                policy);
    }

    private void post(LeaseEvent event) {
        var admin = eventAdmin;
        if (admin != null) {
            admin.postEvent(
                    new Event(LeaseEvent.TOPIC + event.kind().name().toLowerCase(Locale.ROOT), properties(event)));
        }
    }

    private static HashMap<String, Object> properties(LeaseEvent event) {
        var lease = event.lease();
        var properties = new HashMap<String, Object>();
        properties.put("lease", lease.id());
        properties.put("controller", lease.controller());
        properties.put("queue", lease.queueId());
        properties.put("epoch", lease.epoch());
        properties.put("holder", lease.holder());
        properties.put("holder.bundle.id", lease.holderBundleId());
        properties.put("label", lease.label());
        properties.put("owner", lease.ownerThread());
        properties.put("time.millis", event.timeMillis());
        properties.put("in.flight", event.inFlight());
        properties.put("aborted", event.aborted());
        properties.put("drain.nanos", event.drainNanos());
        properties.put("abort.nanos", event.abortNanos());
        properties.put("delete.nanos", event.deleteNanos());
        properties.put("close.nanos", event.closeNanos());
        if (event.reason() != null) {
            properties.put("reason", event.reason().name());
        }
        return properties;
    }

    @Override
    public List<LeaseSnapshot> leases() {
        return manager.leases();
    }

    @Override
    public Map<Long, LatencySnapshot> latencies() {
        return manager.latencies();
    }

    @Override
    public List<LeaseEvent> history() {
        return manager.history();
    }

    @Override
    public List<Capacity> capacity() {
        return manager.capacity();
    }

    @Override
    public LeaseEvent revoke(long leaseId) {
        return manager.revoke(leaseId);
    }

    @Override
    public AutoCloseable onEvent(Consumer<LeaseEvent> listener) {
        return manager.onEvent(listener);
    }
}
