package io.doorbell.tcp;

import io.doorbell.nvme.TlsPskIdentity;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.Semaphore;

/**
 * TLS between a connection and its socket: {@link #receive} and {@link #send} are what those of {@link TcpSocket} are without it.
 *
 * <p>The handshake is computed on a thread of its own, which also reads the host's key from its file: then that thread has the session, and the reactor
 * looks again each cycle whether it is {@link #isStepDone}. Owner otherwise: the reactor.
 */
final class TlsChannel {
    /** What a call encrypts or decrypts at most: two records. */
    static final int CALL_BYTES = 32 << 10;

    /** Room for what becomes of that, with the head and the tag of each record. */
    static final int CIPHER_BYTES = CALL_BYTES + 1024;

    /** Somebody who makes us answer, with new keys for example, and does not read: its end. */
    private static final int MAX_PENDING_BYTES = 128 << 10;

    /** A handshake takes two steps, or three; more where a message comes in pieces. */
    private static final int MAX_STEPS = 64;

    /** Handshakes that compute at once, of all listeners: the rest waits, and leaves a core for others. */
    private static final Semaphore COMPUTING =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

    private final TcpReactor owner;
    private final TcpSocket socket;
    private final String peer;

    /** What is encrypted and not sent yet. */
    private final byte[] out = new byte[CIPHER_BYTES];

    private int outAt;
    private int outEnd;

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
        int count = take();
        if (count == TcpSocket.AGAIN) {
            return true;
        }
        if (count == TcpSocket.END || ++steps > MAX_STEPS) {
            return false;
        }
        var bytes = new byte[count];
        System.arraycopy(owner.bounce, 0, bytes, 0, count);
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

    /** The thread has ended. Returns false when the handshake has failed, with what to say of it in {@link #failure}. */
    boolean stepped() {
        computing = false;
        stepDone = false;
        if (session != null) {
            drain();
        }
        if (failure == null && !session.isHandshaking()) {
            handshaking = false;
            identity = session.identity();
        }
        return failure == null;
    }

    String failure() {
        return failure.getMessage();
    }

    // Data.

    /** Whether there is something to receive that no socket will tell of. */
    boolean hasMore() {
        return !handshaking && session.available() > 0;
    }

    /** As {@link TcpSocket#receive}. */
    int receive(SocketVector into) {
        if (session.available() == 0) {
            int count = take();
            if (count <= 0) {
                return count;
            }
            try {
                session.offer(owner.bounce, 0, count);
            } catch (IOException broken) {
                drain();
                return TcpSocket.END;
            }
            if (session.outputAvailable() > MAX_PENDING_BYTES) {
                return TcpSocket.END;
            }
        }
        long wanted = Math.min(into.bytes(), session.available());
        long done = 0;
        while (done < wanted) {
            int part = session.read(owner.bounce, 0, (int) Math.min(wanted - done, CALL_BYTES));
            into.write(done, owner.bounce, part);
            done += part;
        }
        return done > 0 ? (int) done : session.isClosed() ? TcpSocket.END : TcpSocket.AGAIN;
    }

    /** Bytes of the socket, into the reactor's array. */
    private int take() {
        var cipher = owner.cipher;
        cipher.clear();
        cipher.add(owner.cipherBase, CALL_BYTES);
        int count = socket.receive(cipher);
        if (count > 0) {
            MemorySegment.copy(owner.memory, ValueLayout.JAVA_BYTE, owner.cipherBase, owner.bounce, 0, count);
        }
        return count;
    }

    /** Whether bytes wait for room in the socket. */
    boolean isPending() {
        return outAt < outEnd || (!computing && session != null && session.outputAvailable() > 0);
    }

    /** As {@link TcpSocket#send}; what it takes may still be {@link #isPending} then, and nothing more is taken meanwhile. */
    int send(SocketVector from) {
        if (!drain()) {
            return TcpSocket.END;
        }
        if (isPending()) {
            return TcpSocket.AGAIN;
        }
        int count = (int) Math.min(from.bytes(), CALL_BYTES);
        from.read(owner.bounce, count);
        try {
            session.write(owner.bounce, 0, count);
        } catch (IOException broken) {
            return TcpSocket.END;
        }
        return drain() ? count : TcpSocket.END;
    }

    /** Sends what is encrypted, as far as there is room. Returns false when the connection is broken. */
    boolean drain() {
        while (isPending()) {
            if (outAt == outEnd) {
                outAt = 0;
                outEnd = session.readOutput(out, 0, Math.min(out.length, session.outputAvailable()));
            }
            int left = outEnd - outAt;
            MemorySegment.copy(out, outAt, owner.memory, ValueLayout.JAVA_BYTE, owner.cipherBase, left);
            var cipher = owner.cipher;
            cipher.clear();
            cipher.add(owner.cipherBase, left);
            int count = socket.send(cipher);
            if (count == TcpSocket.END) {
                return false;
            }
            outAt += Math.max(0, count);
            if (count < left) {
                return true;
            }
        }
        return true;
    }

    /** Tells the host that it is the end; if that has no room, the end of the socket tells it too. */
    void close() {
        if (computing || handshaking) {
            return;
        }
        try {
            session.close();
            drain();
        } catch (IOException broken) {
            // The socket is closed next.
        }
    }
}
