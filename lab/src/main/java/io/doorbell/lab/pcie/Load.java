package io.doorbell.lab.pcie;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Reads on a leased queue pair, as many at once as it takes, until it is stopped or takes no more. A thread of its own owns the queue
 * pair; counts and outcomes may be read by any thread.
 */
final class Load implements CompletionHandler, LeaseListener, AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(120);
    private static final int MOST_COMMANDS = 1 << 20;
    private static final int BLOCKS = 8;
    private static final int BLOCK_BYTES = 512;
    private static final int POLL_LIMIT = 64;

    /** How a lease ended. */
    record End(LeaseState state, RevocationReason reason) {}

    private final ResourceManager resources;
    private final NvmeController controller;
    private final int depth;
    private final Thread thread;

    /** How often the command of a token has ended. */
    private final AtomicIntegerArray endings = new AtomicIntegerArray(MOST_COMMANDS);

    private final CompletableFuture<End> end = new CompletableFuture<>();
    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private volatile boolean stopped;

    // Written by the thread.
    private volatile int accepted;
    private volatile int succeeded;
    private volatile int failed;

    Load(ResourceManager resources, NvmeController controller, int depth) {
        this.resources = resources;
        this.controller = controller;
        this.depth = depth;
        thread = Thread.ofPlatform().name("load").daemon().start(this::run);
    }

    private void run() {
        try (var lease = resources.lease(LeaseRequest.of(controller.transportId(), Thread.currentThread(), this, "load")
                .withQueueEntries(depth + 1)
                .withListener(this))) {
            var memory = lease.allocate((long) BLOCKS * BLOCK_BYTES);
            var pair = lease.queuePair();
            try {
                read(pair, memory);
            } finally {
                drain(pair);
            }
            if (!stopped) {
                // It takes no more, and the reason is on its way.
                awaitEnd();
            }
            over.complete(null);
        } catch (Throwable failure) {
            over.completeExceptionally(failure);
        }
    }

    private void read(QueuePair pair, DmaMemory memory) {
        try {
            while (!stopped && accepted < MOST_COMMANDS) {
                int staged = pair.read(1, 0, BLOCKS, memory, 0, 0, accepted);
                if (staged >= 0) {
                    accepted++;
                } else if (staged == QueuePair.QUEUE_FULL) {
                    pair.commit();
                    pair.poll(POLL_LIMIT);
                } else {
                    return;
                }
            }
        } catch (IllegalStateException fenced) {
            // What is in flight is polled for all the same.
        }
    }

    private static void drain(QueuePair pair) {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (pair.inFlight() > 0) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(pair.inFlight() + " commands never ended");
            }
            try {
                pair.commit();
                pair.poll(POLL_LIMIT);
            } catch (IllegalStateException fenced) {
                if (pair.inFlight() > 0) {
                    throw fenced;
                }
            }
        }
    }

    @Override
    public void complete(long token, int status, long result) {
        endings.incrementAndGet((int) token);
        if (status == 0) {
            succeeded++;
        } else {
            failed++;
        }
    }

    @Override
    public void ended(QueuePairLease lease, LeaseState state, RevocationReason reason) {
        end.complete(new End(state, reason));
    }

    int succeeded() {
        return succeeded;
    }

    int failed() {
        return failed;
    }

    boolean isOver() {
        return over.isDone();
    }

    /** Waits until it takes no more, or was stopped, and every command has ended. */
    void awaitOver() throws Exception {
        over.get(BOUND.toSeconds(), TimeUnit.SECONDS);
        for (int token = 0; token < accepted; token++) {
            if (endings.get(token) != 1) {
                throw new IllegalStateException("command " + token + " ended " + endings.get(token) + " times");
            }
        }
    }

    /** How the lease was taken back. */
    End awaitEnd() throws Exception {
        return end.get(BOUND.toSeconds(), TimeUnit.SECONDS);
    }

    void stop() {
        stopped = true;
    }

    @Override
    public void close() {
        stop();
        try {
            thread.join(BOUND);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
