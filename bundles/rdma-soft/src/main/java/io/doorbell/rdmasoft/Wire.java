package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import io.doorbell.platform.UdpSocket;

/** What carries packets: a UDP socket. A seam, so that tests can lose packets. Owner: one thread. */
interface Wire extends AutoCloseable {

    /** As {@link UdpSocket#receive}. */
    int receive(DatagramBatch into);

    /** As {@link UdpSocket#send}. */
    int send(DatagramBatch from, int first, int count);

    /** Readable while there is something to receive. */
    int descriptor();

    @Override
    void close();

    /** The real one. */
    static Wire of(UdpSocket socket) {
        return new Wire() {
            @Override
            public int receive(DatagramBatch into) {
                return socket.receive(into);
            }

            @Override
            public int send(DatagramBatch from, int first, int count) {
                return socket.send(from, first, count);
            }

            @Override
            public int descriptor() {
                return socket.fd();
            }

            @Override
            public void close() {
                socket.close();
            }
        };
    }
}
