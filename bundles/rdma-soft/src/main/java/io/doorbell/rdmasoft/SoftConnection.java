package io.doorbell.rdmasoft;

import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.News;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;

/** A connection, as far as the connection manager has come with it. Guarded by the connection manager, but for what is final. */
final class SoftConnection implements Connection {
    /** IBTA vol. 1 release 1.4 §12.9 "Communication Establishment and Release", without what is there for a moment only. */
    enum State {
        /** This side has asked. */
        REQUESTED,
        /** The peer has agreed, and is told that this side is ready as soon as it is. */
        AGREED,
        /** The peer has asked, and nobody here has decided yet. */
        DECIDING,
        /** This side has agreed, and the peer is to say that it is ready. */
        ACCEPTED,
        ESTABLISHED,
        /** This side has said that it ends. */
        DISCONNECTING,
        /** Over; remembered for messages that are late. */
        TIME_WAIT,
        GONE
    }

    /** A queue pair of a peer's. */
    record Remote(ManagementPort.Source source, long guid, int number) {}

    /** By what a peer is known that asks. */
    record Asker(ManagementPort.Source source, long guid, int id) {}

    final ConnectionManager manager;
    final ManagementPort.Source source;
    final InetSocketAddress peer;
    final InetSocketAddress local;
    final int localId;

    State state;
    int remoteId;
    /** Null until it is known. */
    Remote remote;

    long transaction;
    SoftQueuePair pair;
    /** Null until somebody listens. */
    private News news;

    ConnectParameters agreed = ConnectParameters.DEFAULT;
    byte[] privateData = new byte[0];

    /** Of a connection that a peer asked for. */
    Asker asker;

    /** Of a connection that this side asked for: the REP, or the REJ. */
    final CompletableFuture<CmMessage> answer = new CompletableFuture<>();

    // What is sent again until something comes of it.
    CmMessage pending;
    int sendsLeft;
    long intervalNanos;
    long dueNanos;
    boolean timed;

    SoftConnection(
            ConnectionManager manager,
            State state,
            int localId,
            ManagementPort.Source source,
            InetSocketAddress peer,
            InetSocketAddress local) {
        this.manager = manager;
        this.state = state;
        this.localId = localId;
        this.source = source;
        this.peer = peer;
        this.local = local;
    }

    boolean isLive() {
        return state != State.TIME_WAIT && state != State.GONE;
    }

    void listener(ConnectionListener listener) {
        news = new News(listener, "connection of " + peer, manager::broken);
    }

    void tellEstablished() {
        if (news != null) {
            news.established();
        }
    }

    /** Tells the listener, once. */
    void tellDisconnected(String reason) {
        if (news != null) {
            news.disconnected(reason);
        }
    }

    @Override
    public VerbsQueuePair queuePair() {
        return pair;
    }

    @Override
    public InetSocketAddress peer() {
        return peer;
    }

    @Override
    public InetSocketAddress local() {
        return local;
    }

    @Override
    public byte[] privateData() {
        return privateData.clone();
    }

    @Override
    public ConnectParameters agreed() {
        return agreed;
    }

    @Override
    public void disconnect() {
        manager.disconnect(this);
    }

    @Override
    public void close() {
        disconnect();
    }

    @Override
    public String toString() {
        return "connection " + Integer.toHexString(localId) + " of " + peer;
    }
}
