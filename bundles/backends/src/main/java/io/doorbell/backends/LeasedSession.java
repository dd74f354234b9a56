package io.doorbell.backends;

import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;

/**
 * A {@link LeasedNamespace} in the hands of one path of one reactor. All sessions of a reactor share its {@link LeasedQueue}.
 * Owner: the reactor.
 */
final class LeasedSession implements NamespaceSession {
    private final LeasedQueue queue;
    private int inFlight;
    private boolean closed;

    // What has ended since the last poll, in order.
    private LeasedCommand doneHead;
    private LeasedCommand doneTail;

    LeasedSession(LeasedQueue queue) {
        this.queue = queue;
    }

    @Override
    public int submit(NvmRequest request) {
        return closed ? LeasedQueue.CLOSED : began(queue.submit(this, null, request));
    }

    @Override
    public int submitFused(NvmRequest compare, NvmRequest write) {
        return closed ? LeasedQueue.CLOSED : began(queue.submit(this, compare, write));
    }

    private int began(int status) {
        if (status == NvmRequest.PENDING) {
            inFlight++;
        }
        return status;
    }

    /** The queue is done with it. */
    void ended(LeasedCommand command) {
        command.next = null;
        if (doneHead == null) {
            doneHead = command;
        } else {
            doneTail.next = command;
        }
        doneTail = command;
    }

    @Override
    public int poll(long nowNanos) {
        int completed = 0;
        while (doneHead != null) {
            var command = doneHead;
            doneHead = command.next;
            var request = command.request;
            int status = command.status;
            queue.recycle(command);
            inFlight--;
            completed++;
            request.complete(status);
        }
        return completed;
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    /** At once: what the device still moves, it moves to and from memory of the lease. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        while (doneHead != null) {
            var command = doneHead;
            doneHead = command.next;
            queue.recycle(command);
        }
        inFlight = 0;
        queue.closed(this);
    }
}
