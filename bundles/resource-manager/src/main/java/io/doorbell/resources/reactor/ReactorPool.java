package io.doorbell.resources.reactor;

import io.doorbell.platform.CpuAffinity;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reactors of a node. Any thread may call any method.
 *
 * <p>Placement: the CPU, among those this process may use, with the fewest reactors that live; of several, the first for a
 * host, the last for a device. So one host and one device never share a CPU where there are two. Those that have to share one do not spin while
 * another of them is awake: they sleep where their pollers agree, and nap where they do not.
 */
public final class ReactorPool implements Reactors, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReactorPool.class);

    private final Carriers carriers = new Carriers();
    private final Map<String, ReactorThread> living = new LinkedHashMap<>();
    private final Map<String, Integer> places = new HashMap<>();
    private final Duration longestPark;
    private volatile ReactorOptions options;
    private boolean closed;

    public ReactorPool(ReactorOptions options) {
        this(options, ReactorThread.LONGEST_PARK);
    }

    /** For tests: where the longest sleep lasts longer than they do, a lost wakeup is not healed by its end. */
    ReactorPool(ReactorOptions options, Duration longestPark) {
        this.options = options;
        this.longestPark = longestPark;
    }

    /** Living reactors take up how to idle, and the CPU that is named for them; the rest counts for those opened from now on. */
    public void configure(ReactorOptions changed) {
        var allowed = CpuAffinity.processCpus();
        synchronized (this) {
            options = changed;
            var touched = new HashSet<>(places.values());
            living.forEach((name, reactor) -> {
                int cpu = named(name, ANY_CPU, allowed);
                if (cpu != ANY_CPU) {
                    places.put(name, cpu);
                }
                reactor.configure(changed, cpu);
            });
            touched.addAll(places.values());
            touched.forEach(this::acquaint);
        }
    }

    /** The CPU that is configured for a reactor; {@code otherwise} where there is none, or not for this process. */
    private int named(String name, int otherwise, BitSet allowed) {
        var cpu = options.cpus().get(name);
        if (cpu == null) {
            return otherwise;
        }
        if (!allowed.get(cpu)) {
            LOG.warn("reactor {} is to run on CPU {}, and this process may use {}", name, cpu, allowed);
            return otherwise;
        }
        return cpu;
    }

    @Override
    public Reactor open(String name, Role role, int wanted) {
        var allowed = CpuAffinity.processCpus();
        ReactorThread reactor;
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("reactors are closed; " + name + " cannot be opened");
            }
            if (living.containsKey(name)) {
                throw new IllegalArgumentException("a reactor " + name + " lives already");
            }
            int cpu = named(name, wanted, allowed);
            if (cpu != ANY_CPU && (cpu < 0 || !allowed.get(cpu))) {
                throw new IllegalArgumentException(
                        "CPU " + cpu + " for reactor " + name + ": this process may use " + allowed);
            }
            int place = cpu == ANY_CPU ? leastUsed(allowed, role) : cpu;
            // A CPU that was named is kept to also where pinning is off in general.
            int pinTo = options.pin() || cpu != ANY_CPU ? place : -1;
            reactor =
                    new ReactorThread(name, pinTo, options, allowed.cardinality() == 1, longestPark, () -> ended(name));
            living.put(name, reactor);
            places.put(name, place);
            acquaint(place);
        }
        reactor.start();
        return reactor;
    }

    private int leastUsed(BitSet allowed, Role role) {
        var load = new HashMap<Integer, Integer>();
        places.values().forEach(place -> load.merge(place, 1, Integer::sum));
        var cpus = new ArrayList<>(allowed.stream().boxed().toList());
        var inOrder = role == Role.HOST ? cpus : cpus.reversed();
        return inOrder.stream()
                .min((a, b) -> Integer.compare(load.getOrDefault(a, 0), load.getOrDefault(b, 0)))
                .orElseThrow();
    }

    private synchronized void ended(String name) {
        living.remove(name);
        acquaint(places.remove(name));
    }

    /** Tells those on a CPU of each other: none of them spins while another wants it. */
    private void acquaint(int place) {
        var here = living.entrySet().stream()
                .filter(each -> places.get(each.getKey()) == place)
                .map(Map.Entry::getValue)
                .toList();
        for (var one : here) {
            one.neighbours(here.stream().filter(other -> other != one).toArray(ReactorThread[]::new));
        }
    }

    @Override
    public synchronized List<Reactor> reactors() {
        return List.copyOf(living.values());
    }

    /** Closes all reactors that still live, each within a bound, and opens none any more. */
    @Override
    public void close() {
        List<Reactor> rest;
        synchronized (this) {
            closed = true;
            rest = reactors();
        }
        rest.forEach(Reactor::close);
        carriers.close();
    }
}
