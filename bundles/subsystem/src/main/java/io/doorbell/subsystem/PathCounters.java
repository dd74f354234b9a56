package io.doorbell.subsystem;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What one I/O path has done, for the SMART log. One writer, the path's reactor; stored opaque so that the admin side can
 * read while it counts.
 */
final class PathCounters {
    private static final VarHandle READ_COMMANDS = counter("readCommands");
    private static final VarHandle WRITE_COMMANDS = counter("writeCommands");
    private static final VarHandle READ_BYTES = counter("readBytes");
    private static final VarHandle WRITTEN_BYTES = counter("writtenBytes");
    private static final VarHandle BUSY_NANOS = counter("busyNanos");

    /** What commands count for that were executed between two polls and ended at once: there is no clock beside them. */
    private static final long AT_ONCE_NANOS = 1_000_000;

    private long readCommands;
    private long writeCommands;
    private long readBytes;
    private long writtenBytes;
    private long busyNanos;

    private long polledNanos;
    private long commandsPolled;
    private boolean wasPending;

    private static VarHandle counter(String name) {
        try {
            return MethodHandles.lookup()
                    .findVarHandle(PathCounters.class, name, long.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    void read(long bytes) {
        READ_COMMANDS.setOpaque(this, readCommands + 1);
        READ_BYTES.setOpaque(this, readBytes + bytes);
    }

    void write(long bytes) {
        WRITE_COMMANDS.setOpaque(this, writeCommands + 1);
        WRITTEN_BYTES.setOpaque(this, writtenBytes + bytes);
    }

    /** The time since the last poll counts if there were commands in it. */
    void polled(long nowNanos, boolean pending) {
        long commands = readCommands + writeCommands;
        long since = nowNanos - polledNanos;
        if (wasPending || commands != commandsPolled) {
            long busy = wasPending ? since : Math.min(since, AT_ONCE_NANOS);
            BUSY_NANOS.setOpaque(this, busyNanos + Math.max(0, busy));
        }
        polledNanos = nowNanos;
        commandsPolled = commands;
        wasPending = pending;
    }

    long busyNanos() {
        return (long) BUSY_NANOS.getOpaque(this);
    }

    /** Adds what {@code other} has counted by now; this one is the caller's. */
    void add(PathCounters other) {
        readCommands += (long) READ_COMMANDS.getOpaque(other);
        writeCommands += (long) WRITE_COMMANDS.getOpaque(other);
        readBytes += (long) READ_BYTES.getOpaque(other);
        writtenBytes += (long) WRITTEN_BYTES.getOpaque(other);
    }

    long readCommands() {
        return readCommands;
    }

    long writeCommands() {
        return writeCommands;
    }

    long readBytes() {
        return readBytes;
    }

    long writtenBytes() {
        return writtenBytes;
    }
}
