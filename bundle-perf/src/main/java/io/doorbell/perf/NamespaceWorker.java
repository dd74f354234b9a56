package io.doorbell.perf;

import io.doorbell.nvme.Status;
import io.doorbell.reactor.Poller;
import java.time.Duration;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives one namespace from one core, through several queue pairs. Owner: the reactor's thread, which everything but the
 * accessors of fixed values is called on.
 *
 * <p>A closed loop: an I/O that has ended is followed by the next in the same slot, inside the completion, and goes out
 * with the doorbell that the poll rings anyway. An open loop begins I/Os when they are due.
 */
final class NamespaceWorker implements Poller {
    /** Longer than a driver takes to time a command out, abort it, and reset the controller: past that something is stuck. */
    static final Duration DRAIN_BOUND = Duration.ofSeconds(60);

    /** Reading back what was written takes no longer than the run did, and may take at least so long. */
    static final Duration READ_BACK_AT_LEAST = Duration.ofSeconds(10);

    /** When only the number of I/Os ends it. */
    private static final long NO_DEADLINE_NANOS = Duration.ofDays(365).toNanos();

    private static final int STATUS_CODES = 1 << 11;
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceWorker.class);

    private enum Phase {
        WAITING,
        WARMING_UP,
        RUNNING,
        DRAINING,
        READING_BACK,
        DRAINING_READ_BACK,
        ENDED
    }

    /** What a worker tells the run; on the reactor's thread, so it must not block. */
    interface Events {
        /** Nothing is in flight any more, or it has failed. Once. */
        void ended(NamespaceWorker worker);

        void failed(NamespaceWorker worker, String why);

        /** One of the failed I/Os, as {@code -Q} asks for. */
        void ioFailed(String what);

        /** Its lease ends, and it would like to have another. */
        void laneLost(Lane lane, String why);
    }

    private final PerfOptions options;
    private final Target target;
    private final IoLayout layout;
    private final int core;
    private final Events events;
    private final Lane[] lanes;
    private final Verifier verifier;
    private final int maxCompletions;
    private final boolean openLoop;

    // Of the I/O path, and shared with the lanes.
    /** I/Os that end now count, and are followed by others. */
    boolean measuring;
    /** Slots that are not idle. */
    int active;

    long interrupted;
    private long batchNanos;
    private long remaining;
    private final LatencyRecorder reads = new LatencyRecorder();
    private final LatencyRecorder writes = new LatencyRecorder();

    // Of the open loop: the next I/O is due at dueNanos, and then one every intervalNanos and a fraction of 2^-32 ns.
    private final long intervalNanos;
    private final long intervalFraction;
    private long dueNanos;
    private long dueFraction;
    private int nextLane;
    private long neverBegun;

    private Phase phase = Phase.WAITING;
    /** When the present phase is over. */
    private long deadlineNanos;

    private long measuredFromNanos;
    private long measuredNanos;
    private final long[] failures = new long[STATUS_CODES];
    private long failedIos;

    /**
     * @param core what is shown
     * @param worker number of this worker among all of the run, 0 and up
     * @param workers how many there are: they share the rate
     */
    NamespaceWorker(
            PerfOptions options, Target target, IoRegion region, int core, int worker, int workers, Events events) {
        this.options = options;
        this.target = target;
        this.layout = IoLayout.of(options, target.namespace());
        this.core = core;
        this.events = events;
        this.maxCompletions = options.maxCompletions();
        this.openLoop = options.openLoop();
        this.verifier = options.verify() ? new Verifier(options, target, region.ioCount()) : null;
        var generator = new IoGenerator(options, region, options.verify() ? options.ioDepth() : 0, worker);
        this.lanes = new Lane[options.queuePairs()];
        var firstSlot = 0;
        for (var i = 0; i < lanes.length; i++) {
            var slots = options.ioDepth() / lanes.length + (i < options.ioDepth() % lanes.length ? 1 : 0);
            lanes[i] = new Lane(this, generator, verifier, i, firstSlot, slots);
            firstSlot += slots;
        }
        this.remaining =
                options.ioLimit() == null ? Long.MAX_VALUE : options.ioLimit().ios(region.ioCount());
        if (openLoop) {
            var interval = workers * 1e9 / options.rate();
            this.intervalNanos = (long) interval;
            this.intervalFraction = (long) ((interval - intervalNanos) * (1L << 32));
            // The workers take turns.
            this.dueNanos = (long) (interval * worker / workers);
        } else {
            this.intervalNanos = 0;
            this.intervalFraction = 0;
        }
    }

    Target target() {
        return target;
    }

    int core() {
        return core;
    }

    int ioBytes() {
        return options.ioBytes();
    }

    IoLayout layout() {
        return layout;
    }

    Lane[] lanes() {
        return lanes;
    }

    /** As in {@code EMULATED (nvme0) NSID 1 on core 0}. */
    String name() {
        return target.name() + " on core " + core;
    }

    void start() {
        if (phase != Phase.WAITING) {
            return;
        }
        var now = System.nanoTime();
        measuring = true;
        if (options.warmupNanos() > 0) {
            phase = Phase.WARMING_UP;
            deadlineNanos = now + options.warmupNanos();
        } else {
            run(now);
        }
        dueNanos += now;
        if (!openLoop) {
            for (var lane : lanes) {
                lane.fill();
                lane.commit();
            }
        }
    }

    /** Ends early; what is in flight drains. */
    void stop() {
        switch (phase) {
            case WAITING -> end();
            case WARMING_UP -> {
                clear(System.nanoTime());
                drain(System.nanoTime());
            }
            case RUNNING -> drain(System.nanoTime());
            case READING_BACK -> endReadBack(System.nanoTime());
            case DRAINING, DRAINING_READ_BACK, ENDED -> {}
        }
    }

    void fail(String why) {
        if (phase != Phase.ENDED) {
            events.failed(this, name() + ": " + why);
            freeze(System.nanoTime());
            end();
        }
    }

    @Override
    public int poll(long nowNanos) {
        try {
            return cycle(nowNanos);
        } catch (RuntimeException e) {
            if (phase == Phase.ENDED) {
                throw e;
            }
            LOG.error("{}", name(), e);
            fail(e.toString());
            return 0;
        }
    }

    private int cycle(long nowNanos) {
        var work = 0;
        for (var lane : lanes) {
            work += lane.poll(maxCompletions);
        }
        if (openLoop && measuring) {
            work += beginDue();
        }
        if (active == 0 || nowNanos - deadlineNanos >= 0) {
            step(System.nanoTime());
        }
        return work;
    }

    @Override
    public boolean readyToPark() {
        // With I/Os in flight nobody would wake us, unless they interrupt. Without a queue pair the next one comes as a
        // task, and so does the start.
        return switch (phase) {
            case WAITING -> true;
            case ENDED -> active == 0 || lanesMayPark();
            default -> lanesMayPark();
        };
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        long limitNanos = deadlineNanos - nowNanos;
        if (openLoop && measuring) {
            limitNanos = Math.min(limitNanos, dueNanos - nowNanos);
        }
        for (var lane : lanes) {
            limitNanos = Math.min(limitNanos, lane.parkLimitNanos());
        }
        return Math.max(0, limitNanos);
    }

    private boolean lanesMayPark() {
        for (var lane : lanes) {
            if (!lane.mayPark()) {
                return false;
            }
        }
        return true;
    }

    void beginBatch() {
        batchNanos = 0;
    }

    /** The clock, read once for all completions of one poll, and not at all when there are none. */
    long batchNanos() {
        var now = batchNanos;
        if (now == 0) {
            now = System.nanoTime();
            batchNanos = now;
        }
        return now;
    }

    void record(boolean write, long nanos) {
        if (write) {
            writes.record(nanos);
        } else {
            reads.record(nanos);
        }
    }

    /** Whether the slot of an I/O that has ended goes on with another; counts that one. */
    boolean takeNext() {
        if (openLoop || remaining == 0) {
            return false;
        }
        remaining--;
        return true;
    }

    boolean draining() {
        return !measuring && phase != Phase.READING_BACK;
    }

    boolean readingBack() {
        return phase == Phase.READING_BACK;
    }

    void countFailure(boolean write, long slba, int status) {
        failures[Status.code(status)]++;
        failedIos++;
        if (options.tellEachFailed() > 0 && failedIos % options.tellEachFailed() == 0) {
            events.ioFailed(name() + ": " + (write ? "write" : "read") + " of LBA " + Long.toUnsignedString(slba) + ": "
                    + new Status(status) + ", the " + failedIos + ". that failed");
        }
    }

    void laneLost(Lane lane, String why) {
        events.laneLost(lane, why);
    }

    /** Whether a lane without a lease needs one. */
    boolean needsLanes() {
        return switch (phase) {
            case WAITING, WARMING_UP, RUNNING, READING_BACK -> true;
            case DRAINING -> readsBack();
            case DRAINING_READ_BACK, ENDED -> false;
        };
    }

    WorkerResult result() {
        var failed = new TreeMap<Integer, Long>();
        for (var code = 0; code < STATUS_CODES; code++) {
            if (failures[code] > 0) {
                failed.put(code, failures[code]);
            }
        }
        var nanos = phase == Phase.RUNNING ? System.nanoTime() - measuredFromNanos : measuredNanos;
        return new WorkerResult(
                target,
                core,
                options.ioBytes(),
                nanos / 1e9,
                reads.snapshot(),
                writes.snapshot(),
                failed,
                interrupted,
                neverBegun,
                verifier == null ? Verification.NONE : verifier.result());
    }

    private int beginDue() {
        var now = System.nanoTime();
        var begun = 0;
        while (dueNanos - now <= 0 && remaining > 0) {
            var lane = laneWithIdle();
            if (lane == null) {
                break;
            }
            remaining--;
            begun++;
            lane.begin(dueNanos);
            dueNanos += intervalNanos;
            dueFraction += intervalFraction;
            dueNanos += dueFraction >>> 32;
            dueFraction &= 0xFFFF_FFFFL;
        }
        if (begun > 0) {
            for (var lane : lanes) {
                lane.commit();
            }
        }
        return begun;
    }

    private Lane laneWithIdle() {
        for (var tries = 0; tries < lanes.length; tries++) {
            var lane = lanes[nextLane];
            nextLane = nextLane + 1 == lanes.length ? 0 : nextLane + 1;
            if (lane.hasIdle()) {
                return lane;
            }
        }
        return null;
    }

    /** Goes on to the next phase, if it is time. */
    private void step(long now) {
        var late = now - deadlineNanos >= 0;
        switch (phase) {
            case WAITING, ENDED -> deadlineNanos = now + NO_DEADLINE_NANOS;
            case WARMING_UP -> {
                if (late) {
                    clear(now);
                    run(now);
                }
            }
            case RUNNING -> {
                if (late || (remaining == 0 && active == 0)) {
                    drain(now);
                }
            }
            case DRAINING -> {
                if (active == 0) {
                    drained(now);
                } else if (late) {
                    fail(active + " I/Os did not end within " + DRAIN_BOUND.toSeconds() + " s");
                }
            }
            case READING_BACK, DRAINING_READ_BACK -> {
                if (active == 0) {
                    end();
                } else if (late && phase == Phase.READING_BACK) {
                    endReadBack(now);
                } else if (late) {
                    fail(active + " reads did not end within " + DRAIN_BOUND.toSeconds() + " s");
                }
            }
        }
    }

    private void run(long now) {
        phase = Phase.RUNNING;
        measuredFromNanos = now;
        deadlineNanos = now + (options.timeNanos() == 0 ? NO_DEADLINE_NANOS : options.timeNanos());
    }

    private void clear(long now) {
        reads.clear();
        writes.clear();
        interrupted = 0;
        measuredFromNanos = now;
    }

    private void drain(long now) {
        freeze(now);
        phase = Phase.DRAINING;
        deadlineNanos = now + DRAIN_BOUND.toNanos();
        dropHeld();
        if (active == 0) {
            drained(now);
        }
    }

    private void freeze(long now) {
        if (measuring) {
            measuring = false;
            measuredNanos = now - measuredFromNanos;
            if (openLoop && remaining > 0 && now - dueNanos > 0) {
                neverBegun = (long) ((now - dueNanos) / (intervalNanos + intervalFraction * 0x1.0p-32));
            }
        }
    }

    private void drained(long now) {
        if (!readsBack()) {
            end();
            return;
        }
        phase = Phase.READING_BACK;
        deadlineNanos = now + Math.max(READ_BACK_AT_LEAST.toNanos(), options.timeNanos());
        for (var lane : lanes) {
            lane.beginReadBack();
        }
    }

    private boolean readsBack() {
        return verifier != null && options.readPercent() < 100;
    }

    private void endReadBack(long now) {
        phase = Phase.DRAINING_READ_BACK;
        deadlineNanos = now + DRAIN_BOUND.toNanos();
        verifier.leaveRestUnchecked();
        dropHeld();
    }

    private void dropHeld() {
        for (var lane : lanes) {
            lane.dropHeld();
        }
    }

    private void end() {
        phase = Phase.ENDED;
        measuring = false;
        deadlineNanos = System.nanoTime() + NO_DEADLINE_NANOS;
        events.ended(this);
    }
}
