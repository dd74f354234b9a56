package io.doorbell.fabrics.host;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;

/**
 * The end of a connection that commands come from: each has a slot, with a place for its entry, and data that are described. A transport
 * implements it.
 *
 * <p>A command is described, its entry written, {@link #seal sealed}, which may throw, and {@link #stage staged}, which does not. How it leaves, and
 * how answers come, is the transport's.
 *
 * <p>Owner: one thread at a time.
 */
public abstract class HostLink {
    /** What happens to commands. Called while answers are taken. */
    public interface User {
        /** The target has ended the command in flight that has this id. */
        void completed(int slot, int cid, int status, long result);
    }

    /** Pieces of one command's data. */
    public static final int MAX_PIECES = 64;

    /** Where entries are, as long as the lease. */
    public final MemorySegment memory;

    private final int slots;

    // By slot.
    protected final int[] dataBytes;

    /** 0 for data in one piece. */
    protected final int[] pieceCount;

    private long[] pieceIova;
    private int[] pieceBytes;

    /** @param slots a power of two */
    protected HostLink(MemorySegment memory, int slots) {
        this.memory = memory;
        this.slots = slots;
        dataBytes = new int[slots];
        pieceCount = new int[slots];
    }

    /**
     * Slots of a queue of so many entries, a power of two: as {@link io.doorbell.driver.Trackers} counts them, or as the admin queue does, whose
     * ids are made of them.
     */
    public static int slots(int queueId, int entries) {
        int half = Integer.highestOneBit(entries - 1);
        return queueId == 0 ? half : Math.max(2, half << 1);
    }

    public final int slots() {
        return slots;
    }

    /** As messages call it. */
    protected abstract String network();

    /** Where the 64 bytes of a slot's command are. */
    public abstract long entry(int slot);

    /** Where a command's data are; 0 bytes for none. */
    public abstract void describe(int slot, long iova, long bytes);

    /** Begins data in pieces. */
    public void describePieces(int slot, long bytes) {
        if (pieceIova == null) {
            pieceIova = new long[slots * MAX_PIECES];
            pieceBytes = new int[slots * MAX_PIECES];
        }
        dataBytes[slot] = (int) bytes;
        pieceCount[slot] = 0;
    }

    /** Returns whether there is room for one more. */
    public final boolean addPiece(int slot, long iova, int bytes) {
        int count = pieceCount[slot];
        if (count == MAX_PIECES) {
            return false;
        }
        requireMemory(iova, bytes);
        pieceIova[slot * MAX_PIECES + count] = iova;
        pieceBytes[slot * MAX_PIECES + count] = bytes;
        pieceCount[slot] = count + 1;
        return true;
    }

    /** @throws IllegalArgumentException when they are not memory of this controller */
    protected abstract void requireMemory(long iova, long bytes);

    public final int dataBytes(int slot) {
        return dataBytes[slot];
    }

    public final int pieceCount(int slot) {
        return pieceCount[slot];
    }

    public final long pieceIova(int slot, int piece) {
        return pieceIova[slot * MAX_PIECES + piece];
    }

    public final int pieceBytes(int slot, int piece) {
        return pieceBytes[slot * MAX_PIECES + piece];
    }

    /** Writes the entry of a command, but for its data. */
    final void encode(int slot, int cid, NvmCommand command) {
        long entry = entry(slot);
        SubmissionEntry.encode(
                memory,
                entry,
                command.opc,
                SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, SubmissionEntry.PSDT_SGL),
                cid,
                command.nsid,
                0,
                0,
                0,
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
        SubmissionEntry.cdw2(memory, entry, command.cdw2);
        SubmissionEntry.cdw3(memory, entry, command.cdw3);
    }

    /**
     * The entry is written and its data described: says in it where they are, and makes what goes around it. May throw, and then nothing
     * happened.
     */
    public abstract void seal(int slot, boolean toController);

    /** A sealed command is to leave. Throws nothing. */
    public abstract void stage(int slot, int cid);

    /** How much is staged, for {@link #unstage}. */
    public abstract int mark();

    /** Takes back what was staged since the mark. */
    public abstract void unstage(int mark);

    /** Whether something that was staged has not left. */
    public abstract boolean hasToSend();
}
