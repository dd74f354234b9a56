package io.doorbell.subsystem;

import io.doorbell.nvme.CopyRange;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/**
 * Keeps one path within the limits of its host and of its namespaces. Commands that are more wait in their slot, in order, as many as
 * the host's queues have; a command of another namespace does not wait behind them. Owner: the path.
 */
final class PathThrottle {
    /** The least between two looks at a limit, and the most. */
    private static final long MIN_WAIT_NANOS = 20_000;

    private static final long MAX_WAIT_NANOS = 10_000_000;

    /** Let go in one cycle at most, so that no reactor is held up by a limit that was raised. */
    static final int MAX_RELEASED = 256;

    private final MemorySegment range = MemorySegment.ofArray(new byte[CopyRange.SIZE_BYTES]);

    /** Of the host, or null. */
    private RateLimit.Share ofHost;

    /** In all slots. */
    private int waiting;

    private long nextNanos;
    private boolean due;

    /** When slots were asked last. */
    private long nowNanos;

    /** Whether the host is limited. Takes up its limits as they are now. */
    boolean takeUp(RateLimits limits, String hostNqn) {
        ofHost = limits.ofHost(hostNqn, ofHost);
        due = true;
        return ofHost != null;
    }

    /** Whether commands may be let go now: those that wait, if there are some. */
    boolean isDue(long nowNanos) {
        return waiting != 0 && (due || nowNanos - nextNanos >= 0);
    }

    boolean isWaiting() {
        return waiting != 0;
    }

    long parkLimitNanos(long nowNanos) {
        return waiting == 0 ? Long.MAX_VALUE : due ? 0 : Math.max(0, nextNanos - nowNanos);
    }

    /** To be called before slots are asked again. */
    void begin(long nowNanos) {
        due = false;
        nextNanos = nowNanos + MAX_WAIT_NANOS;
        this.nowNanos = nowNanos;
    }

    /** There is more to let go than one cycle should. */
    void again() {
        due = true;
    }

    /** Whether a command may be executed, which is paid for then; with {@code write} a fused pair. */
    boolean pays(PathSlot slot, NvmRequest request, NvmRequest write) {
        int commands = write == null ? 1 : 2;
        long bytes = bytes(slot, request) + (write == null ? 0 : bytes(slot, write));
        long wait = ofHost == null ? 0 : ofHost.provide(commands, bytes);
        if (wait == 0 && slot.share != null) {
            wait = slot.share.provide(commands, bytes);
        }
        if (wait != 0) {
            if (waiting == 0) {
                // The first to wait: the path has no later time than that of its last cycle.
                due = true;
            } else {
                long next = nowNanos + Math.min(Math.max(wait, MIN_WAIT_NANOS), MAX_WAIT_NANOS);
                nextNanos = next - nextNanos < 0 ? next : nextNanos;
            }
            return false;
        }
        if (ofHost != null) {
            ofHost.spend(commands, bytes);
        }
        if (slot.share != null) {
            slot.share.spend(commands, bytes);
        }
        return true;
    }

    private long bytes(PathSlot slot, NvmRequest request) {
        return switch (request.opc) {
            case NvmOpcode.VERIFY, NvmOpcode.WRITE_ZEROES -> (long) request.blockCount << slot.blockShift;
            case NvmOpcode.COPY -> copiedBlocks(request) << slot.blockShift;
            case NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE, NvmOpcode.ZONE_APPEND -> request.dataBytes;
            default -> 0;
        };
    }

    private long copiedBlocks(NvmRequest request) {
        long blocks = 0;
        for (long at = 0; at < request.dataBytes; at += CopyRange.SIZE_BYTES) {
            request.copyFromHost(at, range, 0, CopyRange.SIZE_BYTES);
            blocks += CopyRange.blockCount(range, 0);
        }
        return blocks;
    }

    /** A command waits, or with {@code write} a fused pair, one behind the other. */
    void hold(PathSlot slot, NvmRequest request, NvmRequest write) {
        slot.enqueue(request);
        if (write != null) {
            slot.enqueue(write);
        }
        waiting++;
    }

    /** The next that waits in a slot goes, with its second if it is the first of a pair. */
    NvmRequest take(PathSlot slot) {
        waiting--;
        return slot.dequeue();
    }

    static boolean isPair(NvmRequest request) {
        return (request.flags & 3) == SubmissionEntry.FUSE_FIRST;
    }

    void close() {
        waiting = 0;
        if (ofHost != null) {
            ofHost.leave();
            ofHost = null;
        }
    }
}
