package io.doorbell.fabrics;

import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/**
 * What is logged of peers. They decide how often there is reason for it, so only so many lines of a second are written, and then how many more
 * there were; and what they say of themselves is shown without what a terminal or a log would take for its own. Any thread.
 */
public final class Complaints {
    private static final int PER_SECOND = 10;

    private final Logger log;
    private final String who;
    private long secondNanos = System.nanoTime();
    private int said;

    /** @param who begins each line */
    public Complaints(Logger log, String who) {
        this.log = log;
        this.who = who;
    }

    public synchronized void say(String what) {
        long now = System.nanoTime();
        if (now - secondNanos > TimeUnit.SECONDS.toNanos(1)) {
            if (said > PER_SECOND) {
                log.warn("{}: and {} more like this", who, said - PER_SECOND);
            }
            secondNanos = now;
            said = 0;
        }
        if (said++ < PER_SECOND) {
            log.warn("{}: {}", who, what);
        }
    }

    /** Text of a peer, without line ends and commands to a terminal. */
    public static String printable(String text) {
        return text.strip().replaceAll("\\p{Cntrl}", "?");
    }
}
