package io.doorbell.verbs;

import java.net.InetSocketAddress;

/** A peer wants to connect. Any thread; accepted or rejected once. */
public interface ConnectRequest {

    VerbsDevice device();

    InetSocketAddress peer();

    InetSocketAddress local();

    /** What the peer sent along; zeros follow, up to {@link Connection#MAX_CONNECT_BYTES}, since the length is not sent. */
    byte[] privateData();

    /**
     * What the peer offers, seen from here: {@code initiatorDepth} is how many reads this side may have outstanding at it, {@code responderResources} how
     * many it wants to have here.
     */
    ConnectParameters offered();

    /**
     * Accepts. The queue pair is ready when this returns, and what the peer sends at once is received, so post receives first.
     *
     * @param parameters of this side; not more reads than offered
     * @param privateData up to {@link Connection#MAX_ACCEPT_BYTES}
     * @throws ConnectException when the peer has gone
     */
    Connection accept(
            VerbsQueuePair queuePair, ConnectParameters parameters, byte[] privateData, ConnectionListener listener);

    /**
     * Rejects: consumer reject, IBTA reason 28.
     *
     * @param privateData up to {@link Connection#MAX_REJECT_BYTES}
     */
    void reject(byte[] privateData);
}
