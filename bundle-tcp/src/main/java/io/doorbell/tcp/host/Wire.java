package io.doorbell.tcp.host;

import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TlsKey;
import io.doorbell.nvme.TlsPskIdentity;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.tls.TlsPipe;
import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.lang.foreign.Arena;

/** What bytes go through: a socket, with TLS over it or without. Owner: whoever has the connection. */
final class Wire {
    final TcpSocket socket;

    /** Null where nothing is encrypted. */
    private final TlsPipe tls;

    private Wire(TcpSocket socket, TlsPipe tls) {
        this.socket = socket;
        this.tls = tls;
    }

    static Wire plain(TcpSocket socket) {
        return new Wire(socket, null);
    }

    /**
     * Shakes hands. Blocks.
     *
     * @throws NvmeException when the target does not know the key, or does not speak TLS
     */
    static Wire secured(
            String name, TcpSocket socket, TlsKey key, TlsPskIdentity identity, HostMemory memory, long deadline) {
        try (var arena = Arena.ofShared();
                var part = memory.take(TlsPipe.CIPHER_BYTES, name)) {
            var view = memory.view(arena);
            var session = TlsSession.client(key, identity);
            var room = new TlsPipe.Room(view.segment(), view.vector(1), part.offset());
            var pipe = new TlsPipe(socket, session, room);
            while (true) {
                send(name, socket, pipe, deadline);
                if (!session.isHandshaking()) {
                    return new Wire(socket, pipe);
                }
                int count = TlsPipe.take(socket, room);
                if (count == TcpSocket.END) {
                    throw failed(NvmeException.Kind.RETRY, name, "the target has ended the connection");
                }
                if (count == TcpSocket.AGAIN) {
                    if (!socket.awaitReadable(deadline)) {
                        throw failed(NvmeException.Kind.RETRY, name, "no answer in time");
                    }
                } else {
                    offer(name, session, pipe, room.bounce(), count);
                }
            }
        } catch (IOException impossible) {
            throw failed(NvmeException.Kind.GIVE_UP, name, impossible.getMessage());
        }
    }

    private static void send(String name, TcpSocket socket, TlsPipe pipe, long deadline) {
        while (pipe.isPending()) {
            if (!pipe.drain()) {
                throw failed(NvmeException.Kind.RETRY, name, "the target has ended the connection");
            }
            if (pipe.isPending() && !socket.awaitWritable(deadline)) {
                throw failed(NvmeException.Kind.RETRY, name, "no answer in time");
            }
        }
    }

    private static void offer(String name, TlsSession session, TlsPipe pipe, byte[] bytes, int count) {
        try {
            session.offer(bytes, 0, count);
        } catch (IOException refused) {
            pipe.drain();
            throw failed(NvmeException.Kind.GIVE_UP, name, refused.getMessage());
        }
    }

    private static NvmeException failed(NvmeException.Kind kind, String name, String why) {
        return new NvmeException(kind, name + ", TLS handshake", why);
    }

    /** Memory that it needs of whoever uses it. */
    int bytes() {
        return tls == null ? 0 : TlsPipe.CIPHER_BYTES;
    }

    /** From now on by this memory: what was of the user before may be closed. */
    void use(LinkMemory view, long base) {
        if (tls != null) {
            tls.use(new TlsPipe.Room(view.segment(), view.vector(1), base));
        }
    }

    /** As {@link TcpSocket#receive}. */
    int receive(SocketVector into) {
        return tls == null ? socket.receive(into) : tls.receive(into);
    }

    /** Whether there is something to receive that the socket does not tell of. */
    boolean hasMore() {
        return tls != null && tls.hasMore();
    }

    /** As {@link TcpSocket#send}. */
    int send(SocketVector from) {
        return tls == null ? socket.send(from) : tls.send(from);
    }

    /** Whether it could not send all that it took. */
    boolean isPending() {
        return tls != null && tls.isPending();
    }

    /** Sends that. Returns false when the connection has ended. */
    boolean drain() {
        return tls == null || tls.drain();
    }

    /** Whether there is no room for more, after {@code count} of {@code wanted} bytes were taken. */
    boolean isFull(long count, long wanted) {
        return tls == null ? count < wanted : tls.isPending();
    }
}
