package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.platform.CpuAffinity;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;

/** {@code io.doorbell:type=Reactors}, from its making to {@link #close}. Any thread; changes come one after another. */
final class ManagedReactors implements ReactorsMXBean, AutoCloseable {
    private static final String FILE = "io.doorbell.resources.cfg";
    private static final String CPUS = "reactor.cpus";

    private final Reactors reactors;
    private final ConfigurationFiles files;
    private final Registration registration;

    ManagedReactors(Reactors reactors, ConfigurationFiles files, MBeanServer server) {
        this.reactors = reactors;
        this.files = files;
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

    @Override
    public List<Integer> getAllowedCpus() {
        return CpuAffinity.processCpus().stream().boxed().toList();
    }

    @Override
    public SortedMap<String, Integer> getConfiguredCpus() {
        var cpus = new TreeMap<String, Integer>();
        for (var each : configured().split(",")) {
            int colon = each.lastIndexOf(':');
            var cpu = each.substring(colon + 1).strip();
            // What is none was refused by whoever reads it, with a line in the log.
            if (colon > 0 && cpu.matches("[0-9]{1,5}")) {
                cpus.put(each.substring(0, colon).strip(), Integer.parseInt(cpu));
            }
        }
        return cpus;
    }

    /** As it stands in the file; empty where there is none. */
    private String configured() {
        return files.files().stream()
                .filter(file -> file.file().equals(FILE))
                .map(file -> file.entries().getOrDefault(CPUS, ""))
                .findFirst()
                .orElse("");
    }

    @Override
    public synchronized void move(String name, int cpu) {
        Operation.of("move reactor " + name + " to CPU " + cpu, () -> {
            var byName = new TreeMap<String, Reactor>();
            reactors.reactors().forEach(each -> byName.put(each.name(), each));
            var reactor = Operation.one(byName, name, "reactor");
            if (!getAllowedCpus().contains(cpu)) {
                throw new IllegalArgumentException("CPU " + cpu + ": this process may use " + getAllowedCpus());
            }
            var before = configured();
            var cpus = getConfiguredCpus();
            cpus.put(name, cpu);
            write(spelled(cpus));
            if (!TargetServices.awaitInForce(() -> reactor.cpu() == cpu)) {
                write(before);
                throw new IllegalStateException(name
                        + " did not move, and the file is as it was: the log says why it cannot be bound to a CPU");
            }
        });
    }

    @Override
    public synchronized void unplace(String name) {
        Operation.of("unplace reactor " + name, () -> {
            var cpus = getConfiguredCpus();
            Operation.one(cpus, name, "reactor with a CPU that is configured");
            cpus.remove(name);
            write(spelled(cpus));
        });
    }

    private static String spelled(SortedMap<String, Integer> cpus) {
        return ConfigurationFiles.list(cpus.entrySet().stream()
                .map(each -> each.getKey() + ": " + each.getValue())
                .toList());
    }

    private void write(String cpus) {
        files.set(FILE, Map.of(CPUS, cpus));
    }

    @Override
    public synchronized void setIdle(int spinCycles, int yieldCycles) {
        Operation.of(
                "set reactors to " + spinCycles + " cycles of spinning and " + yieldCycles + " of yielding",
                () -> files.set(
                        FILE,
                        Map.of(
                                "reactor.spin.cycles",
                                Integer.toString(spinCycles),
                                "reactor.yield.cycles",
                                Integer.toString(yieldCycles))));
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
