package io.doorbell.tcp.host;

import io.doorbell.driver.Signs;
import io.doorbell.platform.Epoll;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who is to be woken when something has come for an I/O queue. The sockets of a controller's queues that interrupt are in one epoll,
 * on which its admin thread sleeps too, and that thread signals the owners. A socket is watched when its owner is about to sleep,
 * and then once.
 */
final class SocketSigns implements AutoCloseable {
    private static final int MOST_EVENTS = 64;

    private final Epoll epoll = new Epoll(MOST_EVENTS);
    private final Map<Integer, EventFd> signs = new ConcurrentHashMap<>();

    // Guarded by this.
    private int users = 1;
    private boolean closing;

    /** For sleeping on. */
    int fd() {
        return epoll.fd();
    }

    /** The admin thread is woken when something has come for its own queue. */
    synchronized void addAdmin(TcpSocket socket) {
        epoll.add(socket, 0, true, false);
    }

    /** The watch of a queue's socket, with the lifetime of its lease; {@link #remove} when that has ended. */
    Epoll.Watch add(TcpSocket socket, int queueId, EventFd sign, Arena lease) {
        synchronized (this) {
            users++;
        }
        signs.put(queueId, sign);
        return epoll.watch(socket, queueId, lease);
    }

    void remove(int queueId) {
        signs.remove(queueId);
        release();
    }

    /** Signals whose sockets have something. The admin thread. */
    void look() {
        synchronized (this) {
            if (users == 0) {
                return;
            }
            int count = epoll.look();
            for (int i = 0; i < count; i++) {
                Signs.signal(signs.get(epoll.id(i)));
            }
        }
    }

    private synchronized void release() {
        // Owners of queues that are not fenced yet may still be about to watch their sockets.
        if (--users == 0) {
            epoll.close();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closing) {
                return;
            }
            closing = true;
        }
        release();
    }
}
