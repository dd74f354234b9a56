package io.doorbell.rdmasoft;

import io.doorbell.verbs.Completions;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.Users;
import java.util.List;

/**
 * A queue pair: a {@link Requester}, a {@link Responder}, and who the peer is. Its number says which lane it is of, so that the kernel hands its
 * packets to that lane's socket.
 *
 * <p>Owner: the lane, but for what the connection manager does through {@link #onLane}.
 */
final class SoftQueuePair implements VerbsQueuePair {
    private enum State {
        NEW,
        CONNECTED,
        FAILED,
        CLOSED
    }

    /**
     * Who the peer is, and what was agreed with it.
     *
     * @param sendPsn the first number of what goes there, {@code receivePsn} of what comes
     * @param ownReads reads that this side has outstanding, {@code peerReads} the peer
     */
    record Peer(
            long addressHigh,
            long addressLow,
            int number,
            int sendPsn,
            int receivePsn,
            int mtu,
            int ownReads,
            int peerReads,
            int retryCount,
            int rnrRetryCount) {}

    final SoftDomain domain;
    private final List<Users> used;
    final SoftCompletionQueue sendQueue;
    final SoftCompletionQueue receiveQueue;
    private final Lane lane;
    private final SoftSharedReceiveQueue shared;
    private final ReceiveQueue receives;
    final Requester requester;
    final Responder responder;
    private final int number;

    private volatile State state = State.NEW;
    private Peer peer;

    /** The peer has sent something. */
    boolean heard;

    /** Packets in a row whose check was right without an identification. */
    int exactPackets;

    /** In the lists of the lane. */
    boolean isActive;

    SoftQueuePair nextActive;
    boolean isAnswering;
    boolean isStarved;
    SoftQueuePair nextAnswering;

    /** Whom the end of it concerns; set by the connection manager. */
    volatile SoftConnection connection;

    /** @param used to be released when it is closed */
    SoftQueuePair(SoftDomain domain, Lane lane, int number, QueuePairSetup setup, List<Users> used) {
        this.domain = domain;
        this.used = used;
        this.lane = lane;
        this.number = number;
        sendQueue = (SoftCompletionQueue) setup.sendQueue();
        receiveQueue = (SoftCompletionQueue) setup.receiveQueue();
        shared = (SoftSharedReceiveQueue) setup.shared();
        receives = shared == null ? new ReceiveQueue(domain, setup.receiveRequests(), setup.segments()) : shared.queue;
        requester = new Requester(this, lane, setup.sendRequests(), setup.segments());
        responder = new Responder(
                this, lane, receives, shared != null, shared == null ? setup.segments() : shared.segments);
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public boolean isConnected() {
        return state == State.CONNECTED;
    }

    boolean isNew() {
        return state == State.NEW;
    }

    int peerNumber() {
        return peer.number;
    }

    long peerHigh() {
        return peer.addressHigh;
    }

    long peerLow() {
        return peer.addressLow;
    }

    boolean isPeer(long high, long low) {
        return peer.addressLow == low && peer.addressHigh == high;
    }

    /** On the lane. */
    void connect(Peer to) {
        if (state != State.NEW) {
            throw new IllegalStateException("this queue pair is connected already, or was");
        }
        peer = to;
        requester.connect(to.sendPsn, to.mtu, to.ownReads, to.retryCount, to.rnrRetryCount);
        responder.connect(to.receivePsn, to.mtu, to.peerReads);
        state = State.CONNECTED;
        lane.add(this);
    }

    @Override
    public int post(SendRequests requests) {
        lane.requireOwner();
        return state == State.CONNECTED ? requester.post(requests) : NOT_CONNECTED;
    }

    @Override
    public int postReceive(ReceiveRequests requests) {
        lane.requireOwner();
        if (shared != null) {
            throw new IllegalStateException("this queue pair receives from a shared queue");
        }
        return state == State.CONNECTED || state == State.NEW ? receives.post(requests) : NOT_CONNECTED;
    }

    /** Unbinds a window that peers reached through this queue pair. Returns whether there was one. */
    boolean invalidate(int key) {
        var window = domain.device.keys.window(key);
        if (window == null || !window.isFor(this)) {
            return false;
        }
        window.unbind();
        return true;
    }

    /**
     * Something went wrong: the oldest send request ends with {@code status}, everything else is flushed, and the connection is told. On the lane.
     */
    void fail(int status, String reason) {
        if (flush(status)) {
            domain.device.connections().failed(this, reason);
        }
    }

    /** The connection has ended; what came before that still counts. On the lane. */
    void end() {
        lane.settle();
        flush(Completions.FLUSHED);
    }

    private boolean flush(int status) {
        if (state == State.FAILED || state == State.CLOSED) {
            return false;
        }
        state = State.FAILED;
        requester.flush(status);
        responder.flush();
        return true;
    }

    /** Runs it on the lane's thread, and waits for it; here when that thread has ended. */
    void onLane(Runnable task) {
        lane.run(task);
    }

    /** As {@link #onLane}, without waiting. */
    void onLaneLater(Runnable task) {
        lane.runLater(task);
    }

    @Override
    public void close() {
        var held = connection;
        if (held != null) {
            held.disconnect();
        }
        onLane(this::closeHere);
    }

    private void closeHere() {
        if (state == State.CLOSED) {
            return;
        }
        flush(Completions.FLUSHED);
        state = State.CLOSED;
        lane.remove(this);
        sendQueue.purge(number);
        receiveQueue.purge(number);
        Users.release(used);
    }

    @Override
    public String toString() {
        return "queue pair 0x" + Integer.toHexString(number);
    }
}
