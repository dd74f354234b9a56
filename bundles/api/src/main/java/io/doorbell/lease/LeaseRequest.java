package io.doorbell.lease;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.Objects;

/**
 * What a holder wants.
 *
 * @param controller whose queue pair
 * @param queueEntries entries of the submission queue, clamped to what the controller can do
 * @param owner the thread that will submit and poll: a reactor's, or any one
 * @param handler called for each completion, on the owner's thread
 * @param listener hears of the lease's end
 * @param waitBound how long to wait for a queue pair, or for the controller to appear; zero does not wait. A request
 *     within the part that policy guarantees waits longer where it must, until another bundle's surplus is taken back
 * @param label what for, seen by the operator
 * @param path what else the holder wants of it: interrupts, a timeout of its own
 */
public record LeaseRequest(
        TransportId controller,
        int queueEntries,
        Thread owner,
        CompletionHandler handler,
        LeaseListener listener,
        Duration waitBound,
        String label,
        PathOptions path) {

    public LeaseRequest {
        Objects.requireNonNull(controller, "controller");
        Objects.requireNonNull(owner, "owner");
        Objects.requireNonNull(handler, "handler");
        Objects.requireNonNull(listener, "listener");
        Objects.requireNonNull(waitBound, "waitBound");
        Objects.requireNonNull(label, "label");
        Objects.requireNonNull(path, "path");
        if (waitBound.isNegative()) {
            throw new IllegalArgumentException(
                    "wait bound " + waitBound + " of the lease for " + label + ": not negative");
        }
    }

    public LeaseRequest(
            TransportId controller,
            int queueEntries,
            Thread owner,
            CompletionHandler handler,
            LeaseListener listener,
            Duration waitBound,
            String label) {
        this(controller, queueEntries, owner, handler, listener, waitBound, label, PathOptions.DEFAULTS);
    }

    /** A request with the usual queue size, that does not wait. */
    public static LeaseRequest of(TransportId controller, Thread owner, CompletionHandler handler, String label) {
        return new LeaseRequest(
                controller,
                QueuePairOptions.DEFAULT_QUEUE_ENTRIES,
                owner,
                handler,
                LeaseListener.NONE,
                Duration.ZERO,
                label);
    }

    public LeaseRequest withQueueEntries(int entries) {
        return new LeaseRequest(controller, entries, owner, handler, listener, waitBound, label, path);
    }

    public LeaseRequest withListener(LeaseListener heard) {
        return new LeaseRequest(controller, queueEntries, owner, handler, heard, waitBound, label, path);
    }

    public LeaseRequest withWaitBound(Duration bound) {
        return new LeaseRequest(controller, queueEntries, owner, handler, listener, bound, label, path);
    }

    public LeaseRequest withPath(PathOptions wanted) {
        return new LeaseRequest(controller, queueEntries, owner, handler, listener, waitBound, label, wanted);
    }
}
