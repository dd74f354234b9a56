package io.doorbell.subsystem;

import java.util.concurrent.atomic.AtomicLong;

/**
 * One rate that all who are limited by it share: what is taken is paid for with time. Who takes more than there is has to have
 * been paid for before anybody takes again, so a command of any size is executed, and the mean is right.
 *
 * <p>Any thread. A compare-and-set for a batch, and none for a command.
 */
final class RateBucket {
    /** What was not used is kept for so long: a reactor that was held up makes up for it. 2.5 % of a second. */
    static final long BURST_NANOS = 25_000_000;

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** Attempts beside other threads; then whoever wants it waits, as if there were none. */
    private static final int MAX_ATTEMPTS = 64;

    private final long perSecond;

    /** What has been taken is paid for at this time, of {@link System#nanoTime}. */
    private final AtomicLong paidNanos;

    RateBucket(long perSecond) {
        this.perSecond = perSecond;
        paidNanos = new AtomicLong(System.nanoTime());
    }

    /** What one of so many may take at a time: all together what a millisecond pays for. */
    long batch(int sharers) {
        return Math.max(1, perSecond / 1000 / Math.max(1, sharers));
    }

    /** Takes {@code units} and answers 0, or how long there will be none, in nanoseconds. */
    long take(long units) {
        long cost = (long) ((double) units * NANOS_PER_SECOND / perSecond);
        for (int i = 0; i < MAX_ATTEMPTS; i++) {
            long now = System.nanoTime();
            long paid = paidNanos.get();
            if (paid - now > 0) {
                return paid - now;
            }
            // As differences: nanoTime may be of any sign.
            long from = now - paid > BURST_NANOS ? now - BURST_NANOS : paid;
            if (paidNanos.compareAndSet(paid, from + cost)) {
                return 0;
            }
        }
        return 1;
    }
}
