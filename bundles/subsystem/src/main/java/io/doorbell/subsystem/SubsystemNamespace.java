package io.doorbell.subsystem;

import io.doorbell.nvme.IdentifyCns;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import java.time.Duration;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
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

    /** The ANA group it belongs to. */
    private volatile int group = 1;

    /** As its hosts are to see it while that is less than the store has, else null. Written under the lock. */
    private volatile NamespaceShape shrunk;

    // Guarded by this.
    /** How many were opened in each turn. */
    private final TreeMap<Integer, Integer> sessions = new TreeMap<>();
    /** Who works on the whole of it. */
    private int users;

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

    /** As it is formatted now, and as large as it is to hosts. */
    NamespaceShape shape() {
        var smaller = shrunk;
        return smaller != null ? smaller : namespace.shape();
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

    int group() {
        return group;
    }

    void group(int next) {
        group = next;
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
        users++;
        return true;
    }

    /** Begins a turn, in which hosts see so much of it; null for all there is. Sessions of older turns come to an end. */
    synchronized void show(NamespaceShape smaller) {
        shrunk = smaller;
        turns++;
    }

    /** Waits until every session of an older turn has ended, and nobody else works on the whole of it. Returns whether that came. */
    synchronized boolean awaitTurn(Duration bound) throws InterruptedException {
        int turn = turns;
        return await(bound, () -> users <= 1 && (sessions.isEmpty() || sessions.firstKey() >= turn));
    }

    private boolean await(Duration bound, BooleanSupplier reached) throws InterruptedException {
        long deadline = System.nanoTime() + bound.toNanos();
        while (!reached.getAsBoolean() && !removed) {
            long millis = (deadline - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                return false;
            }
            wait(millis);
        }
        return !removed;
    }

    /** To work on the whole of it when nobody else does, until {@link #endUse}. False when it is removed, or at the bound. */
    synchronized boolean useAlone(Duration bound) throws InterruptedException {
        if (!await(bound, () -> users == 0 && sessions.isEmpty())) {
            return false;
        }
        users++;
        return true;
    }

    synchronized void endUse() {
        users--;
        notifyAll();
        closeIfUnused();
    }

    synchronized boolean isRemoved() {
        return removed;
    }

    /**
     * A session, or null when the namespace is withheld, or was removed meanwhile.
     *
     * @param turn {@link #turns} as whoever opens it knows it
     */
    synchronized NamespaceSession open(Reactor reactor, int turn) {
        if (removed || withheld != 0) {
            return null;
        }
        var session = namespace.open(reactor);
        sessions.merge(turn, 1, Integer::sum);
        return session;
    }

    /** Closes a session of {@link #open}, on its reactor. */
    void close(NamespaceSession session, int turn) {
        try {
            session.close();
        } finally {
            synchronized (this) {
                sessions.computeIfPresent(turn, (ignored, count) -> count == 1 ? null : count - 1);
                notifyAll();
                closeIfUnused();
            }
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
        if (removed && users == 0 && sessions.isEmpty() && closed.getCount() > 0) {
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
