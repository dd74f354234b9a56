package io.doorbell.resources.lease;

import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.Arena;

/** Where queue pairs come from: a controller, or a listener. Guarded by the manager's lock. */
abstract class Source {
    final TransportId id;

    /** It is being taken away: nothing is granted any more. */
    boolean leaving;

    Source(TransportId id) {
        this.id = id;
    }

    boolean usable() {
        return !leaving && isReady();
    }

    /** Whether its queue pairs take commands. */
    abstract boolean isReady();

    abstract int queuePairs();

    abstract int maxQueueEntries();

    abstract QueuePairControl make(Lease lease, QueuePairOptions options, Arena arena);

    /** What it says of itself where it is not ready. */
    abstract String condition();

    @Override
    public String toString() {
        return id + (leaving ? " (being removed)" : usable() ? "" : " (" + condition() + ")");
    }
}
