package io.doorbell.management;

import io.doorbell.nvme.TransportId;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Tcp} and {@code type=Rdma}. Any thread. */
final class ManagedCounters implements CountersMXBean, AutoCloseable {
    private final Supplier<SortedMap<String, SortedMap<String, Long>>> counters;
    private final Registration registration;

    private ManagedCounters(
            String type, MBeanServer server, Supplier<SortedMap<String, SortedMap<String, Long>>> counters) {
        this.counters = counters;
        this.registration = Registration.of(
                server,
                Registration.name(type),
                new DescribedMBean<>(this, CountersMXBean.class, new NotificationBroadcasterSupport()));
    }

    static ManagedCounters ofTcp(TargetServices services, MBeanServer server) {
        return new ManagedCounters("Tcp", server, () -> tcp(services));
    }

    static ManagedCounters ofRdma(TargetServices services, MBeanServer server) {
        return new ManagedCounters("Rdma", server, () -> rdma(services));
    }

    static SortedMap<String, SortedMap<String, Long>> tcp(TargetServices services) {
        var all = new TreeMap<String, SortedMap<String, Long>>();
        services.listeners()
                .forEach((name, listener) -> TargetServices.ask(listener::status)
                        .filter(status -> status.at().trtype() == TransportId.Type.TCP)
                        .ifPresent(status -> all.put(name, status.counters())));
        return all;
    }

    static SortedMap<String, SortedMap<String, Long>> rdma(TargetServices services) {
        var all = new TreeMap<String, SortedMap<String, Long>>();
        services.verbsDevices()
                .forEach(device -> TargetServices.ask(device::counters)
                        .ifPresent(counters -> all.put(device.name(), new TreeMap<>(counters))));
        return all;
    }

    @Override
    public SortedMap<String, SortedMap<String, Long>> getCounters() {
        return counters.get();
    }

    @Override
    public void close() {
        registration.close();
    }
}
