package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NvmRequest;
import java.util.ArrayDeque;
import java.util.UUID;

/** A namespace whose writes end when they are {@linkplain #release let}. */
final class SlowNamespace implements Namespace {
    private volatile NamespaceShape shape =
            new NamespaceShape(512, 1000, UUID.randomUUID(), false, false, false, "slow");
    private volatile boolean released;

    void release() {
        released = true;
    }

    @Override
    public NamespaceShape shape() {
        return shape;
    }

    @Override
    public NamespaceSession open(Reactor reactor) {
        return new Session();
    }

    @Override
    public void resize(long bytes) {
        shape = shape.resized(bytes);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}

    private final class Session implements NamespaceSession {
        private final ArrayDeque<NvmRequest> held = new ArrayDeque<>();
        private boolean closed;

        @Override
        public int submit(NvmRequest request) {
            if (closed) {
                return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
            }
            if (request.opc != NvmOpcode.WRITE || released) {
                return Status.SUCCESS;
            }
            held.add(request);
            return NvmRequest.PENDING;
        }

        @Override
        public int submitFused(NvmRequest compare, NvmRequest write) {
            return submit(write);
        }

        @Override
        public int poll(long nowNanos) {
            int completed = 0;
            while (released && !held.isEmpty()) {
                held.remove().complete(Status.SUCCESS);
                completed++;
            }
            return completed;
        }

        @Override
        public int inFlight() {
            return held.size();
        }

        @Override
        public void close() {
            closed = true;
            held.clear();
        }
    }
}
