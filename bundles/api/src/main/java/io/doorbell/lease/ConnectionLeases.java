package io.doorbell.lease;

import io.doorbell.host.QueuePairControl;
import java.util.Objects;

/**
 * The queue pairs of one listener: each connection of a host is one, and on lease while it lasts, to the bundle that listens.
 * They are counted, seen, bounded and taken back as those of controllers are. Control plane, any thread.
 */
public interface ConnectionLeases extends AutoCloseable {
    /** For who uses a transport without a resource manager: everybody gets one, and nobody counts. */
    ConnectionLeases UNCOUNTED = new ConnectionLeases() {
        @Override
        public ConnectionLease lease(Request request) {
            return () -> {};
        }

        @Override
        public int free() {
            return Integer.MAX_VALUE;
        }

        @Override
        public void close() {}
    };

    /**
     * For a connection that is about to be granted. Never waits for another to end.
     *
     * @throws LeaseException when it cannot be had: who has them, and how many this host may have
     */
    ConnectionLease lease(Request request);

    /**
     * How many could be had just now, whatever host asks: a look, for transports that can turn a connection away before they know whose it is. The
     * next lease may find less.
     */
    int free();

    /** Takes back what is left, and gives nothing any more; when the listener closes. Idempotent. */
    @Override
    void close();

    /** A connection's lease. */
    @FunctionalInterface
    interface ConnectionLease {
        /** The connection has ended. Any thread, does not wait; a second time does nothing. */
        void ended();
    }

    /**
     * A connection that asks.
     *
     * @param host who is at the other end: what the bound for each host counts by
     * @param label what for, seen by the operator: host and subsystem
     * @param owner the thread that serves it
     * @param control takes it back: {@code stopSubmissions} ends it in order, {@code delete} for certain; it has no
     *     {@code queuePair}
     */
    record Request(String host, String label, Thread owner, QueuePairControl control) {
        public Request {
            Objects.requireNonNull(host, "host");
            Objects.requireNonNull(label, "label");
            Objects.requireNonNull(owner, "owner");
            Objects.requireNonNull(control, "control");
        }
    }
}
