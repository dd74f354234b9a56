package io.doorbell.backends;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NvmRequest;
import java.util.UUID;

/** Blocks that are not there. See {@link NullBackend}. */
final class NullNamespace implements Namespace {
    private volatile NamespaceShape shape;
    private volatile boolean closed;

    NullNamespace(BlockFormat format, long blockCount) {
        shape = new NamespaceShape(format, blockCount, UUID.randomUUID(), false, false, false, "null");
    }

    @Override
    public NamespaceShape shape() {
        return shape;
    }

    @Override
    public NamespaceSession open(Reactor reactor) {
        if (closed) {
            throw new IllegalStateException("this null namespace is closed");
        }
        return new Session(shape.blockCount());
    }

    @Override
    public void flush() {}

    @Override
    public void format(BlockFormat format) {
        var was = shape;
        if (was.byteSize() < format.blockBytes()) {
            throw new IllegalArgumentException("not one block of " + format + " in " + was.byteSize() + " bytes");
        }
        shape = was.formatted(format, was.byteSize());
    }

    @Override
    public void resize(long bytes) {
        shape = shape.resized(bytes);
    }

    @Override
    public boolean isErasable() {
        return true;
    }

    @Override
    public boolean erase(Erasure erasure, Progress progress) {
        return progress.at(1, 1);
    }

    @Override
    public boolean scan(Progress progress) {
        return progress.at(1, 1);
    }

    @Override
    public void close() {
        closed = true;
    }

    private static final class Session implements NamespaceSession {
        private final DatasetRanges ranges;
        private boolean closed;

        Session(long blockCount) {
            ranges = new DatasetRanges(blockCount);
        }

        @Override
        public int submit(NvmRequest request) {
            if (closed) {
                return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
            }
            return request.opc == NvmOpcode.DATASET_MANAGEMENT ? ranges.load(request) : Status.SUCCESS;
        }

        @Override
        public int submitFused(NvmRequest compare, NvmRequest write) {
            return closed ? Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR : Status.SUCCESS;
        }

        @Override
        public int poll(long nowNanos) {
            return 0;
        }

        @Override
        public int inFlight() {
            return 0;
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
