package io.doorbell.management;

import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseSnapshot;
import java.util.Arrays;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;

/** {@code io.doorbell:type=Bundles}. Any thread. */
final class ManagedBundles implements BundlesMXBean, AutoCloseable {
    /** Where the deployment installs what it finds in deploy/. */
    private static final String PLUG_IN_LOCATION = "deploy:";

    private final BundleContext context;
    private final LeaseRegistry leases;
    private final Registration registration;

    ManagedBundles(BundleContext context, LeaseRegistry leases, MBeanServer server) {
        this.context = context;
        this.leases = leases;
        this.registration = Registration.of(
                server,
                Registration.name("Bundles"),
                new DescribedMBean<>(this, BundlesMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, BundleRow> getBundles() {
        var held = leases.leases().stream()
                .collect(Collectors.groupingBy(LeaseSnapshot::holderBundleId, Collectors.counting()));
        var rows = new TreeMap<String, BundleRow>();
        for (var bundle : context.getBundles()) {
            rows.put(
                    String.valueOf(bundle.getSymbolicName()),
                    new BundleRow(
                            String.valueOf(bundle.getSymbolicName()),
                            bundle.getVersion().toString(),
                            state(bundle),
                            isPlugIn(bundle),
                            bundle.getLocation(),
                            held.getOrDefault(bundle.getBundleId(), 0L).intValue()));
        }
        return rows;
    }

    static boolean isPlugIn(Bundle bundle) {
        return bundle.getLocation().startsWith(PLUG_IN_LOCATION);
    }

    static String state(Bundle bundle) {
        return switch (bundle.getState()) {
            case Bundle.INSTALLED -> "INSTALLED";
            case Bundle.RESOLVED -> "RESOLVED";
            case Bundle.STARTING -> "STARTING";
            case Bundle.STOPPING -> "STOPPING";
            case Bundle.ACTIVE -> "ACTIVE";
            default -> "UNINSTALLED";
        };
    }

    @Override
    public void drain(String name) {
        Operation.of("drain " + name, () -> {
            try {
                plugIn(name).stop();
            } catch (BundleException failed) {
                throw new IllegalStateException(name + " did not stop in order: " + failed.getMessage());
            }
        });
    }

    @Override
    public void start(String name) {
        Operation.of("start " + name, () -> {
            try {
                plugIn(name).start(Bundle.START_ACTIVATION_POLICY);
            } catch (BundleException failed) {
                throw new IllegalStateException(name + " does not start: " + failed.getMessage());
            }
        });
    }

    private Bundle plugIn(String name) {
        Map<String, Bundle> plugIns = Arrays.stream(context.getBundles())
                .filter(ManagedBundles::isPlugIn)
                .collect(Collectors.toMap(Bundle::getSymbolicName, bundle -> bundle, (one, _) -> one, TreeMap::new));
        return Operation.one(plugIns, name, "plug-in");
    }

    @Override
    public void close() {
        registration.close();
    }
}
