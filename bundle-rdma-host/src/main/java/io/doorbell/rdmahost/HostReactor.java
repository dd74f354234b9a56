package io.doorbell.rdmahost;

import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import java.time.Duration;
import java.util.concurrent.Callable;

/** A thread that moves what connections send and receive, with the lists that it posts by. Owner of the lists: its thread. */
final class HostReactor implements AutoCloseable {
    private static final Duration CALL_BOUND = Duration.ofSeconds(5);

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
