package io.doorbell.pcie;

import io.doorbell.driver.BlockFormats;
import io.doorbell.driver.CoarseClock;
import io.doorbell.driver.DriverQueuePairControl;
import io.doorbell.driver.QueueAdmin;
import io.doorbell.driver.QueuePairHost;
import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.RetryPolicy;
import io.doorbell.driver.TrackedQueuePair;
import io.doorbell.driver.TransferLimits;
import io.doorbell.host.CommandTimeout;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.InjectedError;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.nvme.Doorbell;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A queue pair with a {@link RingDevice} behind it and no controller. What it tells the control plane is kept. */
final class QueuePairRig implements QueuePairHost, QueueAdmin, AutoCloseable {
    static final int QUEUE_ID = 3;
    static final int BLOCK_BYTES = 512;

    /** 64 blocks. */
    static final int MAX_TRANSFER_BYTES = 32 * 1024;

    static final int NSID = 1;

    /** Has an optimal I/O boundary of 16 blocks. */
    static final int NSID_WITH_BOUNDARY = 2;

    static final int TIMEOUT_MILLIS = 1_000;
    static final int ABORT_MILLIS = 200;
    static final CommandTimeout TIMEOUT =
            new CommandTimeout(Duration.ofMillis(TIMEOUT_MILLIS), CommandTimeout.Action.ABORT_THEN_RESET);
    private static final int DATA_BYTES = 1 << 20;
    private static final long TAIL_OFFSET = Doorbell.shadowSubmissionTailOffset(QUEUE_ID, 0);
    private static final long HEAD_OFFSET = Doorbell.shadowCompletionHeadOffset(QUEUE_ID, 0);

    final TestAccess access;
    final Arena arena = Arena.ofShared();
    final CoarseClock clock = new CoarseClock();
    final QueueMemory memory;
    final DmaRegion shadows;
    final DmaRegion dataRegion;
    final DmaMemory data;
    final PcieQueuePair pair;
    final DriverQueuePairControl control;
    final RingDevice device;
    final List<Integer> timedOut = new ArrayList<>();
    final List<Integer> stuck = new ArrayList<>();
    final List<String> failures = new ArrayList<>();
    final List<String> unreachable = new ArrayList<>();
    final List<Integer> aborted = new ArrayList<>();
    boolean deletedByDevice = true;

    /** The submission doorbell where the device looks for it: shadow or BAR. */
    final MemorySegment tailWord;

    final MemorySegment tailBarWord;
    final MemorySegment headWord;

    private final Arena own = Arena.ofShared();

    QueuePairRig(int entries, boolean withShadows, CompletionHandler handler) {
        this(new TestAccess(), entries, withShadows, handler);
    }

    QueuePairRig(TestAccess access, int entries, boolean withShadows, CompletionHandler handler) {
        this(access, entries, withShadows, handler, TIMEOUT, null);
    }

    QueuePairRig(
            TestAccess access,
            int entries,
            boolean withShadows,
            CompletionHandler handler,
            CommandTimeout timeout,
            EventFd interrupt) {
        this(access, entries, withShadows, handler, timeout, interrupt, SglSupport.NONE, RetryPolicy.NONE, List.of());
    }

    QueuePairRig(SglSupport sgl, int entries, CompletionHandler handler) {
        this(new TestAccess(), entries, false, handler, TIMEOUT, null, sgl, RetryPolicy.NONE, List.of());
    }

    QueuePairRig(RetryPolicy retry, int entries, CompletionHandler handler, InjectedError... injected) {
        this(new TestAccess(), entries, false, handler, TIMEOUT, null, SglSupport.NONE, retry, List.of(injected));
    }

    private QueuePairRig(
            TestAccess access,
            int entries,
            boolean withShadows,
            CompletionHandler handler,
            CommandTimeout timeout,
            EventFd interrupt,
            SglSupport sgl,
            RetryPolicy retry,
            List<InjectedError> injected) {
        this.access = access;
        memory = new QueueMemory(access, entries, MAX_TRANSFER_BYTES, sgl.supported() ? PrpPointers.SGL_BYTES : 0);
        shadows = DmaRegion.allocate(access, 8192);
        dataRegion = DmaRegion.allocate(access, DATA_BYTES);
        data = new DmaMemory(dataRegion.view(0, DATA_BYTES, arena), dataRegion.iova());
        var parts = new QueuePairParts(
                QUEUE_ID,
                entries,
                "test queue pair",
                memory.submissionRing(arena),
                new BlockFormats(List.of(
                        format(NSID, MetadataFormat.NONE, 0), format(NSID_WITH_BOUNDARY, MetadataFormat.NONE, 16))),
                MAX_TRANSFER_BYTES,
                handler,
                clock,
                timeout,
                ABORT_MILLIS,
                interrupt,
                retry,
                injected,
                this);
        var rings = new PcieQueuePair.Rings(
                memory.completionRing(arena),
                memory.prpLists(arena),
                new QueueDoorbells(words(TAIL_OFFSET, withShadows), words(HEAD_OFFSET, withShadows), access),
                sgl);
        pair = new PcieQueuePair(parts, rings);
        control = new DriverQueuePairControl(pair, memory::close, this, () -> {});
        tailBarWord = access.doorbells().asSlice(TAIL_OFFSET, 4);
        tailWord = withShadows ? shadows.view(TAIL_OFFSET, 4, own) : tailBarWord;
        headWord = withShadows
                ? shadows.view(HEAD_OFFSET, 4, own)
                : access.doorbells().asSlice(HEAD_OFFSET, 4);
        device = new RingDevice(
                QUEUE_ID, entries, memory.submissionRing(own), memory.completionRing(own), tailWord, headWord);
    }

    static BlockFormats.Format format(int nsid, MetadataFormat metadata, int boundaryBlocks) {
        var namespace = new NvmeNamespace(nsid, 1L << 40, BLOCK_BYTES, metadata, boundaryBlocks, "");
        return BlockFormats.Format.of(namespace, TransferLimits.of(MAX_TRANSFER_BYTES));
    }

    private QueueDoorbells.Words words(long offset, boolean withShadows) {
        return new QueueDoorbells.Words(
                MemoryView.within(access.doorbells().asSlice(offset, 4), arena),
                withShadows ? shadows.view(offset, 4, arena) : null,
                withShadows ? shadows.view(4096 + offset, 4, arena) : null);
    }

    /** The index at which the device wants to be woken by the submission doorbell. */
    void tailEventIndex(int index) {
        Doorbell.store(shadows.segment(), 4096 + TAIL_OFFSET, index);
    }

    int read(long slba, long token) {
        return pair.read(NSID, slba, 8, data, 0, 0, token);
    }

    /** Takes the way of a lease's end after the drain. */
    void fence(String reason) {
        control.stopSubmissions();
        control.delete(Duration.ofSeconds(1));
        closeArena();
        control.fenced(reason);
    }

    void closeArena() {
        MemoryView.close(arena, Duration.ofSeconds(2));
    }

    @Override
    public synchronized void timedOut(TrackedQueuePair queuePair, int cid) {
        timedOut.add(cid);
    }

    @Override
    public synchronized void stuck(TrackedQueuePair queuePair, int cid) {
        stuck.add(cid);
    }

    @Override
    public synchronized void failed(TrackedQueuePair queuePair, String reason) {
        failures.add(reason);
    }

    synchronized boolean hasFailed() {
        return !failures.isEmpty();
    }

    @Override
    public synchronized void unreachable(String reason) {
        unreachable.add(reason);
    }

    @Override
    public synchronized void abort(int queueId, int cid, Duration bound) {
        aborted.add(cid);
    }

    /** From here on the device reaches nothing. */
    @Override
    public boolean deleteQueues(TrackedQueuePair queuePair, Duration bound) {
        MemoryView.close(own, Duration.ofSeconds(2));
        return deletedByDevice;
    }

    @Override
    public void release(DriverQueuePairControl released) {}

    @Override
    public void close() {
        closeArena();
        MemoryView.close(own, Duration.ofSeconds(2));
        memory.close();
        dataRegion.close();
        shadows.close();
        access.close();
    }
}
