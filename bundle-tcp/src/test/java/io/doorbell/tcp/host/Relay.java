package io.doorbell.tcp.host;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Between a host and a target, on loopback: passes PDUs of the target on one by one, as somebody says, and what the host sends as it is. */
final class Relay implements AutoCloseable {
    /** What becomes of PDUs. On a thread of each connection. */
    interface Way {
        /** Returns what goes to the host instead; null to end the connection after what was said so far. */
        byte[] pass(byte[] pdu);
    }

    private final ServerSocket server;
    private final InetSocketAddress target;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private volatile Way way = pdu -> pdu;
    private volatile byte[] lastWords = {};
    private volatile boolean frozen;
    private volatile boolean refusing;

    Relay(InetSocketAddress target) {
        this.target = target;
        try {
            server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    InetSocketAddress address() {
        return new InetSocketAddress(server.getInetAddress(), server.getLocalPort());
    }

    void way(Way now) {
        way = now;
    }

    /** For a way: these bytes are still said before the connection ends. */
    void cutAfter(byte[] bytes) {
        lastWords = bytes;
    }

    /** Nothing goes either way any more, and nobody is told. */
    void freeze() {
        frozen = true;
    }

    void thaw() {
        frozen = false;
    }

    /** Ends all connections, and those that come. */
    void cut(boolean refuse) {
        refusing = refuse;
        sockets.forEach(Relay::close);
    }

    private void accept() {
        try {
            while (true) {
                var host = server.accept();
                if (refusing) {
                    close(host);
                    continue;
                }
                var onward = new Socket();
                try {
                    onward.connect(target);
                } catch (IOException gone) {
                    close(host);
                    continue;
                }
                host.setTcpNoDelay(true);
                onward.setTcpNoDelay(true);
                sockets.add(host);
                sockets.add(onward);
                Thread.ofVirtual().start(() -> copy(host, onward));
                Thread.ofVirtual().start(() -> pass(onward, host));
            }
        } catch (IOException closed) {
            // Which is how this ends.
        }
    }

    private void copy(Socket from, Socket to) {
        var bytes = new byte[1 << 16];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
                waitWhileFrozen();
                out.write(bytes, 0, count);
            }
        } catch (IOException ended) {
            // As below.
        } finally {
            close(from);
            close(to);
        }
    }

    private void pass(Socket from, Socket to) {
        try {
            var in = new DataInputStream(from.getInputStream());
            OutputStream out = to.getOutputStream();
            while (true) {
                var head = new byte[8];
                in.readFully(head);
                int plen = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt(4);
                var pdu = new byte[plen];
                System.arraycopy(head, 0, pdu, 0, 8);
                in.readFully(pdu, 8, plen - 8);
                waitWhileFrozen();
                var passed = way.pass(pdu);
                if (passed == null) {
                    out.write(lastWords);
                    return;
                }
                out.write(passed);
            }
        } catch (IOException ended) {
            // One side has gone, or this is closed.
        } finally {
            close(from);
            close(to);
        }
    }

    private void waitWhileFrozen() {
        while (frozen && !server.isClosed()) {
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        sockets.forEach(Relay::close);
    }
}
