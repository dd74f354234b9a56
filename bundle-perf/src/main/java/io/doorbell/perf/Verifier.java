package io.doorbell.perf;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Remembers what a worker wrote, and checks what it reads. Owner: the reactor's thread. Two I/Os in flight never meet on
 * one address, since every slot has addresses of its own ({@link IoGenerator#next(int)}), so what is expected is certain.
 */
final class Verifier {
    /** I/Os of a region that can be remembered, a byte for each. A larger region is cut to this. */
    static final int MAX_IOS = 1 << 24;

    private static final int UNKNOWN = 0;
    private static final int LAST_GENERATION = 255;

    private final String device;
    private final long seed;
    private final int blockBytes;
    private final IoLayout layout;
    private final int slots;
    private final boolean readsOnly;

    /** By I/O of the region: the generation it holds, {@link #UNKNOWN} when this run has not (for certain) written it. */
    private final byte[] generations;

    private final int[] slotIo;
    private final int[] slotGeneration;
    private final long[] readBackCursor;

    private long checked;
    private long unchecked;
    private long mismatches;
    private final List<String> told = new ArrayList<>();

    Verifier(PerfOptions options, Target target, long ioCount) {
        this.device = target.name();
        this.seed = options.seed();
        this.blockBytes = target.namespace().blockBytes();
        this.layout = IoLayout.of(options, target.namespace());
        this.slots = options.ioDepth();
        this.readsOnly = options.readPercent() == 100;
        this.generations = new byte[Math.toIntExact(ioCount)];
        this.slotIo = new int[slots];
        this.slotGeneration = new int[slots];
        this.readBackCursor = new long[slots];
        Arrays.setAll(readBackCursor, slot -> slot);
    }

    /** A new write of a slot: fills the data. */
    void beginWrite(int slot, long io, MemorySegment data, long offset, long slba) {
        var now = Byte.toUnsignedInt(generations[(int) io]);
        slotIo[slot] = (int) io;
        slotGeneration[slot] = now == LAST_GENERATION ? 1 : now + 1;
        fill(slot, data, offset, slba);
    }

    /** The same data once more, in other memory. */
    void fill(int slot, MemorySegment data, long offset, long slba) {
        var generation = slotGeneration[slot];
        var metadataBytes = layout.freeMetadataBytes();
        for (var block = 0; block < layout.ioBlocks(); block++) {
            var lba = slba + block;
            VerifyPattern.fill(data, offset + layout.blockAt(block), blockBytes, seed, lba, generation);
            if (metadataBytes > 0) {
                var at = offset + layout.freeMetadataAt(block);
                VerifyPattern.fillMetadata(data, at, metadataBytes, blockBytes, seed, lba, generation);
            }
        }
    }

    void beginRead(int slot, long io) {
        var now = Byte.toUnsignedInt(generations[(int) io]);
        slotIo[slot] = (int) io;
        slotGeneration[slot] = now == UNKNOWN && readsOnly ? VerifyPattern.ANY_GENERATION : now;
    }

    void wrote(int slot) {
        generations[slotIo[slot]] = (byte) slotGeneration[slot];
    }

    /** A write failed, or was given up: the blocks may hold the old data, the new, or some of both. */
    void writeUncertain(int slot) {
        generations[slotIo[slot]] = UNKNOWN;
    }

    /** False when the data is not what it should be. */
    boolean read(int slot, MemorySegment data, long offset, long slba) {
        var generation = slotGeneration[slot];
        if (generation == UNKNOWN) {
            unchecked++;
            return true;
        }
        checked++;
        for (var block = 0; block < layout.ioBlocks(); block++) {
            var lba = slba + block;
            var at = offset + layout.blockAt(block);
            if (VerifyPattern.mismatch(data, at, blockBytes, seed, lba, generation) >= 0) {
                mismatched(lba, VerifyPattern.explain(data, at, blockBytes, seed, lba, generation));
                return false;
            }
            if (layout.freeMetadataBytes() > 0 && !metadataMatches(data, offset, block, lba, at)) {
                return false;
            }
        }
        return true;
    }

    private boolean metadataMatches(MemorySegment data, long offset, int block, long lba, long blockAt) {
        // The block matches, so the generation in it is the one that was expected, or any will do.
        var wrong = VerifyPattern.metadataMismatch(
                data,
                offset + layout.freeMetadataAt(block),
                layout.freeMetadataBytes(),
                blockBytes,
                seed,
                lba,
                VerifyPattern.generation(data, blockAt, seed, lba));
        if (wrong >= 0) {
            mismatched(
                    lba,
                    "byte " + wrong + " of its metadata, protection information apart, is the first that is wrong");
        }
        return wrong < 0;
    }

    /** A read ended well, but its memory had gone with the lease by then. */
    void readUnchecked() {
        unchecked++;
    }

    /** The next I/O of the slot which this run has written, or -1 when there are no more. */
    long nextToReadBack(int slot) {
        for (var io = readBackCursor[slot]; io < generations.length; io += slots) {
            if (generations[(int) io] != UNKNOWN) {
                readBackCursor[slot] = io + slots;
                return io;
            }
        }
        readBackCursor[slot] = generations.length;
        return -1;
    }

    /** No more reading back: what is left counts as not checked. */
    void leaveRestUnchecked() {
        for (var slot = 0; slot < slots; slot++) {
            while (nextToReadBack(slot) >= 0) {
                unchecked++;
            }
        }
    }

    Verification result() {
        return new Verification(checked, unchecked, mismatches, List.copyOf(told));
    }

    private void mismatched(long lba, String why) {
        mismatches++;
        if (told.size() < Verification.MAX_TOLD) {
            told.add(device + ": data of LBA " + lba + " is wrong: " + why);
        }
    }
}
