package io.doorbell.lab.guest;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntSupplier;

/** A queue pair with memory for data. Owner: the thread that made it, which also closes it. */
public final class Lane implements AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(120);
    private static final int POLL_LIMIT = 64;
    private static final int MEMORY_BYTES = 2 << 20;

    private final Arena arena = Arena.ofShared();
    private final DmaAllocation allocation;
    private final QueuePairControl control;
    private final BlockTransfer transfer = new BlockTransfer();
    private int ended;
    private int failed;
    private int lastStatus;
    private long lastResult;

    public Lane(NvmeController controller, int queueEntries) {
        this(controller, queueEntries, PathOptions.DEFAULTS);
    }

    public Lane(NvmeController controller, int queueEntries, PathOptions path) {
        allocation = controller.allocateDma(MEMORY_BYTES, arena);
        control = controller.createQueuePair(new QueuePairOptions(queueEntries, this::complete, "lab", path), arena);
        control.own(Thread.currentThread());
    }

    public Lane(NvmeController controller) {
        this(controller, 64);
    }

    private void complete(long token, int status, long result) {
        ended++;
        failed += status == 0 ? 0 : 1;
        lastStatus = status;
        lastResult = result;
    }

    public QueuePair queuePair() {
        return control.queuePair();
    }

    public DmaMemory memory() {
        return allocation.memory();
    }

    /** Dwords 0 and 1 of the last completion. */
    public long result() {
        return lastResult;
    }

    /** Fills the memory with what a seed says, so that two places are never alike. */
    public void fill(long seed, long offset, long bytes) {
        var random = new Random(seed);
        for (long at = 0; at < bytes; at += Long.BYTES) {
            memory().segment().set(ValueLayout.JAVA_LONG_UNALIGNED, offset + at, random.nextLong());
        }
    }

    public byte[] bytes(long offset, long bytes) {
        return memory().segment().asSlice(offset, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    /** @throws AssertionError that names the first byte that is not what {@link #fill} wrote */
    public void requirePattern(long seed, long offset, int bytes) {
        requirePattern(seed, bytes(offset, bytes));
    }

    /** The same of bytes from elsewhere. */
    public static void requirePattern(long seed, byte[] bytes) {
        int different = Arrays.mismatch(bytes, pattern(seed, bytes.length));
        if (different >= 0) {
            throw new AssertionError("byte " + different + " of " + bytes.length + " is " + bytes[different] + ", not "
                    + pattern(seed, bytes.length)[different]);
        }
    }

    /** What {@link #fill} makes of a seed. */
    public static byte[] pattern(long seed, int bytes) {
        var pattern = MemorySegment.ofArray(new byte[bytes]);
        var random = new Random(seed);
        for (int at = 0; at < bytes; at += Long.BYTES) {
            pattern.set(ValueLayout.JAVA_LONG_UNALIGNED, at, random.nextLong());
        }
        return pattern.toArray(ValueLayout.JAVA_BYTE);
    }

    /** One write of ordinary blocks, and its status. */
    public int write(NvmeNamespace namespace, long slba, int blocks, long offset) {
        return execute(() -> queuePair().write(namespace.nsid(), slba, blocks, memory(), offset, 0, 0));
    }

    public int read(NvmeNamespace namespace, long slba, int blocks, long offset) {
        return execute(() -> queuePair().read(namespace.nsid(), slba, blocks, memory(), offset, 0, 0));
    }

    public int transfer(int opc, BlockTransfer with) {
        return execute(() -> queuePair().transfer(opc, with, 0));
    }

    /** Blocks from the beginning of the memory; metadata, if it has a buffer of its own, from {@code metadataOffset} on. */
    public BlockTransfer blocks(NvmeNamespace namespace, long slba, int blocks, long metadataOffset) {
        transfer.of(namespace.nsid(), slba, blocks).data(memory(), 0);
        if (namespace.metadata().separateBytes() > 0) {
            transfer.metadata(memory(), metadataOffset);
        }
        return transfer;
    }

    public int flush(NvmeNamespace namespace) {
        var command = new NvmCommand().reset(NvmOpcode.FLUSH, namespace.nsid());
        return execute(() -> queuePair().submit(command, null, 0, 0, 0));
    }

    public int execute(IntSupplier staging) {
        int before = ended;
        int staged = staging.getAsInt();
        if (staged < 0) {
            throw new IllegalStateException("not accepted: " + staged);
        }
        queuePair().commit();
        pollUntil(before + 1);
        return Status.code(lastStatus);
    }

    /** Until so many commands have ended since this lane was made. */
    public void pollUntil(int endedCommands) {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (ended < endedCommands) {
            if (queuePair().poll(POLL_LIMIT) == 0) {
                Thread.onSpinWait();
            }
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        ended + " of " + endedCommands + " commands ended within " + BOUND.toSeconds() + " s");
            }
        }
    }

    public int ended() {
        return ended;
    }

    /** Of those that ended. */
    public int failed() {
        return failed;
    }

    @Override
    public void close() {
        control.stopSubmissions();
        control.delete(BOUND);
        MemoryView.close(arena, BOUND);
        control.fenced("the lane was closed");
        allocation.close();
    }
}
