package io.doorbell.management;

import io.doorbell.statistics.LatencySnapshot;
import io.doorbell.target.IoUsage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code io.doorbell:type=History}, from its making to {@link #close}: looks at the counters each interval, on a thread of its own, and
 * keeps the differences of an hour. Any thread may read.
 */
final class ManagedHistory implements HistoryMXBean, AutoCloseable {
    static final Duration INTERVAL = Duration.ofSeconds(5);
    static final int SAMPLES = (int) (Duration.ofHours(1).toSeconds() / INTERVAL.toSeconds());

    private static final Duration END_BOUND = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(ManagedHistory.class);

    private final Supplier<IoUsage> total;
    private final Duration interval;
    private final Registration registration;
    private final Thread sampler;
    // Guarded by itself.
    private final Deque<Sample> samples = new ArrayDeque<>(SAMPLES);

    /** @param total what all hosts have done with all namespaces since the node started */
    ManagedHistory(Supplier<IoUsage> total, Duration interval, MBeanServer server) {
        this.total = total;
        this.interval = interval;
        this.registration = Registration.of(
                server,
                Registration.name("History"),
                new DescribedMBean<>(this, HistoryMXBean.class, new NotificationBroadcasterSupport()));
        this.sampler = Thread.ofVirtual().name("history").start(this::sample);
    }

    private void sample() {
        IoUsage former = null;
        long formerNanos = 0;
        try {
            while (true) {
                try {
                    var latest = total.get();
                    var nanos = System.nanoTime();
                    if (former != null) {
                        keep(sample(former, latest, (nanos - formerNanos) / 1e9, System.currentTimeMillis()));
                    }
                    former = latest;
                    formerNanos = nanos;
                } catch (RuntimeException | LinkageError e) {
                    // A subsystem that goes at this moment, say: the next sample is over two intervals.
                    LOG.debug("no sample this time", e);
                }
                Thread.sleep(interval);
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    private void keep(Sample sample) {
        synchronized (samples) {
            if (samples.size() == SAMPLES) {
                samples.removeFirst();
            }
            samples.addLast(sample);
        }
    }

    /** Counters that went back, since a subsystem went, count as nothing. */
    static Sample sample(IoUsage former, IoUsage latest, double seconds, long timeMillis) {
        var reads = latest.readLatency().since(former.readLatency());
        var writes = latest.writeLatency().since(former.writeLatency());
        return new Sample(
                timeMillis,
                rate(former.readCommands(), latest.readCommands(), seconds),
                rate(former.writeCommands(), latest.writeCommands(), seconds),
                rate(former.otherCommands(), latest.otherCommands(), seconds),
                rate(former.failedCommands(), latest.failedCommands(), seconds),
                rate(former.readBytes(), latest.readBytes(), seconds),
                rate(former.writtenBytes(), latest.writtenBytes(), seconds),
                reads.meanNanos() / 1000,
                p99Micros(reads),
                writes.meanNanos() / 1000,
                p99Micros(writes));
    }

    private static double rate(long former, long latest, double seconds) {
        return Math.max(0, latest - former) / seconds;
    }

    private static double p99Micros(LatencySnapshot snapshot) {
        return snapshot.percentileNanos(99) / 1000;
    }

    @Override
    public int getIntervalSeconds() {
        return (int) interval.toSeconds();
    }

    @Override
    public List<Sample> getSamples() {
        synchronized (samples) {
            return List.copyOf(samples);
        }
    }

    @Override
    public Sample getLatest() {
        synchronized (samples) {
            return samples.peekLast();
        }
    }

    @Override
    public void close() {
        sampler.interrupt();
        try {
            if (!sampler.join(END_BOUND)) {
                LOG.warn("the history's thread has not ended after {}", END_BOUND);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        registration.close();
    }
}
