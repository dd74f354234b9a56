package io.doorbell.management;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.configuration.ConfigurationFiles.State;
import io.doorbell.host.ControllerState;
import io.doorbell.platform.Machine;
import io.doorbell.reactor.Reactors;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.felix.hc.api.FormattingResultLog;
import org.apache.felix.hc.api.HealthCheck;
import org.apache.felix.hc.api.Result;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;

/** What can be wrong with a node, each as a health check. Any thread. */
final class NodeChecks {
    /** The process serves, or is to be started anew. */
    static final String LIVE = "live";
    /** Hosts get what they are to get. */
    static final String READY = "ready";

    /** A reactor comes round in microseconds, and in milliseconds where it has to share its CPU. */
    static final Duration REACTOR_BOUND = Duration.ofSeconds(5);

    static final Duration POLL_BOUND = Duration.ofSeconds(5);

    /** Bundles come one after the other when a node starts, and a plug-in that is replaced is gone for a moment. */
    static final Duration START_BOUND = Duration.ofSeconds(15);

    /** Hosts send Keep Alives every few seconds: a node that stood still for so long has lost some. */
    static final Duration STAND_STILL_BOUND = Duration.ofSeconds(5);

    /** How long a stand-still is told of. */
    private static final Duration STAND_STILL_TOLD = Duration.ofMinutes(5);

    private static final int WORN_PERCENT = 100;
    private static final double LITTLE_MEMORY = 0.03;
    private static final double FULL_HEAP = 0.95;

    private NodeChecks() {}

    private static HealthCheck check(Consumer<FormattingResultLog> look) {
        return () -> {
            var log = new FormattingResultLog();
            // A log without a line is a warning to Felix.
            log.info("looked");
            look.accept(log);
            return new Result(log);
        };
    }

    static HealthCheck reactors(Reactors reactors) {
        return check(log -> {
            for (var reactor : reactors.reactors()) {
                var counters = reactor.statistics();
                long standsNanos = System.nanoTime() - counters.lastCycleNanos();
                if (!counters.parked() && standsNanos > REACTOR_BOUND.toNanos()) {
                    log.critical(
                            "reactor {} has not come round for {} s: the pollers on it, and the hosts they serve,"
                                    + " stand still",
                            reactor.name(),
                            standsNanos / 1_000_000_000);
                } else if (counters.pollerFailures() > 0) {
                    log.warn(
                            "reactor {}: {} pollers broke and were removed: the log says why",
                            reactor.name(),
                            counters.pollerFailures());
                }
            }
        });
    }

    static HealthCheck leases(TargetServices services) {
        return check(log -> {
            for (var lease : services.leases.leases()) {
                // A connection is looked after by its reactor, which may sleep while a store works.
                boolean forgotten =
                        lease.host().isEmpty() && lease.inFlight() > 0 && lease.lastPollNanos() > POLL_BOUND.toNanos();
                if (forgotten) {
                    log.warn(
                            "lease {} of {}: its owner, {} in {}, has not polled for {} s with {} commands in flight",
                            lease.id(),
                            lease.controller(),
                            lease.ownerThread(),
                            lease.holder(),
                            lease.lastPollNanos() / 1_000_000_000,
                            lease.inFlight());
                }
            }
        });
    }

    static HealthCheck controllers(
            Supplier<SortedMap<String, ManagedController>> controllers, Supplier<Map<String, String>> lost) {
        return check(log -> {
            controllers
                    .get()
                    .forEach((trid, controller) -> TargetServices.ask(controller::getState)
                            .ifPresent(state -> look(log, trid, state, controller.getHealth())));
            lost.get().forEach((trid, reason) -> log.warn("controller {} is gone: {}", trid, reason));
        });
    }

    static void look(FormattingResultLog log, String trid, ControllerState state, ControllerHealth health) {
        switch (state) {
            case FAILED -> log.critical("controller {} has failed: reset it, or the log says what else", trid);
            case REMOVED -> log.critical("controller {} was removed", trid);
            case RESETTING -> log.temporarilyUnavailable("controller {} is being reset", trid);
            case READY -> {}
        }
        if (health.readAtMillis() == 0) {
            return;
        }
        if (health.criticalWarning() != 0) {
            log.critical("controller {} warns: {}", trid, warnings(health.criticalWarning()));
        }
        if (health.availableSparePercent() < health.availableSpareThresholdPercent()) {
            log.critical(
                    "controller {} has {} % spare blocks left, less than its threshold of {} %: replace it",
                    trid, health.availableSparePercent(), health.availableSpareThresholdPercent());
        }
        if (health.percentageUsed() >= WORN_PERCENT) {
            log.warn("controller {} has used {} % of its expected life: replace it", trid, health.percentageUsed());
        }
        if (health.mediaErrors() > 0) {
            log.warn("controller {} had {} errors of media or data integrity", trid, health.mediaErrors());
        }
    }

    private static String warnings(int bits) {
        var words = new String[] {
            "spare blocks are few",
            "temperature",
            "reliability is degraded",
            "media are read only",
            "backup of memory failed"
        };
        var found = new StringBuilder();
        for (int bit = 0; bit < Byte.SIZE; bit++) {
            if ((bits >> bit & 1) != 0) {
                found.append(found.isEmpty() ? "" : ", ").append(bit < words.length ? words[bit] : "bit " + bit);
            }
        }
        return found.toString();
    }

    static HealthCheck memory(NodeMXBean node) {
        return check(log -> {
            long total = node.getMemoryTotalBytes();
            long available = node.getMemoryAvailableBytes();
            if (total > 0 && available >= 0 && available < total * LITTLE_MEMORY) {
                log.warn("the machine has {} MiB of memory left of {} MiB", available >> 20, total >> 20);
            }
            if (node.getHeapUsedBytes() > node.getHeapMaxBytes() * FULL_HEAP) {
                log.warn(
                        "the heap is full: {} MiB of {} MiB; DOORBELL_JAVA_OPTS=-Xmx makes it larger",
                        node.getHeapUsedBytes() >> 20,
                        node.getHeapMaxBytes() >> 20);
            }
            if (node.getHugePagesTotal() == Machine.UNKNOWN || node.getHugePagesTotal() == 0) {
                log.info("there are no huge pages: ordinary memory serves, slower");
            } else {
                log.info("{} of {} huge pages are free", node.getHugePagesFree(), node.getHugePagesTotal());
            }
        });
    }

    static HealthCheck threads() {
        return check(log -> {
            var stuck = ManagementFactory.getThreadMXBean().findDeadlockedThreads();
            if (stuck != null) {
                log.critical("{} threads wait for each other for ever: start the node anew", stuck.length);
            }
        });
    }

    static HealthCheck listeners(TargetServices services) {
        return check(log -> services.listeners()
                .forEach((name, listener) -> TargetServices.ask(listener::status)
                        .ifPresent(status -> {
                            if (!status.listening()) {
                                log.critical(
                                        "listener {} does not listen at {}: {}",
                                        name,
                                        status.at(),
                                        status.problem().isEmpty() ? "the log says why" : status.problem());
                            } else if (status.connections() >= status.maxConnections()) {
                                log.warn("listener {} has all of its {} connections", name, status.maxConnections());
                            }
                        })));
    }

    static HealthCheck configuration(ConfigurationFiles files) {
        return check(log -> {
            for (var file : files.files()) {
                if (file.state() == State.REJECTED) {
                    log.warn("{} is not in force: {}", file.file(), file.problem());
                }
            }
        });
    }

    static HealthCheck bundles(BundleContext context) {
        var late = new Late();
        return check(log -> {
            var bundles = List.of(context.getBundles());
            late.forgetOthers(bundles.stream().map(Bundle::getBundleId).toList());
            bundles.stream()
                    .filter(bundle -> late.is(bundle.getBundleId(), runs(bundle), System.nanoTime()))
                    .forEach(bundle -> log.warn(
                            "{} {} does not run: {}",
                            bundle.getSymbolicName(),
                            bundle.getVersion(),
                            ManagedBundles.state(bundle)));
        });
    }

    /** Or is not to. The framework itself starts for as long as the node does. */
    private static boolean runs(Bundle bundle) {
        return bundle.getBundleId() == Constants.SYSTEM_BUNDLE_ID
                || bundle.getState() == Bundle.ACTIVE
                || bundle.getHeaders().get(Constants.FRAGMENT_HOST) != null;
    }

    /** Which bundles do not run, and not only for the moment that they take to start, or to be replaced. */
    static final class Late {
        /** By id of the bundle, since when it was seen not to run. */
        private final Map<Long, Long> sinceNanos = new ConcurrentHashMap<>();

        /** A bundle that was uninstalled does not come back with its id. */
        void forgetOthers(List<Long> bundleIds) {
            sinceNanos.keySet().retainAll(bundleIds);
        }

        boolean is(long bundleId, boolean runs, long nowNanos) {
            if (runs) {
                sinceNanos.remove(bundleId);
                return false;
            }
            return nowNanos - sinceNanos.computeIfAbsent(bundleId, first -> nowNanos) > START_BOUND.toNanos();
        }
    }

    /** Whether the node has stood still, stopped or suspended with its machine: hosts' Keep Alives have run out then. */
    static final class StandStill {
        private static final long NEVER = Long.MIN_VALUE;

        private final AtomicLong lookedNanos = new AtomicLong(System.nanoTime());
        private volatile long stoodNanos;
        private volatile long stoodAtNanos = NEVER;

        /** Called every {@code interval}; what comes much later says that nobody ran. */
        void look(Duration interval, long nowNanos) {
            long since = nowNanos - lookedNanos.getAndSet(nowNanos);
            if (since - interval.toNanos() > STAND_STILL_BOUND.toNanos()) {
                stoodNanos = since - interval.toNanos();
                stoodAtNanos = nowNanos;
            }
        }

        HealthCheck check() {
            return NodeChecks.check(log -> {
                if (stoodAtNanos != NEVER && System.nanoTime() - stoodAtNanos < STAND_STILL_TOLD.toNanos()) {
                    log.warn(
                            "the node stood still for {} s: hosts whose Keep Alive ran out meanwhile connect again",
                            stoodNanos / 1_000_000_000);
                }
            });
        }
    }
}
