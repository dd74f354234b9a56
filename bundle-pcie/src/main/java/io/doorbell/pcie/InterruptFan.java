package io.doorbell.pcie;

import io.doorbell.driver.Signs;
import io.doorbell.platform.EventFd;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Passes the interrupts of one vector on to several signs, on a thread of its own. */
final class InterruptFan implements AutoCloseable {
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final EventFd sign = EventFd.create();
    private volatile List<EventFd> signs;
    private volatile boolean closed;

    InterruptFan(String name, List<EventFd> signs) {
        this.signs = List.copyOf(signs);
        Thread.ofPlatform().name("nvme-" + name).daemon().start(this::run);
    }

    EventFd sign() {
        return sign;
    }

    void to(List<EventFd> now) {
        signs = List.copyOf(now);
    }

    private void run() {
        try {
            while (!closed) {
                if (sign.await(LOOK_NANOS)) {
                    // Before the signs: what is signalled after this is found by the next wait.
                    sign.drain();
                    signal(signs);
                }
            }
        } catch (IllegalStateException end) {
            // Closed, which is how this ends.
        }
    }

    static void signal(List<EventFd> signs) {
        for (var one : signs) {
            Signs.signal(one);
        }
    }

    @Override
    public void close() {
        closed = true;
        sign.close();
    }
}
