package io.doorbell.subsystem;

import io.doorbell.statistics.LatencyRecorder;
import io.doorbell.target.IoUsage;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What one I/O path has done with the namespaces of one identifier. One writer, the path's reactor; stored opaque so that others can
 * read while it counts.
 */
final class PathUsage {
    private static final VarHandle READ_COMMANDS = counter("readCommands");
    private static final VarHandle WRITE_COMMANDS = counter("writeCommands");
    private static final VarHandle OTHER_COMMANDS = counter("otherCommands");
    private static final VarHandle FAILED_COMMANDS = counter("failedCommands");
    private static final VarHandle READ_BYTES = counter("readBytes");
    private static final VarHandle WRITTEN_BYTES = counter("writtenBytes");

    final int nsid;
    private final LatencyRecorder readLatency = new LatencyRecorder();
    private final LatencyRecorder writeLatency = new LatencyRecorder();

    private long readCommands;
    private long writeCommands;
    private long otherCommands;
    private long failedCommands;
    private long readBytes;
    private long writtenBytes;

    PathUsage(int nsid) {
        this.nsid = nsid;
    }

    private static VarHandle counter(String name) {
        try {
            return MethodHandles.lookup()
                    .findVarHandle(PathUsage.class, name, long.class)
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

    void other() {
        OTHER_COMMANDS.setOpaque(this, otherCommands + 1);
    }

    void failed() {
        FAILED_COMMANDS.setOpaque(this, failedCommands + 1);
    }

    void took(boolean write, long nanos) {
        (write ? writeLatency : readLatency).record(nanos);
    }

    /** Any thread. */
    IoUsage snapshot(String hostNqn) {
        return new IoUsage(
                nsid,
                hostNqn,
                (long) READ_COMMANDS.getOpaque(this),
                (long) WRITE_COMMANDS.getOpaque(this),
                (long) OTHER_COMMANDS.getOpaque(this),
                (long) FAILED_COMMANDS.getOpaque(this),
                (long) READ_BYTES.getOpaque(this),
                (long) WRITTEN_BYTES.getOpaque(this),
                readLatency.snapshot(),
                writeLatency.snapshot());
    }
}
