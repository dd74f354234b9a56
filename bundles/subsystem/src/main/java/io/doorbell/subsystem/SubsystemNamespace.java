package io.doorbell.subsystem;

import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A namespace as a subsystem has it: its identifier, and how many sessions use it. It is closed with the last session
 * after it was removed. Any thread.
 */
final class SubsystemNamespace {
    private static final Logger LOG = LoggerFactory.getLogger(SubsystemNamespace.class);

    private final int nsid;
    private final Namespace namespace;
    private final NamespaceShape shape;
    private final boolean madeByHost;
    private final NamespaceReservations reservations;
    private final CountDownLatch closed = new CountDownLatch(1);

    // Guarded by this.
    private int sessions;
    private boolean removed;

    SubsystemNamespace(int nsid, Namespace namespace, boolean madeByHost, NamespaceReservations reservations) {
        this.nsid = nsid;
        this.namespace = namespace;
        this.shape = namespace.shape();
        this.madeByHost = madeByHost;
        this.reservations = reservations;
    }

    int nsid() {
        return nsid;
    }

    NamespaceShape shape() {
        return shape;
    }

    Namespace namespace() {
        return namespace;
    }

    NamespaceReservations reservations() {
        return reservations;
    }

    /** Whether Namespace Management made it, so that it may delete it. */
    boolean madeByHost() {
        return madeByHost;
    }

    /** A session, or null when the namespace was removed meanwhile. */
    synchronized NamespaceSession open(Reactor reactor) {
        if (removed) {
            return null;
        }
        var session = namespace.open(reactor);
        sessions++;
        return session;
    }

    /** Closes a session of {@link #open}, on its reactor. */
    void close(NamespaceSession session) {
        try {
            session.close();
        } finally {
            synchronized (this) {
                sessions--;
                closeIfUnused();
            }
        }
    }

    /** No new sessions; the namespace is closed as soon as the last one is. */
    synchronized void remove() {
        if (!removed) {
            removed = true;
            closeIfUnused();
        }
    }

    CountDownLatch closed() {
        return closed;
    }

    private void closeIfUnused() {
        if (removed && sessions == 0 && closed.getCount() > 0) {
            // Not here: this may be a reactor, and closing a file waits for the disk.
            Thread.ofVirtual().name("close namespace " + nsid).start(this::closeNow);
        }
    }

    /** Closes it although sessions are open: they meet exceptions then. */
    void closeNow() {
        try {
            namespace.close();
        } catch (RuntimeException failed) {
            LOG.error("namespace {} ({}) could not be closed", nsid, shape.backend(), failed);
        } finally {
            closed.countDown();
        }
    }

    @Override
    public String toString() {
        return "namespace " + nsid + " (" + shape.backend() + ")";
    }
}
