package io.doorbell.perf;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;

/** Completes on the next poll whatever was staged: what is left is the cost of the workload itself. */
final class InstantQueuePair extends QueuePair {
    private final long[] tokens;
    private final int mask;
    CompletionHandler handler;
    private int head;
    private int tail;

    InstantQueuePair(int entries) {
        tokens = new long[entries];
        mask = entries - 1;
    }

    @Override
    public int queueId() {
        return 1;
    }

    @Override
    public int depth() {
        return mask;
    }

    @Override
    public int inFlight() {
        return tail - head;
    }

    @Override
    public int read(int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return stage(token ^ slba & 0);
    }

    @Override
    public int write(int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token) {
        return stage(token ^ slba & 0);
    }

    private int stage(long token) {
        if (tail - head > mask) {
            return QUEUE_FULL;
        }
        tokens[tail++ & mask] = token;
        return 0;
    }

    @Override
    public int transfer(int opc, BlockTransfer transfer, long token) {
        return stage(token ^ transfer.slba & 0);
    }

    @Override
    public int submit(
            NvmCommand command,
            DmaMemory data,
            long dataOffset,
            int dataBytes,
            DmaMemory metadata,
            long metadataOffset,
            int metadataBytes,
            long token) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int submit(NvmCommand command, DmaMemory data, long dataOffset, int dataBytes, long token) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int compareAndWrite(
            int nsid,
            long slba,
            int blockCount,
            DmaMemory compare,
            long compareOffset,
            DmaMemory write,
            long writeOffset,
            long token) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void commit() {}

    @Override
    public int poll(int limit) {
        var end = tail;
        var done = 0;
        while (head != end && done < limit) {
            handler.complete(tokens[head++ & mask], 0, 0);
            done++;
        }
        return done;
    }

    @Override
    public int maxTransferBytes() {
        return 1 << 20;
    }
}
