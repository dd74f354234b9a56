package io.doorbell.fabrics;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.event.Level;

/**
 * What is logged of peers. They decide how often there is reason for it, so only so many lines of a second are written, and then how many more
 * there were; and what they say of themselves is shown without what a terminal or a log would take for its own. Any thread.
 */
public final class Complaints {
    static final int PER_SECOND = 10;

    private final Logger log;
    private final String who;
    private final LongSupplier clock;
    private long secondNanos;
    private int said;

    /** @param who begins each line */
    public Complaints(Logger log, String who) {
        this(log, who, System::nanoTime);
    }

    Complaints(Logger log, String who, LongSupplier clock) {
        this.log = log;
        this.who = who;
        this.clock = clock;
        secondNanos = clock.getAsLong();
    }

    /** Something is wrong. */
    public void say(String what) {
        log(Level.WARN, what);
    }

    /** Something came or went that is as it should be; it counts among the others. */
    public void tell(String what) {
        log(Level.INFO, what);
    }

    private synchronized void log(Level level, String what) {
        long now = clock.getAsLong();
        if (now - secondNanos > TimeUnit.SECONDS.toNanos(1)) {
            if (said > PER_SECOND) {
                log.warn("{}: and {} more like this", who, said - PER_SECOND);
            }
            secondNanos = now;
            said = 0;
        }
        if (said++ < PER_SECOND) {
            log.atLevel(level).log("{}: {}", who, what);
        }
    }

    /** Text of a peer, without line ends and commands to a terminal. */
    public static String printable(String text) {
        return text.strip().replaceAll("\\p{Cntrl}", "?");
    }
}
