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

    private long readCommands;
    private long writeCommands;
    private long readBytes;
    private long writtenBytes;

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
