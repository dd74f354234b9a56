package io.doorbell.perf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What {@code --verify} writes into a block, so that a read can tell whether it got the right one. Word 0 names the seed
 * and the address, word 1 the generation (how often this address was written), the rest follows from the three. Stateless.
 */
final class VerifyPattern {
    /** Any generation will do: the block was written by somebody else with the same seed. */
    static final int ANY_GENERATION = -1;

    private static final int WORD_BYTES = Long.BYTES;
    private static final long STEP = 0x9E37_79B9_7F4A_7C15L;
    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    private VerifyPattern() {}

    static void fill(MemorySegment data, long offset, int blockBytes, long seed, long lba, int generation) {
        data.set(WORD, offset, tag(seed, lba));
        data.set(WORD, offset + WORD_BYTES, generationWord(seed, lba, generation));
        var first = first(seed, lba, generation);
        for (var at = 2 * WORD_BYTES; at < blockBytes; at += WORD_BYTES) {
            data.set(WORD, offset + at, first + at * STEP);
        }
    }

    /** The metadata of a block goes on where its data ends. */
    static void fillMetadata(
            MemorySegment data, long offset, int bytes, int blockBytes, long seed, long lba, int generation) {
        var first = first(seed, lba, generation);
        for (var at = 0; at < bytes; at++) {
            data.set(ValueLayout.JAVA_BYTE, offset + at, (byte) metadataWord(first, blockBytes, at));
        }
    }

    /** Offset in the metadata of the first byte that is wrong, or -1. */
    static int metadataMismatch(
            MemorySegment data, long offset, int bytes, int blockBytes, long seed, long lba, int generation) {
        var first = first(seed, lba, generation);
        for (var at = 0; at < bytes; at++) {
            if (data.get(ValueLayout.JAVA_BYTE, offset + at) != (byte) metadataWord(first, blockBytes, at)) {
                return at;
            }
        }
        return -1;
    }

    /** Which one a block has that matches {@link #ANY_GENERATION}. */
    static int generation(MemorySegment data, long offset, long seed, long lba) {
        return (int) (data.get(WORD, offset + WORD_BYTES) ^ Xorshift.mix(seed ^ lba));
    }

    /** Offset in the block of the first word that is wrong, or -1. */
    static int mismatch(MemorySegment data, long offset, int blockBytes, long seed, long lba, int generation) {
        if (data.get(WORD, offset) != tag(seed, lba)) {
            return 0;
        }
        var found = generation(data, offset, seed, lba);
        if ((generation != ANY_GENERATION && found != generation)
                || data.get(WORD, offset + WORD_BYTES) != generationWord(seed, lba, found)) {
            return WORD_BYTES;
        }
        var first = first(seed, lba, found);
        for (var at = 2 * WORD_BYTES; at < blockBytes; at += WORD_BYTES) {
            if (data.get(WORD, offset + at) != first + at * STEP) {
                return at;
            }
        }
        return -1;
    }

    /** Why: for a person, of a block that does not match. */
    static String explain(MemorySegment data, long offset, int blockBytes, long seed, long lba, int generation) {
        var at = mismatch(data, offset, blockBytes, seed, lba, generation);
        if (at == 0) {
            return data.get(WORD, offset) == 0
                    ? "zeroes, or nothing that was written with --verify and this seed"
                    : "not written with --verify and this seed, or another address's data";
        }
        if (at == WORD_BYTES) {
            var found = data.get(WORD, offset + WORD_BYTES) ^ Xorshift.mix(seed ^ lba);
            return "generation " + found + " instead of " + (generation == ANY_GENERATION ? "any" : generation)
                    + ", an older write";
        }
        return "byte " + at + " of the block is the first that is wrong";
    }

    private static long tag(long seed, long lba) {
        return Xorshift.mix(seed) ^ lba;
    }

    private static long generationWord(long seed, long lba, int generation) {
        return Xorshift.mix(seed ^ lba) ^ Integer.toUnsignedLong(generation);
    }

    private static long metadataWord(long first, int blockBytes, int at) {
        return first + (blockBytes + at) * STEP >>> Long.SIZE - Byte.SIZE;
    }

    private static long first(long seed, long lba, int generation) {
        return Xorshift.mix(Xorshift.mix(seed) + Xorshift.mix(lba) + generation);
    }
}
