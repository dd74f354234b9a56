package io.doorbell.resources.reactor;

import io.doorbell.platform.EventFd;
import io.doorbell.reactor.Poller;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongToIntFunction;

/** Pollers for tests. */
final class Pollers {
    private Pollers() {}

    /** Counts the signals of a descriptor, on which its reactor may sleep. */
    static Poller draining(EventFd descriptor, AtomicInteger seen) {
        return new Poller() {
            @Override
            public int poll(long nowNanos) {
                int signals = (int) descriptor.drain();
                seen.addAndGet(signals);
                return signals;
            }

            @Override
            public boolean readyToPark() {
                return true;
            }

            @Override
            public int descriptor() {
                return descriptor.fd();
            }
        };
    }

    /** Does not agree to a sleep. */
    static Poller polling(LongToIntFunction cycle) {
        return new Poller() {
            @Override
            public int poll(long nowNanos) {
                return cycle.applyAsInt(nowNanos);
            }

            @Override
            public boolean readyToPark() {
                return false;
            }
        };
    }
}
