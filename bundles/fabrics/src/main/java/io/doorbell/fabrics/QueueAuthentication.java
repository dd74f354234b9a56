package io.doorbell.fabrics;

import io.doorbell.fabrics.auth.DhchapController;
import io.doorbell.fabrics.auth.DhchapController.State;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.Status;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The host of a queue shows who it is: between the reactor, to which Authentication Send and Receive come, and a thread that computes. NVMe Base
 * 2.1 §8.3.4 "NVMe over Fabrics Secure Channel and In-band Authentication".
 *
 * <p>A message is copied, so a connection may go while one is computed with. Owner: the reactor; the computing thread has {@link DhchapController} while
 * {@link #computing}.
 */
final class QueueAuthentication {
    /** A host goes on within this, and so do we: it is the way to a queue, and not to be stayed on. */
    static final long STEP_BOUND_NANOS = TimeUnit.SECONDS.toNanos(30);

    /**
     * So many compute at once, of all queues: anybody who reaches a listener and knows the name of a host can make this node raise numbers to powers,
     * and that leaves a core for others.
     */
    private static final Semaphore COMPUTING =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() / 2), true);

    private static final SecureRandom RANDOM = new SecureRandom();

    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;

    private final FabricQueue queue;
    private final FabricHost host;
    private final DhchapController controller;
    private boolean authentic;
    private boolean computing;

    /** A transaction goes on. */
    private boolean open = true;

    private long deadlineNanos = System.nanoTime() + STEP_BOUND_NANOS;
    private volatile boolean abandoned;

    QueueAuthentication(FabricQueue queue, FabricHost host, String subsystemNqn, String hostNqn) {
        this.queue = queue;
        this.host = host;
        controller = new DhchapController(this::keys, host.keys().offer(), hostNqn, subsystemNqn, RANDOM);
    }

    private DhchapController.Keys keys() {
        try {
            return new DhchapController.Keys(host.keys().dhchap(), host.keys().controller());
        } catch (IOException wrong) {
            queue.complain(host.nqn() + " cannot be authenticated: " + wrong.getMessage());
            return null;
        }
    }

    /** Whether the host has shown once who it is. */
    boolean isAuthentic() {
        return authentic;
    }

    boolean isLate(long nowNanos) {
        return open && nowNanos - deadlineNanos > 0;
    }

    /** The connection has gone. */
    void abandon() {
        abandoned = true;
    }

    int admit(FabricRequest request) {
        if (!FabricsCommand.isAuthentication(request.cdw10)
                || request.cdw11 <= 0
                || request.cdw11 > DhchapController.MAX_MESSAGE_BYTES) {
            return INVALID_FIELD;
        }
        request.dataBytes = request.cdw11;
        request.dataToHost = FabricsCommand.type(request.nsid) == FabricsCommand.AUTHENTICATION_RECEIVE;
        return Status.SUCCESS;
    }

    void execute(FabricRequest request) {
        if (computing) {
            // One after another: the next message depends on the one before.
            request.respond(Status.COMMAND_SEQUENCE_ERROR | Status.DNR);
            return;
        }
        computing = true;
        int bytes = request.dataBytes;
        byte[] taken = request.dataToHost ? null : new byte[bytes];
        if (taken != null) {
            request.copyFromHost(0, MemorySegment.ofArray(taken), 0, bytes);
        }
        Thread.ofVirtual().name("authenticate " + queue.connection().peer()).start(() -> {
            byte[] next = compute(taken, bytes);
            queue.post(() -> computed(request, next));
        });
    }

    /** Takes a message, or makes one. */
    private byte[] compute(byte[] taken, int room) {
        COMPUTING.acquireUninterruptibly();
        try {
            if (abandoned) {
                return null;
            }
            if (taken == null) {
                return controller.next(room);
            }
            controller.take(taken);
            return null;
        } finally {
            COMPUTING.release();
        }
    }

    private void computed(FabricRequest request, byte[] next) {
        computing = false;
        if (queue.isClosed()) {
            return;
        }
        deadlineNanos = System.nanoTime() + STEP_BOUND_NANOS;
        var state = controller.state();
        open = state != State.AUTHENTICATED;
        if (!open) {
            queue.tell(queue + " of " + host.nqn() + " is authentic, by " + controller.agreement());
            if (!authentic) {
                authentic = true;
                queue.authenticated();
            }
        }
        if (next != null) {
            request.copyToHost(0, MemorySegment.ofArray(next), 0, next.length);
        }
        request.respond(request.dataToHost && next == null ? INVALID_FIELD : Status.SUCCESS);
        if (state == State.FAILED) {
            queue.complain(queue + " of " + host.nqn() + " is not authentic: " + controller.reason());
            queue.connection().finish();
        }
    }
}
