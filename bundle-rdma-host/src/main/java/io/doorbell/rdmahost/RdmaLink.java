package io.doorbell.rdmahost;

import io.doorbell.fabrics.host.HostLink;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The end of a connection that commands come from: describes their data, and hands them to the {@link RdmaPort}, which is another thread's. NVMe
 * RDMA Transport 1.1 §3.2 "Capsules and Data Transfer".
 *
 * <p>A command has a slot. Commands become the port's by the store of a word in memory, their doorbell; answers come back in a ring. That
 * word, and the entries, are seen through a view of the lease, so no thread can hand over a command for a lease whose arena is closed, not even
 * one that is in the middle of it.
 *
 * <p>Owner: one thread at a time, but for what the port reads of a slot that was handed over.
 */
final class RdmaLink extends HostLink {
    private static final int CAPSULE_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);

    // How the data of a slot move, in {@link #moves}.
    static final int TO_HOST = 1;
    /** Behind the command, in its capsule. */
    static final int IN_CAPSULE = 1 << 1;
    /** By the target, through a window. */
    static final int WINDOW = 1 << 2;
    /** In pieces, which a window does not have: they go by a block of the slot. */
    static final int BOUNCED = 1 << 3;

    private static final VarHandle DOORBELL = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();

    private final RdmaPort port;
    private final RegisteredMemory registered;

    private final Arena arena;
    private final int mask;
    private final int inCapsuleBytes;
    final AnswerRing answers;

    // By slot. The port reads them once the slot is handed over.
    final int[] cids;
    final int[] moves;

    /** Of the window: that of the command, the last 8 bits of which are another one each time. */
    final int[] keys;

    private final int[] usedKeys;
    final RegisteredMemory.Block[] blocks;
    final long[] offsets;

    /** For data in pieces; made when a slot first has such. */
    private RegisteredMemory.Block[] bounces;

    private final int bounceBytes;

    /** Slots that are staged, or handed over. */
    private final int[] ring;

    private int tail;
    private int published;

    /**
     * @param memory of the port, as long as this may be used
     * @param arena of the same lifetime, for more memory; null where no data come in pieces
     * @param bounceBytes the longest transfer
     */
    RdmaLink(RdmaPort port, MemorySegment memory, Arena arena, int inCapsuleBytes, int bounceBytes) {
        super(memory, port.slots());
        this.port = port;
        this.arena = arena;
        this.inCapsuleBytes = inCapsuleBytes;
        this.bounceBytes = bounceBytes;
        registered = port.registered();
        int slots = slots();
        mask = slots - 1;
        answers = new AnswerRing(slots);
        cids = new int[slots];
        moves = new int[slots];
        keys = new int[slots];
        usedKeys = new int[slots];
        blocks = new RegisteredMemory.Block[slots];
        offsets = new long[slots];
        ring = new int[slots];
        for (int slot = 0; slot < slots; slot++) {
            usedKeys[slot] = port.windowKey(slot);
        }
    }

    @Override
    protected String network() {
        return "RDMA";
    }

    @Override
    public long entry(int slot) {
        return RdmaPort.entry(slot);
    }

    // ------ commands

    @Override
    public void describe(int slot, long iova, long bytes) {
        blocks[slot] = bytes == 0 ? null : registered.block(iova, bytes);
        offsets[slot] = RegisteredMemory.offset(iova);
        dataBytes[slot] = (int) bytes;
        pieceCount[slot] = 0;
    }

    @Override
    public void describePieces(int slot, long bytes) {
        if (bytes > bounceBytes) {
            throw new IllegalArgumentException(bytes + " bytes in pieces: at most " + bounceBytes);
        }
        if (bounces == null) {
            bounces = new RegisteredMemory.Block[slots()];
        }
        blocks[slot] = null;
        super.describePieces(slot, bytes);
    }

    @Override
    protected void requireMemory(long iova, long bytes) {
        registered.block(iova, bytes);
    }

    @Override
    public void seal(int slot, boolean toController) {
        long pointer = entry(slot) + SubmissionEntry.DPTR_OFFSET_BYTES;
        int bytes = dataBytes[slot];
        if (bytes == 0) {
            SglDescriptor.encodeKeyed(memory, pointer, SglDescriptor.SUBTYPE_ADDRESS, 0, 0, 0);
            moves[slot] = 0;
            return;
        }
        int pieces = pieceCount[slot];
        if (toController && bytes <= inCapsuleBytes && pieces <= port.capsulePieces()) {
            SglDescriptor.encode(memory, pointer, CAPSULE_SGL, 0, bytes);
            moves[slot] = IN_CAPSULE;
            return;
        }
        int how = WINDOW | (toController ? 0 : TO_HOST);
        if (pieces > 0) {
            how |= BOUNCED;
            bounce(slot, toController);
        }
        int key = successor(usedKeys[slot]);
        long address = blocks[slot].region.address() + offsets[slot];
        SglDescriptor.encodeKeyed(memory, pointer, SglDescriptor.SUBTYPE_INVALIDATE_KEY, address, bytes, key);
        keys[slot] = key;
        moves[slot] = how;
    }

    private static int successor(int key) {
        return key & ~0xFF | key + 1 & 0xFF;
    }

    private static int predecessor(int key) {
        return key & ~0xFF | key - 1 & 0xFF;
    }

    private void bounce(int slot, boolean toController) {
        if (bounces[slot] == null) {
            bounces[slot] = registered.allocate(bounceBytes, arena); // Rarely: it is kept for the next one.
        }
        blocks[slot] = bounces[slot];
        offsets[slot] = 0;
        if (toController) {
            movePieces(slot, true);
        }
    }

    private void movePieces(int slot, boolean intoBounce) {
        var bounce = bounces[slot].view;
        long at = 0;
        for (int i = 0; i < pieceCount[slot]; i++) {
            long iova = pieceIova(slot, i);
            int bytes = pieceBytes(slot, i);
            var piece = registered.block(iova, bytes).view;
            long offset = RegisteredMemory.offset(iova);
            if (intoBounce) {
                MemorySegment.copy(piece, offset, bounce, at, bytes);
            } else {
                MemorySegment.copy(bounce, at, piece, offset, bytes);
            }
            at += bytes;
        }
    }

    @Override
    public void stage(int slot, int cid) {
        cids[slot] = cid;
        if ((moves[slot] & WINDOW) != 0) {
            usedKeys[slot] = keys[slot];
        }
        ring[tail++ & mask] = slot;
    }

    @Override
    public int mark() {
        return tail;
    }

    @Override
    public void unstage(int mark) {
        while (tail != mark) {
            int slot = ring[--tail & mask];
            if ((moves[slot] & WINDOW) != 0) {
                usedKeys[slot] = predecessor(keys[slot]);
            }
        }
    }

    @Override
    public boolean hasToSend() {
        return published != tail;
    }

    /** Hands over what is staged. */
    void publish() {
        if (published != tail) {
            DOORBELL.setRelease(memory, RdmaPort.DOORBELL, tail);
            published = tail;
            // The doorbell first, then the look whether the other thread sleeps.
            VarHandle.fullFence();
            port.wake();
        }
    }

    // ------ the port

    /** Which slot was handed over at this place. */
    int slotAt(int position) {
        return ring[position & mask];
    }

    // ------ answers

    /** Hands out what has been answered, at most so many. Returns how many. */
    int poll(User user, int limit) {
        int done = 0;
        while (done < limit && !answers.isEmpty()) {
            int cid = answers.cid();
            int status = answers.status();
            long result = answers.result();
            int slot = cid & mask;
            if (status == 0 && (moves[slot] & (BOUNCED | TO_HOST)) == (BOUNCED | TO_HOST)) {
                movePieces(slot, false);
            }
            answers.take();
            done++;
            user.completed(slot, cid, status, result);
        }
        return done;
    }

    /** Throws when the lease has ended. */
    void requireAlive() {
        int now = (int) DOORBELL.getOpaque(memory, RdmaPort.DOORBELL);
        if (now != published) {
            throw new IllegalStateException("somebody else rings the doorbell of this queue pair");
        }
    }

    /** Whether there is something to be polled for; if not, the port signals when there is. */
    boolean hasAnswer() {
        return !answers.isEmpty() || port.broken() != null || port.arm(answers);
    }

    RdmaPort port() {
        return port;
    }

    /** Gives back what it has for pieces. When its arena is closed. */
    void close() {
        if (bounces != null) {
            for (var bounce : bounces) {
                if (bounce != null) {
                    bounce.close();
                }
            }
        }
    }
}
