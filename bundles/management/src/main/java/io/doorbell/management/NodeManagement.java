package io.doorbell.management;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseRegistry;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has the MBeans of the node as a whole: itself, its bundles, and what happens, which others of this bundle tell it too. */
@Component(service = NodeManagement.class)
public final class NodeManagement {
    private static final Logger LOG = LoggerFactory.getLogger(NodeManagement.class);

    private final BundleContext context;
    private final ManagedNode node;
    private final ManagedBundles bundles;
    private final ManagedEvents events;
    private final AutoCloseable leases;
    private final BundleListener listener = this::bundleChanged;

    @Activate
    public NodeManagement(BundleContext context, @Reference LeaseRegistry registry) {
        this.context = context;
        var server = ManagementFactory.getPlatformMBeanServer();
        node = new ManagedNode(
                context.getBundle().getVersion().toString(), context.getProperty("doorbell.home"), server);
        bundles = new ManagedBundles(context, registry, server);
        events = new ManagedEvents(server);
        leases = registry.onEvent(this::leaseEvent);
        context.addBundleListener(listener);
    }

    NodeMXBean node() {
        return node;
    }

    ManagedEvents events() {
        return events;
    }

    private void leaseEvent(LeaseEvent event) {
        var lease = event.lease();
        events.tell(
                "lease." + event.kind().name().toLowerCase(Locale.ROOT),
                lease == null ? "" : Long.toString(lease.id()),
                ManagedLeases.words(event));
    }

    private void bundleChanged(BundleEvent event) {
        var kind = switch (event.getType()) {
            case BundleEvent.STARTED -> "bundle.started";
            case BundleEvent.STOPPED -> "bundle.stopped";
            default -> null;
        };
        if (kind != null) {
            var bundle = event.getBundle();
            events.tell(kind, String.valueOf(bundle.getSymbolicName()), "version " + bundle.getVersion());
        }
    }

    @Deactivate
    void deactivate() {
        context.removeBundleListener(listener);
        try {
            leases.close();
        } catch (Exception e) {
            LOG.warn("the lease registry does not let go of its listener", e);
        }
        events.close();
        bundles.close();
        node.close();
    }
}
