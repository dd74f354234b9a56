package io.doorbell.resources.reactor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Tasks on their way to one thread: any thread offers, the owner takes. Bounded, and closed for good by the owner, so that
 * an accepted task is either taken or was never accepted; none is lost between a close and a late offer.
 */
final class TaskQueue {
    /** Tasks that may wait at once. Tasks are control work, so a reactor that has this many waiting is stuck. */
    static final int CAPACITY = 1024;

    enum Offered {
        ACCEPTED,
        FULL,
        CLOSED
    }

    private static final VarHandle TAIL;
    private static final VarHandle HEAD;
    private static final VarHandle SLOT =
            MethodHandles.arrayElementVarHandle(Runnable[].class).withInvokeExactBehavior();

    static {
        try {
            var lookup = MethodHandles.lookup();
            TAIL = lookup.findVarHandle(TaskQueue.class, "tail", long.class).withInvokeExactBehavior();
            HEAD = lookup.findVarHandle(TaskQueue.class, "head", long.class).withInvokeExactBehavior();
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    /** In {@link #tail}: nothing is accepted any more. A bit of the word that offers compete for, so an offer comes before the close or fails. */
    private static final long CLOSED_BIT = Long.MIN_VALUE;

    private static final int MASK = CAPACITY - 1;

    private final Runnable[] slots = new Runnable[CAPACITY];
    private long tail;
    // Written by the owner only.
    private long head;

    /** Any thread. The task is seen by an owner that looks after this returned: the store is a volatile one. */
    Offered offer(Runnable task) {
        while (true) {
            long at = (long) TAIL.getVolatile(this);
            if ((at & CLOSED_BIT) != 0) {
                return Offered.CLOSED;
            }
            if (at - (long) HEAD.getAcquire(this) >= CAPACITY) {
                return Offered.FULL;
            }
            if (TAIL.compareAndSet(this, at, at + 1)) {
                SLOT.setVolatile(slots, (int) at & MASK, task);
                return Offered.ACCEPTED;
            }
        }
    }

    /** Owner only: the next task, or null. One load when there is none. */
    Runnable take() {
        int slot = (int) head & MASK;
        var task = (Runnable) SLOT.getAcquire(slots, slot);
        if (task != null) {
            SLOT.setRelease(slots, slot, (Runnable) null);
            // Release: the slot is empty before an offer is told that there is room.
            HEAD.setRelease(this, head + 1);
        }
        return task;
    }

    /** Owner only. A volatile load, so that it can be the last look before a sleep. */
    boolean isEmpty() {
        return (Runnable) SLOT.getVolatile(slots, (int) head & MASK) == null;
    }

    /** Owner only: nothing is accepted from now on. What was accepted before can still be taken, see {@link #drained}. */
    void close() {
        long before = (long) TAIL.getAndBitwiseOr(this, CLOSED_BIT);
        assert (before & CLOSED_BIT) == 0 : "closed twice";
    }

    /** Any thread. Closed means that the owner's last cycle is over. */
    boolean isClosed() {
        return ((long) TAIL.getVolatile(this) & CLOSED_BIT) != 0;
    }

    /** Owner only, after {@link #close}: whether all that was accepted has been taken. An accepted task may be a moment late in its slot. */
    boolean drained() {
        return head == ((long) TAIL.getVolatile(this) & ~CLOSED_BIT);
    }
}
