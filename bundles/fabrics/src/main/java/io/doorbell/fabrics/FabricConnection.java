package io.doorbell.fabrics;

import io.doorbell.nvme.TlsPskIdentity;

/** What a {@link FabricQueue} asks of the connection that carries it. Called by the connection's reactor; must not block. */
public interface FabricConnection {

    /**
     * Connect is about to be granted: be ready for this many commands at once.
     *
     * @return false when there is no room for them; the host is then told that the controller is busy
     */
    boolean reserve(int commands);

    /** End the connection, and say {@link FabricQueue#close} when it has ended; commands in flight need no answer. */
    void disconnect(String reason);

    /** End the connection when what has been answered is sent. */
    void finish();

    /** Where the host reached this node: what a discovery log names where a listener has all addresses. Any thread. */
    String localAddress();

    /** As who, and for where, the host has shown itself in the handshake of TLS; null where nothing is encrypted. Any thread. */
    default TlsPskIdentity secured() {
        return null;
    }

    /** Who is at the other end, for messages. Any thread. */
    String peer();
}
