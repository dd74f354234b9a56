package io.doorbell.driver;

import io.doorbell.host.QueuePair;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/**
 * Who may use a queue pair, and if nobody, why. The control plane takes a queue pair from its owner by clearing {@link #submitter}
 * or {@link #poller}: the owner's next call then goes the slow way, which asks here.
 *
 * <p>Each step is taken once and not taken back, by any control thread and without a lock: {@link #stop} → {@link #disconnect}
 * → {@link #ignoreDevice} → {@link #endWith} → {@link #fence}, any of which may be left out.
 */
public abstract class OwnedQueuePair extends QueuePair {
    /**
     * Why commands in flight cannot be ended by the device any more, and how they end instead. Only said when the device cannot
     * reach their data any more.
     */
    public record Ending(String reason, int status) {}

    /** For messages: controller, queue, and who it is for. */
    public final String name;

    private volatile Thread owner;
    private volatile boolean stopped;
    private volatile String disconnected;
    private volatile boolean deaf;
    private volatile Ending ending;
    private volatile boolean deleted;
    private volatile String fenced;

    /** The owner's. */
    private boolean fenceHeard;

    /** What the owner may be asleep on; null where it is polled. */
    protected final EventFd interrupt;

    protected OwnedQueuePair(String name, EventFd interrupt) {
        this.name = name;
        this.interrupt = interrupt;
    }

    // ------ for the owner, on the slow way

    /** Staging, or committing, by a thread that may not: says why not. */
    protected final int refused() {
        requireOwner();
        if (fenced != null) {
            hearOfFence();
            throw fencedException();
        }
        if (disconnected != null) {
            return NOT_CONNECTED;
        }
        // Neither: the control plane is just giving the queue pair to this thread.
        return stopped ? LEASE_REVOKED : QUEUE_FULL;
    }

    protected final void requireOwner() {
        var holder = owner;
        if (holder == Thread.currentThread()) {
            return;
        }
        if (fenced != null) {
            throw fencedException();
        }
        throw new WrongThreadException(name + " is owned by " + (holder == null ? "nobody" : holder.getName())
                + ", not by " + Thread.currentThread().getName());
    }

    /** The owner may have met the closed arena in an access of its own, to data mostly. */
    protected final void hearOfFence() {
        if (!fenceHeard) {
            fenceHeard = true;
            MemoryView.forgetInterrupt();
        }
    }

    protected final IllegalStateException fencedException() {
        return new IllegalStateException("lease of " + name + " fenced: " + fenced);
    }

    /** Null as long as the device may end what is in flight. */
    protected final Ending ending() {
        return ending;
    }

    // ------ for the control plane

    public final Thread owner() {
        return owner;
    }

    /** Nobody submits or polls until this is called. One control thread at a time. */
    public final void own(Thread thread) {
        // The owner field last: who finds itself there finds the others too.
        submitter = stopped ? null : thread;
        poller = thread;
        owner = thread;
        // Against a failure that came meanwhile and whose nulls are overwritten now.
        VarHandle.fullFence();
        withdraw();
    }

    /** No more submissions: the lease is being taken back. */
    public final void stop() {
        stopped = true;
        submitter = null;
    }

    /** No more submissions: there is no controller to submit to. Completions of the device still count. */
    public final void disconnect(String reason) {
        if (disconnected == null) {
            disconnected = Objects.requireNonNull(reason);
        }
        withdraw();
    }

    /** As {@link #disconnect}, and no completions from the device either. What is in flight waits for {@link #endWith}. */
    public final void ignoreDevice(String reason) {
        deaf = true;
        disconnect(reason);
    }

    /** The device reaches neither rings nor data any more: the owner's next poll ends what is in flight. */
    public final void endWith(Ending end) {
        if (ending == null) {
            ending = end;
        }
        ignoreDevice(end.reason());
    }

    /** Every use throws, once what is in flight has ended. */
    public final void fence(String reason) {
        fenced = Objects.requireNonNull(reason);
        withdraw();
    }

    /** The device has no queues of this queue pair any more. */
    public final void deleted() {
        deleted = true;
    }

    /** Whether the device reaches neither rings nor data. */
    public final boolean isOutOfReach() {
        return deleted || ending != null || fenced != null;
    }

    /** Whether nothing can be submitted any more because the controller has gone, or is going. */
    public final boolean isDisconnected() {
        return disconnected != null;
    }

    public final boolean isEnded() {
        return ending != null;
    }

    public final boolean isFenced() {
        return fenced != null;
    }

    private void withdraw() {
        if (disconnected != null || fenced != null) {
            submitter = null;
        }
        if (deaf || fenced != null) {
            poller = null;
        }
        // Its next poll, or submission, is to learn of it.
        Signs.signal(interrupt);
    }
}
