package io.doorbell.subsystem;

import io.doorbell.nvme.IdentifyCns;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import java.time.Duration;
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
    private final boolean madeByHost;
    private final NamespaceReservations reservations;
    private final UncorrectableBlocks marks = new UncorrectableBlocks();
    private final CountDownLatch closed = new CountDownLatch(1);

    /** The status of every command to it while it is not to be used, or 0. Written under the lock. */
    private volatile int withheld;

    /** Counts up whenever that changes: a path that knows an older number has to look again. */
    private volatile int turns;

    // Guarded by this. Those who work on the whole of it count as sessions.
    private int sessions;
    private boolean removed;

    SubsystemNamespace(int nsid, Namespace namespace, boolean madeByHost, NamespaceReservations reservations) {
        this.nsid = nsid;
        this.namespace = namespace;
        this.madeByHost = madeByHost;
        this.reservations = reservations;
    }

    int nsid() {
        return nsid;
    }

    /** As it is formatted now. */
    NamespaceShape shape() {
        return namespace.shape();
    }

    Namespace namespace() {
        return namespace;
    }

    NamespaceReservations reservations() {
        return reservations;
    }

    /** Its zones, or null where it has none. */
    ZonedNamespace zones() {
        return namespace instanceof ZonedNamespace zoned ? zoned : null;
    }

    /** The command set it belongs to: CSI. */
    int csi() {
        return zones() == null ? IdentifyCns.CSI_NVM : IdentifyCns.CSI_ZONED;
    }

    /** What Write Uncorrectable has marked. */
    UncorrectableBlocks marks() {
        return marks;
    }

    /** Whether Namespace Management made it, so that it may delete it. */
    boolean madeByHost() {
        return madeByHost;
    }

    int withheld() {
        return withheld;
    }

    int turns() {
        return turns;
    }

    /**
     * No new sessions: commands are answered with {@code status} from the moment on that their path has let go of its
     * session. Returns whether it was not so already.
     */
    synchronized boolean withhold(int status) {
        if (removed || withheld != 0) {
            return false;
        }
        withheld = status;
        turns++;
        return true;
    }

    /** Answers with another status from now on, if it answered with {@code before}. */
    synchronized void stillWithhold(int before, int status) {
        if (withheld == before) {
            withheld = status;
        }
    }

    /** Sessions again, if it was withheld with {@code status}. Returns whether it was. */
    synchronized boolean release(int status) {
        if (withheld != status) {
            return false;
        }
        withheld = 0;
        turns++;
        return true;
    }

    /** To work on the whole of it beside its sessions, until {@link #endUse}; not when it is withheld or removed. */
    synchronized boolean use() {
        if (removed || withheld != 0) {
            return false;
        }
        sessions++;
        return true;
    }

    /** To work on the whole of it when nobody else does, until {@link #endUse}. False when it is removed, or at the bound. */
    synchronized boolean useAlone(Duration bound) throws InterruptedException {
        long deadline = System.nanoTime() + bound.toNanos();
        while (sessions > 0 && !removed) {
            long millis = (deadline - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                return false;
            }
            wait(millis);
        }
        if (removed) {
            return false;
        }
        sessions++;
        return true;
    }

    synchronized void endUse() {
        sessions--;
        notifyAll();
        closeIfUnused();
    }

    synchronized boolean isRemoved() {
        return removed;
    }

    /** A session, or null when the namespace is withheld, or was removed meanwhile. */
    synchronized NamespaceSession open(Reactor reactor) {
        if (removed || withheld != 0) {
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
            endUse();
        }
    }

    /** No new sessions; the namespace is closed as soon as the last one is. */
    synchronized void remove() {
        if (!removed) {
            removed = true;
            notifyAll();
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
            LOG.error("namespace {} ({}) could not be closed", nsid, shape().backend(), failed);
        } finally {
            closed.countDown();
        }
    }

    @Override
    public String toString() {
        return "namespace " + nsid + " (" + shape().backend() + ")";
    }
}
