package io.doorbell.driver;

import io.doorbell.nvme.Status;
import io.doorbell.statistics.LatencyRecorder;
import io.doorbell.statistics.LatencySnapshot;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * The commands in flight on one queue pair. Plain arrays by slot, made once: nothing is allocated for a command.
 *
 * <p>A command id is a slot in its low bits and a generation above. The generation of a slot grows with each command, so
 * that an id which was answered already, or which the device made up, does not name the command that has the slot now.
 *
 * <p>Owner: the thread that owns the queue pair. {@link #inFlight} and {@link #idInFlight} may be read by any thread.
 */
public final class Trackers {
    /** In {@link #ids}: no command has the slot. No command id either: those have 16 bits. */
    public static final int NONE = -1;

    /** In {@link #ids}, above the command id: part of a command that ends as one with others; it has a parent. */
    public static final int PART = 1 << 16;

    /** In {@link #ids}: took too long, and that was told. */
    public static final int LATE = 1 << 17;

    /** In {@link #ids}: not with the device, but among {@link DeferredCommands}. */
    public static final int DEFERRED = 1 << 18;

    /** In {@link #ids}: was with the device before. */
    public static final int RETRIED = 1 << 19;

    /** In {@link #ids}: its end is to be replaced. */
    public static final int INJECTED = 1 << 20;

    public static final int CID_MASK = 0xFFFF;

    private static final VarHandle FREE_COUNT;
    private static final VarHandle IDS =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    static {
        try {
            FREE_COUNT = MethodHandles.lookup()
                    .findVarHandle(Trackers.class, "freeCount", int.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Command ids to use next. A stack: the slots in use stay few, and their cache lines warm. */
    public final int[] freeIds;

    public int freeCount;

    /** By slot: the command id in flight and its flags, or {@link #NONE}. As long as {@link #slotMask} says. */
    public final int[] ids;

    public final long[] tokens;

    /** By slot: {@link CoarseClock} at submission, for timeouts. */
    public final int[] ticks;

    public final int slotMask;
    public final int generationStep;

    /** The one command that is being timed, or {@link #NONE}. */
    private int timedSlot = NONE;

    /** Commands that are not timed before the next one is. */
    private int untimed;

    /** Clock when a command was timed last. */
    private int timedTick = -1;

    // Cold from here on.

    private long timedNanos;
    private final LatencyRecorder latency = new LatencyRecorder();

    // Commands of several parts.

    /** By slot, where {@link #PART} is set: index of the parent. */
    private final int[] parents;

    private final long[] parentTokens;
    private final int[] parentPartsLeft;
    private final int[] parentStatus;
    private final long[] parentResult;
    private final int[] freeParents;
    private int freeParentCount;

    public Trackers(int depth) {
        // With one slot less than a power of two, all bits set is no command id: FFFFh means "no command" in error
        // logs.
        int slots = Math.max(2, Integer.highestOneBit(depth) << 1);
        slotMask = slots - 1;
        generationStep = slots & CID_MASK;
        ids = new int[slots];
        Arrays.fill(ids, NONE);
        tokens = new long[slots];
        ticks = new int[slots];
        parents = new int[slots];
        freeIds = new int[depth];
        for (int slot = 0; slot < depth; slot++) {
            freeIds[depth - 1 - slot] = slot;
        }
        freeCount = depth;
        // Each has a part in flight, and the last to come needs two slots more than all others hold.
        int mostParents = depth - 1;
        parentTokens = new long[mostParents];
        parentPartsLeft = new int[mostParents];
        parentStatus = new int[mostParents];
        parentResult = new long[mostParents];
        freeParents = new int[mostParents];
        for (int parent = 0; parent < mostParents; parent++) {
            freeParents[parent] = parent;
        }
        freeParentCount = mostParents;
    }

    public int depth() {
        return freeIds.length;
    }

    /** Any thread. */
    public int inFlight() {
        return freeIds.length - (int) FREE_COUNT.getAcquire(this);
    }

    /** The command id that the command after {@code ahead} others will have; there are that many free. */
    public int nextId(int ahead) {
        return freeIds[freeCount - 1 - ahead];
    }

    /** Takes the next id, {@link #nextId}{@code (0)}, into use. */
    public void begin(int cid, long token, int tick) {
        int slot = cid & slotMask;
        freeCount--;
        ids[slot] = cid;
        tokens[slot] = token;
        ticks[slot] = tick;
        if (timedSlot == NONE && (--untimed < 0 || tick != timedTick)) {
            beginTiming(slot, tick);
        }
    }

    private void beginTiming(int slot, int tick) {
        untimed = LatencyRecorder.TIMED_EVERY - 1;
        timedTick = tick;
        timedSlot = slot;
        timedNanos = System.nanoTime();
    }

    private void endTiming() {
        timedSlot = NONE;
        latency.record(System.nanoTime() - timedNanos);
    }

    /** From when an entry was written until its completion was seen, of some commands. Any thread. */
    public LatencySnapshot latency() {
        return latency.snapshot();
    }

    /** Gives a slot back, with the id its next command will have. */
    public void end(int slot, int cid) {
        ids[slot] = NONE;
        freeIds[freeCount++] = cid + generationStep & CID_MASK;
        if (slot == timedSlot) {
            endTiming();
        }
    }

    /** The id that the command in a slot has when it is submitted again. */
    int idAgain(int slot) {
        return (ids[slot] & CID_MASK) + generationStep & CID_MASK;
    }

    /** The command in a slot gets {@link #idAgain}, to be submitted again, and its time begins anew. */
    public int again(int slot, int tick) {
        int id = ids[slot];
        int cid = id + generationStep & CID_MASK;
        ids[slot] = cid | id & PART | RETRIED;
        ticks[slot] = tick;
        return cid;
    }

    public int slot(int cid) {
        return cid & slotMask;
    }

    public int generation(int cid) {
        return cid >>> Integer.bitCount(slotMask);
    }

    /** Command id in flight in a slot, or {@link #NONE}; any thread, for looking around. */
    public int idInFlight(int slot) {
        int id = (int) IDS.getOpaque(ids, slot);
        return id == NONE ? NONE : id & CID_MASK;
    }

    /** As {@link #idInFlight}, of a command that is late. */
    public int lateId(int slot) {
        int id = (int) IDS.getOpaque(ids, slot);
        return id == NONE || (id & LATE) == 0 ? NONE : id & CID_MASK;
    }

    /** A parent for {@code parts} commands. There is always one free while there are slots for two parts. */
    public int beginParent(long token, int parts) {
        int parent = freeParents[--freeParentCount];
        parentTokens[parent] = token;
        parentPartsLeft[parent] = parts;
        parentStatus[parent] = 0;
        parentResult[parent] = 0;
        return parent;
    }

    /** As {@link #begin}, for a part of {@code parent}. */
    public void beginPart(int cid, int parent, int tick) {
        begin(cid, 0, tick);
        int slot = cid & slotMask;
        ids[slot] = cid | PART;
        parents[slot] = parent;
    }

    /**
     * A part has ended.
     *
     * @return the parent if this was its last part, else {@link #NONE}; give it back by {@link #endParent}
     */
    public int endPart(int slot, int cid, int status, long result) {
        int parent = parents[slot];
        end(slot, cid);
        if (status != 0 && outranks(status, parentStatus[parent])) {
            parentStatus[parent] = status;
            parentResult[parent] = result;
        }
        return --parentPartsLeft[parent] == 0 ? parent : NONE;
    }

    /** The first error is the command's; only that a fused command failed says less than why its other half did. */
    private static boolean outranks(int status, int known) {
        return known == 0 || isConsequence(known) && !isConsequence(status);
    }

    private static boolean isConsequence(int status) {
        int code = Status.code(status);
        return code == Status.ABORTED_FAILED_FUSED || code == Status.ABORTED_MISSING_FUSED;
    }

    public long parentToken(int parent) {
        return parentTokens[parent];
    }

    public int parentStatus(int parent) {
        return parentStatus[parent];
    }

    public long parentResult(int parent) {
        return parentResult[parent];
    }

    public void endParent(int parent) {
        freeParents[freeParentCount++] = parent;
    }
}
