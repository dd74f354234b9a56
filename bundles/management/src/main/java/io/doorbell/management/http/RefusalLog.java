package io.doorbell.management.http;

import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells of refused requests; whoever tries passwords does not fill the log with it. Any thread. */
final class RefusalLog {
    /** At most one line in this time. */
    static final Duration INTERVAL = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(RefusalLog.class);

    // Guarded by this.
    private boolean begun;
    private long lineAtNanos;
    private long untold;

    /** Nothing else that the client sent may get here: people type passwords where user names belong. */
    synchronized void refused(String why, String address, long nowNanos) {
        if (begun && nowNanos - lineAtNanos < INTERVAL.toNanos()) {
            untold++;
            return;
        }
        var more = untold == 0 ? "" : ", and " + untold + " before it since the last such line";
        LOG.warn("HTTP request from {} refused: {}{}", address, why, more);
        begun = true;
        lineAtNanos = nowNanos;
        untold = 0;
    }
}
