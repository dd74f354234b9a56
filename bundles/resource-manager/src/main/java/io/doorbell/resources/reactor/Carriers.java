package io.doorbell.resources.reactor;

import io.doorbell.platform.CpuAffinity;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the control plane off the reactors' CPUs. Virtual threads run on carriers, which the JVM starts when it needs one,
 * from whichever thread happened to wake a virtual thread, and Linux gives a thread the CPUs of the thread that starts it:
 * a pinned reactor that completes somebody's call would pin a carrier, and all that runs on it ever after, to the CPU that
 * it polls on. So all carriers are started here, by a thread that is not pinned, before the first reactor; and since idle
 * ones end after 30 s in which nothing runs, something does.
 */
final class Carriers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Carriers.class);

    /** On a machine so busy that not all could be started within this, the rest is started by whoever needs it. */
    private static final Duration START_BOUND = Duration.ofMillis(200);

    private static final Duration HEARTBEAT = Duration.ofSeconds(10);

    private final Thread heart;

    Carriers() {
        var starter = Thread.ofPlatform().name("carriers").daemon().start(Carriers::startAll);
        try {
            starter.join(START_BOUND.plusSeconds(1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        heart = Thread.ofVirtual().name("carriers-heart").start(Carriers::beat);
    }

    private static void startAll() {
        var placing = CpuAffinity.bindCurrentThread(CpuAffinity.processCpus());
        if (!placing.pinned()) {
            LOG.info("control threads may share the CPUs of reactors: {}", placing.problem());
        }
        int carriers = Integer.getInteger(
                "jdk.virtualThreadScheduler.parallelism", Runtime.getRuntime().availableProcessors());
        var running = new AtomicInteger();
        long deadline = System.nanoTime() + START_BOUND.toNanos();
        for (int i = 0; i < carriers; i++) {
            Thread.ofVirtual().start(() -> {
                running.incrementAndGet();
                // Each holds its carrier until all have one.
                while (running.get() < carriers && System.nanoTime() - deadline < 0) {
                    Thread.onSpinWait();
                }
            });
        }
        while (running.get() < carriers && System.nanoTime() - deadline < 0) {
            Thread.yield();
        }
    }

    private static void beat() {
        try {
            while (true) {
                Thread.sleep(HEARTBEAT);
            }
        } catch (InterruptedException e) {
            // By close().
        }
    }

    @Override
    public void close() {
        heart.interrupt();
    }
}
