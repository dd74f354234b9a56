package io.doorbell.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/** Reads and writes as chance has them, many at once, and whether what is read was written. One thread. */
public final class DataRounds {
    private static final int BLOCK_BYTES = 512;
    private static final int NAMESPACE_BLOCKS = 4096;
    private static final int MOST_BLOCKS = 700;
    private static final int ENTRIES = 64;
    private static final int BUFFERS = 16;
    private static final int BUFFER_BYTES = MOST_BLOCKS * BLOCK_BYTES;

    private final int[] statuses = new int[BUFFERS];
    private final int[] ends = new int[BUFFERS];
    private final HeldQueuePair held;
    private final byte[] written = new byte[NAMESPACE_BLOCKS * BLOCK_BYTES];

    /** On namespace 1, whose blocks have 512 bytes. */
    public DataRounds(NvmeController controller) {
        held = new HeldQueuePair(controller, ENTRIES, (long) BUFFERS * BUFFER_BYTES, this::ended, PathOptions.DEFAULTS);
    }

    public void run(Random random, int rounds) {
        try (held) {
            clear();
            for (int i = 0; i < rounds; i++) {
                round(random);
            }
        }
    }

    /** The first blocks of the namespace are zero, whoever wrote them before. */
    private void clear() {
        Arrays.fill(written, (byte) 0);
        for (int slba = 0; slba < NAMESPACE_BLOCKS; slba += 256) {
            ends[0] = 0;
            assertThat(held.pair.write(1, slba, 256, held.data, 0, 0, 0)).isZero();
            finish(1);
            assertThat(statuses[0]).isZero();
        }
    }

    /** As many commands at once as there are buffers, no two writes on the same blocks, then all looked at. */
    private void round(Random random) {
        int share = NAMESPACE_BLOCKS / BUFFERS;
        var first = new int[BUFFERS];
        var count = new int[BUFFERS];
        var writes = new boolean[BUFFERS];
        for (int i = 0; i < BUFFERS; i++) {
            count[i] = 1 + (random.nextInt(4) == 0 ? random.nextInt(share) : random.nextInt(20));
            first[i] = i * share + random.nextInt(share - count[i] + 1);
            writes[i] = random.nextBoolean();
            var buffer = buffer(held, i).asSlice(0, (long) count[i] * BLOCK_BYTES);
            if (writes[i]) {
                var bytes = new byte[count[i] * BLOCK_BYTES];
                random.nextBytes(bytes);
                MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
                System.arraycopy(bytes, 0, written, first[i] * BLOCK_BYTES, bytes.length);
            } else {
                buffer.fill((byte) 0x5A);
            }
            long at = (long) i * BUFFER_BYTES;
            int staged = writes[i]
                    ? held.pair.write(1, first[i], count[i], held.data, at, 0, i)
                    : held.pair.read(1, first[i], count[i], held.data, at, 0, i);
            assertThat(staged).isZero();
            if (random.nextInt(3) == 0) {
                held.pair.commit();
            }
        }
        Arrays.fill(ends, 0);
        finish(BUFFERS);
        for (int i = 0; i < BUFFERS; i++) {
            assertThat(ends[i]).isEqualTo(1);
            assertThat(statuses[i]).isZero();
            var buffer = buffer(held, i).asSlice(0, (long) count[i] * BLOCK_BYTES);
            var expected = MemorySegment.ofArray(written)
                    .asSlice((long) first[i] * BLOCK_BYTES, (long) count[i] * BLOCK_BYTES);
            assertThat(buffer.mismatch(expected))
                    .as("command %d, %s", i, writes[i] ? "write" : "read")
                    .isEqualTo(-1);
        }
    }

    private static MemorySegment buffer(HeldQueuePair held, int index) {
        return held.data.segment().asSlice((long) index * BUFFER_BYTES, BUFFER_BYTES);
    }

    private void ended(long token, int status, long result) {
        ends[(int) token]++;
        statuses[(int) token] = status;
    }

    private void finish(int commands) {
        held.pair.commit();
        HeldQueuePair.awaitEnds(held.pair, () -> Arrays.stream(ends).sum() >= commands);
    }
}
