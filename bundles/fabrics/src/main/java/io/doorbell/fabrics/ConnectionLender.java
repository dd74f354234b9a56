package io.doorbell.fabrics;

import io.doorbell.lease.ConnectionLeases;
import io.doorbell.nvme.TransportId;

/** Who lends the queue pairs of a listener, each of which is a connection: a resource manager. */
@FunctionalInterface
public interface ConnectionLender {
    /** For who uses a transport without a resource manager: nobody counts. */
    ConnectionLender UNCOUNTED = (listener, capacity) -> ConnectionLeases.UNCOUNTED;

    /** @param capacity the most connections at once */
    ConnectionLeases listener(TransportId listener, int capacity);
}
