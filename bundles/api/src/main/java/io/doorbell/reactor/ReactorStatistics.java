package io.doorbell.reactor;

/**
 * Counters of a reactor since its start, read without stopping it.
 *
 * @param cycles duty cycles run
 * @param busyCycles cycles in which some poller did work
 * @param parks times the thread slept, naps included
 * @param pollers pollers it runs now
 * @param pollerFailures times a poller threw; it is removed then, but for a fault of memory that has gone
 * @param lastCycleNanos {@link System#nanoTime()} when the reactor last read the clock; old while parked
 * @param parked whether it sleeps now
 */
public record ReactorStatistics(
        long cycles,
        long busyCycles,
        long parks,
        int pollers,
        long pollerFailures,
        long lastCycleNanos,
        boolean parked) {}
