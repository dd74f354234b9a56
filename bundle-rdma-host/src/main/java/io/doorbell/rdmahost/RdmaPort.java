package io.doorbell.rdmahost;

import io.doorbell.driver.Signs;
import io.doorbell.fabrics.host.HostLink;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.reactor.Poller;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.MemoryWindow;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a connection that the wire is at: sends the commands of a {@link RdmaLink}, receives their answers. One queue pair of the device, a
 * receive for each command that may be outstanding, a window for each slot.
 *
 * <p>A command goes out as at most two requests: one that binds the slot's window to its data, under a new key, and its capsule. It has ended when
 * the capsule was acknowledged, so that its memory may be written again, the answer has come, and the window is shut: by the target, which
 * was asked to, or else by a request of ours. A receive is posted again before the answer is handed on.
 *
 * <p>What the target says is compared: the length of an answer, its command, which is to be in flight and not answered before, the key that it
 * invalidates. A breach is the end of the connection.
 *
 * <p>Owner: its reactor, but for what says otherwise.
 */
final class RdmaPort implements Poller, ConnectionListener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RdmaPort.class);

    // Its memory: the word by which commands are handed over, their entries, answers.
    static final long DOORBELL = 0;
    private static final int ENTRIES = 64;

    private static final int NONE = -1;

    // What a completion is of, above the slot, or the receive, in its id.
    private static final int KIND_SHIFT = 32;
    private static final long RECEIVE = 0;
    private static final long CAPSULE = 1;
    private static final long SHUT = 2;
    private static final long OPENED = 3;

    /** Of each command: a bind, a capsule, a local invalidation. */
    private static final int SENDS_PER_COMMAND = 3;

    // What there is still to come of a command, in {@link #missing}.
    private static final int ACKNOWLEDGEMENT = 1;
    private static final int ANSWER = 1 << 1;
    /** The window is open, or being shut. */
    private static final int INVALIDATION = 1 << 2;

    private static final VarHandle DOORBELL_WORD =
            ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();

    private final String name;
    private final HostReactor thread;
    private final RegisteredMemory registered;
    private final int slots;
    private final int receives;
    private final int capsulePieces;
    private final NativeMemory mapping;
    private final MemorySegment memory;
    private final MemoryRegion region;
    private final CompletionQueue queue;
    private final VerbsQueuePair pair;
    private final MemoryWindow[] windows;
    private final int[] windowKeys;
    private final long answerBase;

    private RdmaLink link;
    private int head;

    // By slot.
    private final int[] flying;
    private final int[] missing;
    private final int[] statuses;
    private final long[] results;

    /** Slots whose windows are to be shut. */
    private final int[] toShut;

    private int toShutCount;

    /** Receives that are to be posted again. */
    private final int[] returned;

    private int returnedCount;

    /** Signalled for answers, when {@link #armed}, or always; null where nobody sleeps. */
    private volatile EventFd sign;

    private boolean signsAlways;

    // Others look, or write.
    private volatile boolean armed;
    private volatile String broken;
    private volatile boolean breach;
    private volatile String lost;
    private volatile Connection connection;

    /**
     * Any thread.
     *
     * @param entries of the queue that it is to be
     * @param slots a power of two
     */
    RdmaPort(
            String name,
            HostReactor thread,
            RegisteredMemory registered,
            VerbsDevice device,
            ProtectionDomain domain,
            int entries,
            int slots) {
        this.name = name;
        this.thread = thread;
        this.registered = registered;
        this.slots = slots;
        receives = entries;
        capsulePieces = segments(device) - 1;
        flying = new int[slots];
        Arrays.fill(flying, NONE);
        missing = new int[slots];
        statuses = new int[slots];
        results = new long[slots];
        toShut = new int[slots];
        returned = new int[receives];
        windows = new MemoryWindow[slots];
        windowKeys = new int[slots];
        answerBase = entry(slots);
        try (var parts = new Parts()) {
            mapping = parts.add(NativeMemory.allocate(
                    answerBase + (long) receives * CompletionEntry.SIZE_BYTES, MappingOptions.ORDINARY));
            memory = mapping.segment();
            region = parts.add(domain.register(memory, Access.LOCAL_WRITE));
            for (int slot = 0; slot < slots; slot++) {
                windows[slot] = parts.add(domain.allocateWindow());
                windowKeys[slot] = windows[slot].remoteKey();
            }
            queue = parts.add(device.createCompletionQueue(thread.reactor, SENDS_PER_COMMAND * slots + receives));
            pair = device.createQueuePair(new QueuePairSetup(
                    domain, queue, queue, null, SENDS_PER_COMMAND * slots, receives, segments(device)));
            // Also of what has begun when it was waited for in vain.
            parts.add(() -> HostReactor.insist(() -> {
                pair.close();
                thread.reactor.remove(this);
            }));
            thread.run(this::begin);
            thread.reactor.add(this);
            parts.keep();
        }
    }

    /** Pieces of memory of one request: a command and data. */
    static int segments(VerbsDevice device) {
        return Math.min(HostLink.MAX_PIECES, device.limits().maxSegments());
    }

    /** Where the 64 bytes of a slot's command are in the memory. */
    static long entry(int slot) {
        return ENTRIES + (long) slot * SubmissionEntry.SIZE_BYTES;
    }

    private void begin() {
        link = new RdmaLink(this, memory, null, 0, 0);
        for (int i = 0; i < receives; i++) {
            returned[returnedCount++] = i;
        }
        postReceives();
    }

    // ------ any thread

    int slots() {
        return slots;
    }

    int capsulePieces() {
        return capsulePieces;
    }

    RegisteredMemory registered() {
        return registered;
    }

    /** The key that the window of a slot had last. While nothing is in flight. */
    int windowKey(int slot) {
        return windowKeys[slot];
    }

    VerbsQueuePair pair() {
        return pair;
    }

    MemorySegment memory() {
        return memory;
    }

    void connected(Connection made) {
        connection = made;
    }

    void wake() {
        thread.reactor.wake();
    }

    /** Commands come by another link from now on, and none by the one before. While nothing is in flight. Waits. */
    void use(RdmaLink next, EventFd signed, boolean always) {
        thread.run(() -> {
            sign = signed;
            signsAlways = always;
            link = next;
            head = 0;
            DOORBELL_WORD.setRelease(memory, DOORBELL, 0);
        });
    }

    /** A link for who needs no lease: one command at a time, and the admin queue. */
    RdmaLink ownLink(EventFd signed) {
        var made = new RdmaLink(this, memory, null, 0, 0);
        use(made, signed, true);
        return made;
    }

    /** Why it has ended; null while it has not. */
    String broken() {
        var why = broken;
        return why == null ? lost : why;
    }

    /** Whether it has ended because the target broke the protocol. */
    boolean isBreach() {
        return breach;
    }

    /** Asks for a signal. Returns whether there is something already. */
    boolean arm(AnswerRing answers) {
        armed = true;
        VarHandle.fullFence();
        return !answers.isEmpty() || broken() != null;
    }

    @Override
    public void disconnected(String reason) {
        lose("the connection has ended: " + reason);
    }

    private void lose(String reason) {
        if (lost == null) {
            lost = reason;
        }
        Signs.signal(sign);
    }

    /**
     * The target reaches nothing any more when this returns. Idempotent.
     *
     * @throws IllegalStateException when our reactor does not come round; it may be tried again
     */
    void shutdown() {
        lose("the initiator has ended the connection");
        var made = connection;
        if (made != null) {
            made.disconnect();
        }
        HostReactor.insist(pair::close);
    }

    /** Frees all of it, after a {@link #shutdown}. Likewise. */
    @Override
    public void close() {
        shutdown();
        HostReactor.insist(() -> thread.reactor.remove(this));
        for (var window : windows) {
            window.close();
        }
        queue.close();
        region.close();
        mapping.close();
    }

    // ------ the cycle

    @Override
    public int poll(long nowNanos) {
        if (broken != null) {
            return 0;
        }
        try {
            int work = take() + send();
            if (!link.answers.isPublished() || returnedCount > 0) {
                // First: who gets an answer may send the next command.
                postReceives();
                publish();
            }
            return work;
        } catch (RuntimeException defect) {
            LOG.error("{} fails by a defect", name, defect);
            fail("a defect of the initiator", false);
            return 1;
        }
    }

    private int take() {
        var completions = thread.completions;
        int count = queue.poll(completions);
        for (int i = 0; i < count && broken == null; i++) {
            long id = completions.id(i);
            int which = (int) id;
            if (completions.status(i) != Completions.SUCCESS) {
                fail(why(completions.status(i)), false);
            } else if (id >>> KIND_SHIFT == RECEIVE) {
                boolean invalidates = (completions.flags(i) & Completions.WITH_INVALIDATE) != 0;
                answered(which, completions.bytes(i), invalidates, invalidates ? completions.invalidatedKey(i) : 0);
            } else {
                came(which, id >>> KIND_SHIFT == CAPSULE ? ACKNOWLEDGEMENT : INVALIDATION);
            }
        }
        return count;
    }

    /** What is flushed only tells that something was before. */
    private String why(int status) {
        if (status != Completions.FLUSHED) {
            return "a request ended by " + Completions.describe(status);
        }
        var known = lost;
        return known == null ? "the connection has ended" : known;
    }

    private void answered(int receive, int bytes, boolean invalidates, int key) {
        if (bytes != CompletionEntry.SIZE_BYTES) {
            fail("an answer of " + bytes + " bytes, a completion has " + CompletionEntry.SIZE_BYTES, true);
            return;
        }
        long at = answerBase + (long) receive * CompletionEntry.SIZE_BYTES;
        long tail = CompletionEntry.tail(memory, at);
        int cid = CompletionEntry.cid(tail);
        int slot = cid & slots - 1;
        if (flying[slot] != cid || (missing[slot] & ANSWER) == 0) {
            fail(String.format("an answer to command %04Xh, which is not in flight", cid), true);
            return;
        }
        boolean open = (missing[slot] & INVALIDATION) != 0;
        if (invalidates && (!open || key != link.keys[slot])) {
            fail(
                    String.format(
                            "the answer to command %04Xh invalidates the key %08Xh, which is not that command's",
                            cid, key),
                    true);
            return;
        }
        statuses[slot] = CompletionEntry.status(tail);
        results[slot] = CompletionEntry.dw01(memory, at);
        returned[returnedCount++] = receive;
        if (open && !invalidates) {
            toShut[toShutCount++] = slot;
        }
        came(slot, invalidates ? ANSWER | INVALIDATION : ANSWER);
    }

    /** Something of a command has come; with the last it has ended. */
    private void came(int slot, int what) {
        missing[slot] &= ~what;
        if (missing[slot] == 0) {
            link.answers.put(flying[slot], statuses[slot], results[slot]);
            flying[slot] = NONE;
        }
    }

    private int send() {
        int end = (int) DOORBELL_WORD.getAcquire(memory, DOORBELL);
        if (end == head && toShutCount == 0 || broken != null) {
            return 0;
        }
        int work = 0;
        var sends = thread.sends;
        while ((end != head || toShutCount > 0) && broken == null) {
            sends.clear();
            while (toShutCount > 0 && !sends.isFull()) {
                int slot = toShut[--toShutCount];
                sends.invalidate(SHUT << KIND_SHIFT | slot, SendRequests.SIGNALED, link.keys[slot]);
            }
            while (end != head && sends.count() <= HostReactor.LIST_REQUESTS - 2) {
                stage(link.slotAt(head++));
            }
            post(sends);
            work += sends.count();
        }
        return work;
    }

    private void stage(int slot) {
        var sends = thread.sends;
        int how = link.moves[slot];
        flying[slot] = link.cids[slot];
        missing[slot] = ACKNOWLEDGEMENT | ANSWER;
        if ((how & RdmaLink.WINDOW) != 0) {
            missing[slot] |= INVALIDATION;
            windowKeys[slot] = link.keys[slot];
            var block = link.blocks[slot];
            sends.bind(
                    OPENED << KIND_SHIFT | slot,
                    0,
                    windows[slot],
                    link.keys[slot],
                    block.region,
                    block.region.address() + link.offsets[slot],
                    link.dataBytes(slot),
                    (how & RdmaLink.TO_HOST) != 0 ? Access.REMOTE_WRITE : Access.REMOTE_READ);
        }
        sends.send(CAPSULE << KIND_SHIFT | slot, SendRequests.SIGNALED);
        sends.segment(memory.address() + entry(slot), SubmissionEntry.SIZE_BYTES, region.localKey());
        if ((how & RdmaLink.IN_CAPSULE) != 0) {
            data(sends, slot);
        }
    }

    private void data(SendRequests sends, int slot) {
        int pieces = link.pieceCount(slot);
        if (pieces == 0) {
            var block = link.blocks[slot];
            sends.segment(block.region.address() + link.offsets[slot], link.dataBytes(slot), block.region.localKey());
        }
        for (int i = 0; i < pieces; i++) {
            long iova = link.pieceIova(slot, i);
            int bytes = link.pieceBytes(slot, i);
            var piece = registered.block(iova, bytes).region;
            sends.segment(piece.address() + RegisteredMemory.offset(iova), bytes, piece.localKey());
        }
    }

    private void post(SendRequests sends) {
        int posted = pair.post(sends);
        if (posted == VerbsQueuePair.NOT_CONNECTED) {
            fail("the connection has ended", false);
        } else if (posted < sends.count()) {
            throw new IllegalStateException(posted + " of " + sends.count() + " requests found room");
        }
    }

    private void postReceives() {
        while (returnedCount > 0 && broken == null) {
            var list = thread.receives;
            list.clear();
            while (returnedCount > 0 && !list.isFull()) {
                int receive = returned[--returnedCount];
                list.receive(RECEIVE << KIND_SHIFT | receive);
                list.segment(
                        memory.address() + answerBase + (long) receive * CompletionEntry.SIZE_BYTES,
                        CompletionEntry.SIZE_BYTES,
                        region.localKey());
            }
            if (pair.postReceive(list) < list.count()) {
                // It has ended; that is told by what is flushed.
                return;
            }
        }
    }

    private void publish() {
        if (link.answers.isPublished()) {
            return;
        }
        link.answers.publish();
        var sleeper = sign;
        if (sleeper == null) {
            return;
        }
        if (signsAlways) {
            Signs.signal(sleeper);
            return;
        }
        // The answers first, then the look whether their owner sleeps.
        VarHandle.fullFence();
        if (armed) {
            armed = false;
            Signs.signal(sleeper);
        }
    }

    /** The connection is of no use any more; what was answered before still counts. */
    private void fail(String reason, boolean targetBrokeIt) {
        if (broken != null) {
            return;
        }
        link.answers.publish();
        breach = targetBrokeIt;
        broken = reason;
        Signs.signal(sign);
    }

    @Override
    public boolean readyToPark() {
        return broken != null
                || (int) DOORBELL_WORD.getVolatile(memory, DOORBELL) == head && toShutCount == 0 && queue.readyToPark();
    }

    @Override
    public int descriptor() {
        return queue.descriptor();
    }

    @Override
    public String toString() {
        return name;
    }
}
