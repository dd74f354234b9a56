package io.doorbell.resources.lease;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.doorbell.host.AdminCompletion;
import io.doorbell.host.ControllerInfo;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A small controller over native rings and doorbells, with a device thread behind them. It keeps to the ownership protocol
 * of {@link io.doorbell.host.QueuePair} as a driver has to, and its doorbell page outlives every lease, so that a test can
 * look through the parent's view at what a stale holder stored.
 */
public final class TestController implements NvmeController, AutoCloseable {
    private static final int DOORBELL_BYTES = 4;
    static final VarHandle DOORBELL = JAVA_INT.varHandle().withInvokeExactBehavior();

    private final TransportId id;
    private final int queuePairs;
    private final NativeMemory doorbells;
    private final BitSet usedIds = new BitSet();
    private final Map<Integer, TestQueuePair> onDevice = new ConcurrentHashMap<>();
    private final List<ControllerListener> listeners = new CopyOnWriteArrayList<>();
    private final Thread device;
    private volatile ControllerState state = ControllerState.READY;
    private volatile boolean running = true;

    // What a test may ask of it.
    /** The device answers commands. */
    public volatile boolean answering = true;
    /** The device heeds Abort. */
    volatile boolean heedsAbort = true;
    /** Create I/O Submission Queue fails. */
    volatile boolean refusesQueues;
    /** The next queue pair is lost as soon as it is made. */
    volatile boolean losesNext;

    /** Neither the deletion of queues nor a reset comes to an end that the driver would vouch for. */
    volatile boolean keepsQueues;
    /** The driver throws when it is told that the fence has fallen. */
    volatile boolean breaksAtTheFence;
    /** The driver's classes are gone for whoever asks what this queue pair did; 0 for none. */
    volatile int countsNoMore;
    /** Done by an owner between the owner check and its stores. */
    volatile Runnable betweenCheckAndStores = () -> {};
    /** Done before queues are deleted. */
    volatile Runnable beforeDelete = () -> {};
    /** Done before a queue pair gets an owner. */
    volatile Runnable beforeOwn = () -> {};
    /** So many queue pairs are refused, as by a controller that is about to be reset and does not say so yet. */
    final AtomicInteger refusalsBeforeReset = new AtomicInteger();
    /** So many queue pairs go with a reset before anybody has them. */
    final AtomicInteger lostWhenMade = new AtomicInteger();
    /** Waited for before a queue pair is made. */
    volatile CountDownLatch beforeCreate = new CountDownLatch(0);

    public final AtomicInteger liveAllocations = new AtomicInteger();
    public final AtomicInteger liveQueuePairs = new AtomicInteger();

    public TestController(String name, int queuePairs) {
        this.id = TransportId.emulated(name);
        this.queuePairs = queuePairs;
        doorbells = NativeMemory.allocate((long) (queuePairs + 1) * 2 * DOORBELL_BYTES);
        device = Thread.ofPlatform().name("device-" + name).daemon().start(this::serve);
    }

    private void serve() {
        while (running) {
            int work = 0;
            if (answering) {
                for (var queuePair : onDevice.values()) {
                    work += queuePair.serve(Status.SUCCESS);
                }
            }
            if (work == 0) {
                LockSupport.parkNanos(20_000);
            }
        }
    }

    /** The parent's view of a submission doorbell: what a stale holder stored would be seen here. */
    public int submissionDoorbell(int queueId) {
        return (int) DOORBELL.getAcquire(doorbells.segment(), doorbellOffset(queueId));
    }

    MemorySegment doorbell(int queueId) {
        return doorbells.segment().asSlice(doorbellOffset(queueId), DOORBELL_BYTES);
    }

    private static long doorbellOffset(int queueId) {
        return 2L * queueId * DOORBELL_BYTES;
    }

    void change(ControllerState to, String why) {
        state = to;
        tell(to, why);
    }

    /** A reset from beginning to end, of which nobody has heard yet. */
    void resetUnheard() {
        onDevice.values().forEach(queuePair -> queuePair.lost = true);
    }

    void tell(ControllerState to, String why) {
        listeners.forEach(listener -> listener.stateChanged(this, to, why));
    }

    @Override
    public TransportId transportId() {
        return id;
    }

    @Override
    public ControllerInfo info() {
        return new ControllerInfo("T1", "test", "1", 0x20100, 1, 131_072, queuePairs, 1024, false, new byte[4096]);
    }

    @Override
    public ControllerState state() {
        return state;
    }

    @Override
    public List<NvmeNamespace> namespaces() {
        return List.of();
    }

    @Override
    public AdminCompletion admin(NvmCommand command, MemorySegment data, Duration bound) {
        throw new AssertionError("no admin commands here");
    }

    @Override
    public QueuePairControl createQueuePair(QueuePairOptions options, Arena arena) {
        try {
            beforeCreate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NvmeException(NvmeException.Kind.GIVE_UP, "create a queue pair", "interrupted");
        }
        if (refusalsBeforeReset.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            throw new NvmeException(
                    NvmeException.Kind.RESET, "create a queue pair", "the controller is about to be reset");
        }
        int queueId;
        synchronized (this) {
            queueId = usedIds.nextClearBit(1);
            if (refusesQueues || state != ControllerState.READY || queueId > queuePairs) {
                throw new NvmeException(
                        NvmeException.Kind.GIVE_UP, "create a queue pair", "the test says no, " + state);
            }
            usedIds.set(queueId);
        }
        DOORBELL.setRelease(doorbell(queueId), 0L, 0);
        liveQueuePairs.incrementAndGet();
        var queuePair = new TestQueuePair(
                this, queueId, options, arena, MemoryView.within(doorbell(queueId), arena), doorbell(queueId));
        queuePair.lost = lostWhenMade.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
        onDevice.put(queueId, queuePair);
        return queuePair.control();
    }

    /** Delete I/O Submission Queue and Completion Queue: when it returns the device does not touch the rings any more. */
    boolean delete(TestQueuePair queuePair) {
        beforeDelete.run();
        if (keepsQueues && !queuePair.lost) {
            throw new NvmeException(
                    NvmeException.Kind.RETRY, "delete queue " + queuePair.queueId(), "the test says no");
        }
        onDevice.remove(queuePair.queueId(), queuePair);
        queuePair.awaitNotServed();
        return state == ControllerState.READY;
    }

    synchronized void forget(int queueId) {
        usedIds.clear(queueId);
        liveQueuePairs.decrementAndGet();
    }

    @Override
    public DmaAllocation allocateDma(long bytes, Arena arena) {
        var memory = NativeMemory.allocate(bytes);
        var view = new DmaMemory(
                MemoryView.within(memory.segment(), arena), memory.segment().address());
        liveAllocations.incrementAndGet();
        return new DmaAllocation() {
            @Override
            public DmaMemory memory() {
                return view;
            }

            @Override
            public void close() {
                memory.close();
                liveAllocations.decrementAndGet();
            }
        };
    }

    @Override
    public void addListener(ControllerListener listener) {
        listeners.add(listener);
    }

    @Override
    public void removeListener(ControllerListener listener) {
        listeners.remove(listener);
    }

    @Override
    public void reset(String reason) {
        throw new AssertionError("nobody resets here");
    }

    @Override
    public void close() {
        running = false;
        try {
            device.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        doorbells.close();
    }
}
