package io.doorbell.subsystem;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * How long one I/O path had commands to execute, for the SMART log. One writer, the path's reactor; stored opaque so that the admin
 * side can read while it counts.
 */
final class PathBusyTime {
    private static final VarHandle BUSY_NANOS;

    static {
        try {
            BUSY_NANOS = MethodHandles.lookup()
                    .findVarHandle(PathBusyTime.class, "busyNanos", long.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    /** What commands count for that were executed between two polls and ended at once: there is no clock beside them. */
    private static final long AT_ONCE_NANOS = 1_000_000;

    /** Commands that were executed since the last poll. */
    int commands;

    private long busyNanos;
    private long polledNanos;
    private boolean wasPending;

    /** The time since the last poll counts if there were commands in it. */
    void polled(long nowNanos, boolean pending) {
        long since = nowNanos - polledNanos;
        if (wasPending || commands != 0) {
            long busy = wasPending ? since : Math.min(since, AT_ONCE_NANOS);
            BUSY_NANOS.setOpaque(this, busyNanos + Math.max(0, busy));
        }
        polledNanos = nowNanos;
        commands = 0;
        wasPending = pending;
    }

    long busyNanos() {
        return (long) BUSY_NANOS.getOpaque(this);
    }
}
