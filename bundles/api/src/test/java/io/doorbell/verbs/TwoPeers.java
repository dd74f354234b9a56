package io.doorbell.verbs;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Two devices, or one twice, and connections between them; the test runs the reactors of both by hand. */
public abstract class TwoPeers {
    static final int MEMORY_BYTES = 2 << 20;
    static final Duration BOUND = Duration.ofSeconds(60);
    static final ConnectParameters READS = ConnectParameters.DEFAULT.withReads(4, 4);

    /** The device that connects. */
    protected abstract VerbsDevice active() throws Exception;

    /** The device that is connected to; may be the same. */
    protected abstract VerbsDevice passive() throws Exception;

    protected VerbsPeer left;
    protected VerbsPeer right;
    protected VerbsQueuePair leftPair;
    protected VerbsQueuePair rightPair;
    protected Connection leftConnection;
    protected volatile Connection rightConnection;

    @BeforeEach
    void open() throws Exception {
        left = new VerbsPeer(active(), MEMORY_BYTES);
        right = new VerbsPeer(passive(), MEMORY_BYTES);
    }

    @AfterEach
    void close() {
        left.close();
        right.close();
    }

    /** Runs both reactors until the condition holds. */
    protected final void pump(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (!condition.getAsBoolean()) {
            if (left.cycle() + right.cycle() == 0) {
                LockSupport.parkNanos(20_000);
            }
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError(what + " did not happen; " + left.device.counters() + right.device.counters());
            }
        }
    }

    protected final VerbsPeer.Done next(VerbsPeer peer) {
        pump("a completion", () -> peer.pending() > 0);
        return peer.take();
    }

    /** The next completion, which is this one and a success. */
    protected final VerbsPeer.Done expect(VerbsPeer peer, long id) {
        var done = next(peer);
        assertThat(Completions.describe(done.status())).isEqualTo("success");
        assertThat(done.id()).isEqualTo(id);
        return done;
    }

    protected final void expectFailure(VerbsPeer peer, long id, int status) {
        var done = next(peer);
        assertThat(done.id()).isEqualTo(id);
        assertThat(Completions.describe(done.status())).isEqualTo(Completions.describe(status));
    }

    /** Whether a peer's last word can be lost: then nobody repeats why a request was refused, only that it was. */
    protected boolean mayLoseWhy() {
        return false;
    }

    /** What the device does otherwise; all that is not named here it has to do. */
    protected Set<Deviation> deviations() {
        return Set.of();
    }

    /** What becomes of a receive that this status is for. */
    final int receiveFailure(int status) {
        return unless(Deviation.RECEIVE_ERRORS_ARE_OPERATION_ERRORS, status, Completions.LOCAL_OPERATION);
    }

    final int unless(Deviation deviation, int status, int otherwise) {
        return deviations().contains(deviation) ? otherwise : status;
    }

    protected final void expectRefusal(VerbsPeer peer, long id, int status) {
        if (!mayLoseWhy()) {
            expectFailure(peer, id, status);
            return;
        }
        var done = next(peer);
        assertThat(done.id()).isEqualTo(id);
        assertThat(done.status()).isIn(status, Completions.FLUSHED, Completions.RETRIES_EXCEEDED);
    }

    /** Runs it on a virtual thread, and the reactors meanwhile. */
    protected final <T> T meanwhile(Callable<T> task) {
        var result = new CompletableFuture<T>();
        Thread.ofVirtual().start(() -> {
            try {
                result.complete(task.call());
            } catch (Throwable thrown) {
                result.completeExceptionally(thrown);
            }
        });
        pump("the end of a call", result::isDone);
        try {
            return result.join();
        } catch (CompletionException failed) {
            throw (RuntimeException) failed.getCause();
        }
    }

    protected final void connect() {
        connect(READS, READS);
    }

    protected final void connect(ConnectParameters asked, ConnectParameters accepted) {
        leftPair = left.pair();
        rightPair = right.pair();
        connect(leftPair, rightPair, asked, accepted);
    }

    protected final void connect(
            VerbsQueuePair from, VerbsQueuePair to, ConnectParameters asked, ConnectParameters accepted) {
        int before = right.established;
        rightConnection = null;
        try (var listening = right.device.listen(
                0, request -> rightConnection = request.accept(to, accepted, new byte[] {7}, right.listener))) {
            leftConnection = meanwhile(
                    () -> left.device.connect(from, listening.address(), asked, new byte[0], left.listener, BOUND));
            pump(
                    "the peer's word that it is ready, and the end of accept",
                    () -> right.established > before && rightConnection != null);
        }
    }
}
