package io.doorbell.rdmahost;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Answers on their way from the reactor to the owner of a queue pair: one writes, one reads. There is room for one of each slot, so it is never full. */
final class AnswerRing {
    private static final VarHandle TAIL;

    static {
        try {
            TAIL = MethodHandles.lookup()
                    .findVarHandle(AnswerRing.class, "tail", int.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int mask;

    /** Of each answer: command id below, status above. */
    private final int[] ends;

    private final long[] results;

    /** The reader's. */
    private int head;

    /** The reader's: how far it has seen the tail. */
    private int seen;

    /** The writer's. */
    private int next;

    private int tail;

    /** @param slots a power of two */
    AnswerRing(int slots) {
        mask = slots - 1;
        ends = new int[slots];
        results = new long[slots];
    }

    // The writer.

    void put(int cid, int status, long result) {
        ends[next & mask] = status << 16 | cid;
        results[next & mask] = result;
        next++;
    }

    boolean isPublished() {
        return next == tail;
    }

    void publish() {
        TAIL.setRelease(this, next);
    }

    // The reader.

    boolean isEmpty() {
        if (head == seen) {
            seen = (int) TAIL.getAcquire(this);
        }
        return head == seen;
    }

    int cid() {
        return ends[head & mask] & 0xFFFF;
    }

    int status() {
        return ends[head & mask] >>> 16;
    }

    long result() {
        return results[head & mask];
    }

    void take() {
        head++;
    }
}
