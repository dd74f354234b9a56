package io.doorbell.tcp.tls;

import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A socket with TLS over it: {@link #receive} and {@link #send} are what those of {@link TcpSocket} are without. Nothing of it blocks. Owner: one thread at
 * a time.
 */
public final class TlsPipe {
    /** What a call encrypts or decrypts at most: two records. */
    public static final int CALL_BYTES = 32 << 10;

    /** Room for what becomes of that, with the head and the tag of each record. */
    public static final int CIPHER_BYTES = CALL_BYTES + 1024;

    /** Somebody who makes us answer, with new keys for example, and does not read: its end. */
    private static final int MAX_PENDING_BYTES = 128 << 10;

    /**
     * Room for the length of a call, for all pipes of a thread.
     *
     * @param vector of the memory, for one part
     * @param base where {@link #CIPHER_BYTES} of the memory are free
     * @param bounce as many bytes as a call has
     */
    public record Room(MemorySegment memory, SocketVector vector, long base, byte[] bounce) {
        public Room(MemorySegment memory, SocketVector vector, long base) {
            this(memory, vector, base, new byte[CALL_BYTES]);
        }
    }

    private final TcpSocket socket;
    private final TlsSession session;
    private Room room;

    /** What is encrypted and not sent yet. */
    private final byte[] out = new byte[CIPHER_BYTES];

    private int outAt;
    private int outEnd;

    /** @param session whose handshake may still go on; what it has to say is sent by {@link #drain} */
    public TlsPipe(TcpSocket socket, TlsSession session, Room room) {
        this.socket = socket;
        this.session = session;
        this.room = room;
    }

    /** By another room from now on; that of before may be closed. */
    public void use(Room other) {
        room = other;
    }

    /** Bytes of a socket as they come, at the beginning of the room's array. Returns how many, AGAIN or END. */
    public static int take(TcpSocket socket, Room room) {
        var vector = room.vector();
        vector.clear();
        vector.add(room.base(), CALL_BYTES);
        int count = socket.receive(vector);
        if (count > 0) {
            MemorySegment.copy(room.memory(), ValueLayout.JAVA_BYTE, room.base(), room.bounce(), 0, count);
        }
        return count;
    }

    /** Whether there is something to receive that no socket will tell of. */
    public boolean hasMore() {
        return session.available() > 0;
    }

    /** As {@link TcpSocket#receive}. */
    public int receive(SocketVector into) {
        if (session.available() == 0) {
            int count = take(socket, room);
            if (count <= 0) {
                return count;
            }
            try {
                session.offer(room.bounce(), 0, count);
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
            int part = session.read(room.bounce(), 0, (int) Math.min(wanted - done, CALL_BYTES));
            into.write(done, room.bounce(), part);
            done += part;
        }
        return done > 0 ? (int) done : session.isClosed() ? TcpSocket.END : TcpSocket.AGAIN;
    }

    /** Whether bytes wait for room in the socket. */
    public boolean isPending() {
        return outAt < outEnd || session.outputAvailable() > 0;
    }

    /** As {@link TcpSocket#send}; what it takes may still be {@link #isPending} then, and nothing more is taken meanwhile. */
    public int send(SocketVector from) {
        if (!drain()) {
            return TcpSocket.END;
        }
        if (isPending()) {
            return TcpSocket.AGAIN;
        }
        int count = (int) Math.min(from.bytes(), CALL_BYTES);
        from.read(room.bounce(), count);
        try {
            session.write(room.bounce(), 0, count);
        } catch (IOException broken) {
            return TcpSocket.END;
        }
        return drain() ? count : TcpSocket.END;
    }

    /** Sends what is encrypted, as far as there is room. Returns false when the connection is broken. */
    public boolean drain() {
        while (isPending()) {
            if (outAt == outEnd) {
                outAt = 0;
                outEnd = session.readOutput(out, 0, Math.min(out.length, session.outputAvailable()));
            }
            int left = outEnd - outAt;
            MemorySegment.copy(out, outAt, room.memory(), ValueLayout.JAVA_BYTE, room.base(), left);
            room.vector().clear();
            room.vector().add(room.base(), left);
            int count = socket.send(room.vector());
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

    /** Tells the peer that it is the end; if that has no room, the end of the socket tells it too. */
    public void close() {
        try {
            session.close();
            drain();
        } catch (IOException broken) {
            // The socket is closed next.
        }
    }
}
