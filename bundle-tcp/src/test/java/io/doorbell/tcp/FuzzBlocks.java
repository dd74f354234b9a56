package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the blocks of a namespace have to hold: each is full of one word, which its number and the stamp of its last Write make. */
final class FuzzBlocks {
    static final int BLOCK_BYTES = 512;

    /** Of a block whose last Write may have been executed, or not. */
    private static final int UNKNOWN = -1;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    private final int[] stamps;
    private int lastStamp;

    FuzzBlocks(int count) {
        stamps = new int[count];
    }

    int count() {
        return stamps.length;
    }

    int nextStamp() {
        return ++lastStamp;
    }

    private static long word(int stamp, long block) {
        return stamp == 0 ? 0 : (stamp * 0x9E37_79B9_7F4A_7C15L) ^ block;
    }

    /** Writes what blocks hold after a Write with the stamp. */
    static void write(MemorySegment at, long offset, int stamp, long slba, int skipBytes, int bytes) {
        for (int i = 0; i < bytes; ) {
            int within = skipBytes + i;
            long block = slba + within / BLOCK_BYTES;
            int part = Math.min(bytes - i, BLOCK_BYTES - within % BLOCK_BYTES);
            fill(at, offset + i, word(stamp, block), within % BLOCK_BYTES, part);
            i += part;
        }
    }

    private static void fill(MemorySegment at, long offset, long word, int within, int bytes) {
        int i = 0;
        for (; i + 8 <= bytes && within % 8 == 0; i += 8) {
            at.set(WORD, offset + i, word);
        }
        for (; i < bytes; i++) {
            at.set(ValueLayout.JAVA_BYTE, offset + i, (byte) (word >>> 8 * ((within + i) % 8)));
        }
    }

    /** Writes what blocks hold now. Returns whether all of it is known. */
    boolean current(MemorySegment at, long offset, long slba, int blocks) {
        boolean known = true;
        for (int i = 0; i < blocks; i++) {
            int stamp = stamps[(int) slba + i];
            known &= stamp != UNKNOWN;
            write(at, offset + (long) i * BLOCK_BYTES, stamp, slba + i, 0, BLOCK_BYTES);
        }
        return known;
    }

    void written(long slba, int blocks, int stamp) {
        for (int i = 0; i < blocks; i++) {
            stamps[(int) slba + i] = stamp;
        }
    }

    void zeroed(long slba, int blocks) {
        written(slba, blocks, 0);
    }

    void unknown(long slba, int blocks) {
        written(slba, blocks, UNKNOWN);
    }

    void requireRead(MemorySegment at, long offset, long slba, int blocks) {
        for (int i = 0; i < blocks; i++) {
            int stamp = stamps[(int) slba + i];
            if (stamp == UNKNOWN) {
                continue;
            }
            long word = word(stamp, slba + i);
            long block = offset + (long) i * BLOCK_BYTES;
            long differs = 0;
            for (int w = 0; w < BLOCK_BYTES; w += 8) {
                differs |= at.get(WORD, block + w) ^ word;
            }
            if (differs != 0) {
                assertThat(at.get(WORD, block))
                        .as("block %d, stamp %d", slba + i, stamp)
                        .isEqualTo(word);
                throw new AssertionError("block " + (slba + i) + " is not what was written");
            }
        }
    }
}
