package io.doorbell.tcp;

import io.doorbell.tcp.tls.TlsSession;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;

/** A host's socket with TLS: for tests, which wait. */
final class SecureStreams {
    private static final int BUFFER_BYTES = 16 << 10;

    private final Socket socket;
    private final TlsSession session;

    SecureStreams(Socket socket, TlsSession session) {
        this.socket = socket;
        this.session = session;
    }

    /** @throws IOException when the other side refuses, or goes */
    void shakeHands() throws IOException {
        send();
        while (session.isHandshaking()) {
            receive();
            send();
        }
    }

    private void send() throws IOException {
        while (session.outputAvailable() > 0) {
            var bytes = new byte[session.outputAvailable()];
            socket.getOutputStream().write(bytes, 0, session.readOutput(bytes, 0, bytes.length));
        }
    }

    private void receive() throws IOException {
        var bytes = new byte[BUFFER_BYTES];
        int count = socket.getInputStream().read(bytes);
        if (count < 0) {
            throw new IOException("the other side has ended the connection");
        }
        session.offer(bytes, 0, count);
    }

    InputStream in() {
        return new InputStream() {
            @Override
            public int read() throws IOException {
                var one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
            }

            @Override
            public int read(byte[] into, int offset, int count) throws IOException {
                while (session.available() == 0) {
                    if (session.isClosed()) {
                        return -1;
                    }
                    try {
                        receive();
                    } catch (IOException end) {
                        return -1;
                    }
                }
                return session.read(into, offset, Math.min(count, session.available()));
            }

            @Override
            public int available() {
                return session.available();
            }
        };
    }

    OutputStream out() {
        return new OutputStream() {
            @Override
            public void write(int one) throws IOException {
                write(new byte[] {(byte) one});
            }

            @Override
            public void write(byte[] from, int offset, int count) throws IOException {
                session.write(from, offset, count);
                send();
            }
        };
    }
}
