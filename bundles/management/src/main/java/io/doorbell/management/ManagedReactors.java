package io.doorbell.management;

import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Reactors}, from its making to {@link #close}. Any thread. */
final class ManagedReactors implements ReactorsMXBean, AutoCloseable {
    private final Reactors reactors;
    private final Registration registration;

    ManagedReactors(Reactors reactors, MBeanServer server) {
        this.reactors = reactors;
        this.registration = Registration.of(
                server,
                Registration.name("Reactors"),
                new DescribedMBean<>(this, ReactorsMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public SortedMap<String, ReactorRow> getReactors() {
        var rows = new TreeMap<String, ReactorRow>();
        reactors.reactors().forEach(reactor -> rows.put(reactor.name(), row(reactor)));
        return rows;
    }

    @Override
    public int getReactorCount() {
        return reactors.reactors().size();
    }

    private static ReactorRow row(Reactor reactor) {
        var counters = reactor.statistics();
        return new ReactorRow(
                reactor.name(),
                reactor.cpu(),
                reactor.thread().getName(),
                counters.cycles(),
                counters.busyCycles(),
                counters.parks(),
                counters.pollers(),
                counters.pollerFailures(),
                System.nanoTime() - counters.lastCycleNanos(),
                counters.parked());
    }

    @Override
    public void close() {
        registration.close();
    }
}
