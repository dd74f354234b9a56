package io.doorbell.perf;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** A namespace that counts the writes to each block, and can give back wrong data for one. */
final class WatchedNamespace implements Namespace {
    private final Namespace inner;
    final AtomicIntegerArray writes;

    /** Reads of this block come back with a flipped bit; -1 for none. */
    volatile long corruptLba = -1;

    WatchedNamespace(Namespace inner) {
        this.inner = inner;
        this.writes = new AtomicIntegerArray(Math.toIntExact(inner.shape().blockCount()));
    }

    @Override
    public NamespaceShape shape() {
        return inner.shape();
    }

    @Override
    public NamespaceSession open(Reactor reactor) {
        return new Session(inner.open(reactor));
    }

    @Override
    public void flush() {
        inner.flush();
    }

    @Override
    public void close() {
        inner.close();
    }

    private final class Session implements NamespaceSession {
        private final NamespaceSession session;

        Session(NamespaceSession session) {
            this.session = session;
        }

        @Override
        public int submit(NvmRequest request) {
            var status = session.submit(request);
            if (request.opc == NvmOpcode.WRITE) {
                for (var block = 0; block < request.blockCount; block++) {
                    writes.incrementAndGet((int) request.slba + block);
                }
            }
            var corrupt = corruptLba;
            if (request.opc == NvmOpcode.READ
                    && corrupt >= request.slba
                    && corrupt < request.slba + request.blockCount) {
                corrupt(request, (corrupt - request.slba) * shape().blockBytes() + 17);
            }
            return status;
        }

        private void corrupt(NvmRequest request, long at) {
            var before = at;
            for (var piece = 0; piece < request.pieceCount; piece++) {
                if (before < request.pieceBytes[piece]) {
                    var segment = request.pieces[piece];
                    var offset = request.pieceOffsets[piece] + before;
                    segment.set(ValueLayout.JAVA_BYTE, offset, (byte) (segment.get(ValueLayout.JAVA_BYTE, offset) ^ 4));
                    return;
                }
                before -= request.pieceBytes[piece];
            }
        }

        @Override
        public int submitFused(NvmRequest compare, NvmRequest write) {
            return session.submitFused(compare, write);
        }

        @Override
        public int poll(long nowNanos) {
            return session.poll(nowNanos);
        }

        @Override
        public int inFlight() {
            return session.inFlight();
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
