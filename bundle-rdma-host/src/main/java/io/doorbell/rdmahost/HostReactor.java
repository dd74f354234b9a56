package io.doorbell.rdmahost;

import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;

/** A thread that moves what connections send and receive, with the lists that it posts by. Owner of the lists: its thread. */
final class HostReactor implements AutoCloseable {
    private static final Duration CALL_BOUND = Duration.ofSeconds(5);

    private static final int TRIES = 3;

    private static final long RETRY_NANOS = 100_000_000;

    /** Requests that are posted at once. */
    static final int LIST_REQUESTS = 64;

    private static final int COMPLETIONS_AT_ONCE = 64;

    final Reactor reactor;
    final SendRequests sends;
    final ReceiveRequests receives = new ReceiveRequests(LIST_REQUESTS, 1);
    final Completions completions = new Completions(COMPLETIONS_AT_ONCE);

    /** Of the transport's lock. */
    int connections;

    HostReactor(Reactor reactor, int segments) {
        this.reactor = reactor;
        sends = new SendRequests(LIST_REQUESTS, segments);
    }

    /** Runs it on the thread, and waits. */
    void run(Runnable task) {
        call(() -> {
            task.run();
            return null;
        });
    }

    /** Does what the reactor is needed for. It is ours, so it comes round, however busy the machine is: what was late is done again. */
    static void insist(Runnable step) {
        for (int tries = 1; ; tries++) {
            try {
                step.run();
                return;
            } catch (IllegalStateException | RejectedExecutionException late) {
                if (tries == TRIES) {
                    throw late;
                }
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    <T> T call(Callable<T> task) {
        return reactor.call(task, CALL_BOUND);
    }

    @Override
    public void close() {
        reactor.close();
        sends.close();
        receives.close();
        completions.close();
    }
}
