package io.doorbell.backends;

import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A {@link FileNamespace} in the hands of one reactor: hands requests to the workers, and completes what they bring back
 * in {@link #poll}. Owner: the reactor, but for {@link #done}.
 */
final class FileSession implements NamespaceSession {
    /** How long {@link #close} waits for transfers that are under way. */
    private static final long CLOSE_BOUND_NANOS = TimeUnit.SECONDS.toNanos(10);

    private static final long CLOSE_STEP_NANOS = 50_000;

    private final FileNamespace namespace;
    private final Reactor reactor;

    /** What workers have finished, the latest first. */
    private final AtomicReference<FileTask> done = new AtomicReference<>();

    private FileTask free;
    private int inFlight;
    private boolean closed;

    // For which the workers' queue has no room, in order.
    private FileTask waitingHead;
    private FileTask waitingTail;

    FileSession(FileNamespace namespace, Reactor reactor) {
        this.namespace = namespace;
        this.reactor = reactor;
    }

    @Override
    public int submit(NvmRequest request) {
        return submitFused(null, request);
    }

    @Override
    public int submitFused(NvmRequest compare, NvmRequest write) {
        if (closed) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        var task = free;
        if (task == null) {
            task = new FileTask(this);
        } else {
            free = task.next;
        }
        task.request = write;
        task.compare = compare;
        task.next = null;
        inFlight++;
        if (waitingHead != null || !namespace.offer(task)) {
            if (waitingHead == null) {
                waitingHead = task;
            } else {
                waitingTail.next = task;
            }
            waitingTail = task;
        }
        return NvmRequest.PENDING;
    }

    /** A worker has finished a task. */
    void finished(FileTask task) {
        FileTask before;
        do {
            before = done.getPlain();
            task.next = before;
        } while (!done.compareAndSet(before, task));
        // The exchange was a full fence: a reactor that does not see the task is woken.
        reactor.wake();
    }

    @Override
    public int poll(long nowNanos) {
        int completed = 0;
        if (done.getOpaque() != null) {
            var task = oldestFirst(done.getAndSet(null));
            while (task != null) {
                var next = task.next;
                var request = task.request;
                int status = task.status;
                recycle(task);
                completed++;
                request.complete(status);
                task = next;
            }
        }
        while (waitingHead != null) {
            // The worker may have it at once, and its link with it.
            var next = waitingHead.next;
            waitingHead.next = null;
            if (!namespace.offer(waitingHead)) {
                waitingHead.next = next;
                break;
            }
            waitingHead = next;
        }
        return completed;
    }

    private static FileTask oldestFirst(FileTask latest) {
        FileTask reversed = null;
        for (var task = latest; task != null; ) {
            var next = task.next;
            task.next = reversed;
            reversed = task;
            task = next;
        }
        return reversed;
    }

    private void recycle(FileTask task) {
        task.request = null;
        task.compare = null;
        task.next = free;
        free = task;
        inFlight--;
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public void close() {
        if (closed && inFlight == 0) {
            return;
        }
        closed = true;
        while (waitingHead != null) {
            var next = waitingHead.next;
            recycle(waitingHead);
            waitingHead = next;
        }
        inFlight -= namespace.withdraw(this);
        long deadlineNanos = System.nanoTime() + CLOSE_BOUND_NANOS;
        while (inFlight > 0) {
            for (var task = done.getAndSet(null); task != null; ) {
                var next = task.next;
                recycle(task);
                task = next;
            }
            if (inFlight > 0) {
                if (System.nanoTime() - deadlineNanos > 0) {
                    throw new IllegalStateException(
                            inFlight + " transfer(s) of " + namespace + " have not ended; their data is still in use");
                }
                LockSupport.parkNanos(CLOSE_STEP_NANOS);
            }
        }
        namespace.closed(this);
    }
}
