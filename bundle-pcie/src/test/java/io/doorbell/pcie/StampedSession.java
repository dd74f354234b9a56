package io.doorbell.pcie;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A host that knows what it wrote: each block has one command at a time, a write of a new stamp or a read that has to find the
 * last one that was acknowledged. Every command has to succeed. Owner: its reactor.
 */
final class StampedSession implements Poller, AutoCloseable {
    static final int BLOCK_BYTES = 512;
    private static final Duration BOUND = Duration.ofSeconds(60);

    private final Reactor reactor;
    private final NamespaceSession session;
    private final Random random;
    private final List<Block> blocks = new ArrayList<>();
    private final List<String> wrong = new CopyOnWriteArrayList<>();
    private long stamp;
    private boolean stopping;
    private volatile long ended;
    private volatile long longestNanos;
    private volatile int inFlight;

    StampedSession(Reactor reactor, Namespace namespace, int blockCount, long seed) {
        this.reactor = reactor;
        random = new Random(seed);
        session = reactor.call(() -> namespace.open(reactor), BOUND);
        for (int i = 0; i < blockCount; i++) {
            blocks.add(new Block(i));
        }
        reactor.add(this);
    }

    private final class Block extends NvmRequest {
        private final long number;
        private final MemorySegment memory = MemorySegment.ofArray(new long[BLOCK_BYTES / Long.BYTES]);
        private boolean busy;
        private long written;
        private long acknowledged;
        private long begunNanos;

        Block(long number) {
            this.number = number;
            addPiece(memory, 0, BLOCK_BYTES);
        }

        void begin(long nowNanos) {
            busy = true;
            begunNanos = nowNanos;
            opc = acknowledged == 0 || random.nextBoolean() ? NvmOpcode.WRITE : NvmOpcode.READ;
            slba = number;
            blockCount = 1;
            if (opc == NvmOpcode.WRITE) {
                written = ++stamp;
            }
            for (long at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
                memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, opc == NvmOpcode.WRITE ? written : -1);
            }
            inFlight++;
            int status = StampedSession.this.session.submit(this);
            if (status != PENDING) {
                complete(status);
            }
        }

        @Override
        public void complete(int status) {
            busy = false;
            inFlight--;
            ended++;
            longestNanos = Math.max(longestNanos, System.nanoTime() - begunNanos);
            if (status != Status.SUCCESS) {
                wrong.add("block " + number + ": " + Status.name(status));
                return;
            }
            if (opc == NvmOpcode.WRITE) {
                acknowledged = written;
                return;
            }
            for (long at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
                long found = memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
                if (found != acknowledged) {
                    wrong.add("block " + number + " has " + found + " at " + at + ", not " + acknowledged);
                    return;
                }
            }
        }
    }

    @Override
    public int poll(long nowNanos) {
        int work = session.poll(nowNanos);
        for (int i = 0; i < 4 && !stopping; i++) {
            var block = blocks.get(random.nextInt(blocks.size()));
            if (!block.busy) {
                block.begin(nowNanos);
                work++;
            }
        }
        return work;
    }

    @Override
    public boolean readyToPark() {
        return session.poll(System.nanoTime()) == 0;
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        return stopping ? Long.MAX_VALUE : 1_000_000;
    }

    long ended() {
        return ended;
    }

    int inFlight() {
        return inFlight;
    }

    Duration longest() {
        return Duration.ofNanos(longestNanos);
    }

    /** What must not have happened. */
    List<String> wrong() {
        return wrong;
    }

    /** Submits nothing any more. */
    void stop() {
        reactor.call(() -> stopping = true, BOUND);
    }

    @Override
    public void close() {
        reactor.remove(this);
        reactor.call(
                () -> {
                    session.close();
                    return null;
                },
                BOUND);
    }
}
