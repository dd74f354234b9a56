package io.doorbell.tcp;

import io.doorbell.nvme.TlsPskIdentity;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.tls.TlsPipe;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.Semaphore;

/**
 * TLS of a connection: first the handshake, then a {@link TlsPipe}.
 *
 * <p>The handshake is computed on a thread of its own, which also reads the host's key from its file: then that thread has the session, and the reactor
 * looks again each cycle whether it is {@link #isStepDone}. Owner otherwise: the reactor.
 */
final class TlsChannel {
    /** A handshake takes two steps, or three; more where a message comes in pieces. */
    private static final int MAX_STEPS = 64;

    /** Handshakes that compute at once, of all listeners: the rest waits, and leaves a core for others. */
    private static final Semaphore COMPUTING =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

    private final TcpReactor owner;
    private final TcpSocket socket;
    private final String peer;

    /** Null before the first step. */
    private TlsPipe pipe;

    private TlsSession session;
    private boolean handshaking = true;
    private boolean computing;
    private int steps;
    private volatile boolean stepDone;

    /** Why the step failed; written before {@link #stepDone}. */
    private IOException failure;

    private volatile TlsPskIdentity identity;

    TlsChannel(TcpReactor owner, TcpSocket socket, String peer) {
        this.owner = owner;
        this.socket = socket;
        this.peer = peer;
    }

    // The handshake.

    boolean isHandshaking() {
        return handshaking;
    }

    boolean isComputing() {
        return computing;
    }

    boolean isStepDone() {
        return stepDone;
    }

    /** As who the host has shown itself, or null. Any thread. */
    TlsPskIdentity identity() {
        return identity;
    }

    /** Takes what the host has sent to a thread that computes. Returns false when there is nothing more to come, or too much. */
    boolean step() {
        int count = TlsPipe.take(socket, owner.tlsRoom);
        if (count == TcpSocket.AGAIN) {
            return true;
        }
        if (count == TcpSocket.END || ++steps > MAX_STEPS) {
            return false;
        }
        byte[] bytes = Arrays.copyOf(owner.tlsRoom.bounce(), count);
        computing = true;
        Thread.ofVirtual().name("handshake " + peer).start(() -> compute(bytes));
        return true;
    }

    private void compute(byte[] bytes) {
        COMPUTING.acquireUninterruptibly();
        try {
            if (session == null) {
                session = TlsSession.server(owner.target::tlsKey);
            }
            session.offer(bytes, 0, bytes.length);
        } catch (IOException refused) {
            failure = refused;
        } catch (RuntimeException defect) {
            failure = new IOException(defect);
        } finally {
            COMPUTING.release();
            stepDone = true;
            owner.reactor.wake();
        }
    }

    /** The thread has ended. Returns false when the handshake has failed. */
    boolean stepped() {
        computing = false;
        stepDone = false;
        if (pipe == null && session != null) {
            pipe = new TlsPipe(socket, session, owner.tlsRoom);
        }
        drain();
        if (failure == null && !session.isHandshaking()) {
            handshaking = false;
            identity = session.identity();
        }
        return failure == null;
    }

    /** Why it failed. */
    String failure() {
        return failure.getMessage();
    }

    // What is a pipe's, from the end of the handshake on.

    int receive(SocketVector into) {
        return pipe.receive(into);
    }

    int send(SocketVector from) {
        return pipe.send(from);
    }

    boolean hasMore() {
        return !handshaking && pipe.hasMore();
    }

    boolean isPending() {
        return !computing && pipe != null && pipe.isPending();
    }

    boolean drain() {
        return computing || pipe == null || pipe.drain();
    }

    void close() {
        if (!handshaking) {
            pipe.close();
        }
    }
}
