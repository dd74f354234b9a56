package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VerifierTest {
    private static final int BLOCK_BYTES = 512;
    private static final int IO_BYTES = 4096;
    private static final int IO_COUNT = 20;
    private static final int SLOTS = 4;
    private static final long SLBA = 8000;

    private final MemorySegment data = MemorySegment.ofArray(new long[2 * IO_BYTES / Long.BYTES]);

    @Test
    void findsEveryFlippedBit() {
        var random = new Random(Seed.of("VerifierTest"));
        VerifyPattern.fill(data, 512, BLOCK_BYTES, 1, SLBA, 3);
        assertThat(VerifyPattern.mismatch(data, 512, BLOCK_BYTES, 1, SLBA, 3)).isEqualTo(-1);

        for (var round = 0; round < 1000; round++) {
            var at = 512 + random.nextInt(BLOCK_BYTES);
            var bit = (byte) (1 << random.nextInt(8));
            flip(at, bit);

            var mismatch = VerifyPattern.mismatch(data, 512, BLOCK_BYTES, 1, SLBA, 3);

            assertThat(mismatch).isEqualTo((at - 512) / Long.BYTES * Long.BYTES);
            flip(at, bit);
        }
    }

    @Test
    void tellsAnotherAddressGenerationAndSeedApart() {
        VerifyPattern.fill(data, 0, BLOCK_BYTES, 1, SLBA, 3);

        assertThat(VerifyPattern.mismatch(data, 0, BLOCK_BYTES, 1, SLBA + 1, 3)).isZero();
        assertThat(VerifyPattern.mismatch(data, 0, BLOCK_BYTES, 2, SLBA, 3)).isZero();
        assertThat(VerifyPattern.mismatch(data, 0, BLOCK_BYTES, 1, SLBA, 4)).isEqualTo(8);
        assertThat(VerifyPattern.mismatch(data, 0, BLOCK_BYTES, 1, SLBA, VerifyPattern.ANY_GENERATION))
                .isEqualTo(-1);
    }

    @Test
    void takesBackWhatItWrote() {
        var verifier = verifier("-w randrw -M 50");

        verifier.beginWrite(1, 5, data, 0, SLBA);
        verifier.wrote(1);
        verifier.beginRead(1, 5);

        assertThat(verifier.read(1, data, 0, SLBA)).isTrue();
        assertThat(verifier.result()).isEqualTo(new Verification(1, 0, 0, List.of()));
    }

    @Test
    void namesTheBlockThatIsWrong() {
        var verifier = verifier("-w randrw -M 50");
        verifier.beginWrite(1, 5, data, 0, SLBA);
        verifier.wrote(1);
        flip(3 * BLOCK_BYTES + 100, (byte) 1);

        verifier.beginRead(1, 5);

        assertThat(verifier.read(1, data, 0, SLBA)).isFalse();
        assertThat(verifier.result().mismatches()).isEqualTo(1);
        assertThat(verifier.result().told())
                .containsExactly("EMULATED (nvme0) NSID 1: data of LBA 8003 is wrong:"
                        + " byte 96 of the block is the first that is wrong");
    }

    @Test
    void findsALostWrite() {
        var verifier = verifier("-w randrw -M 50");
        var older = MemorySegment.ofArray(new long[IO_BYTES / Long.BYTES]);
        verifier.beginWrite(1, 5, older, 0, SLBA);
        verifier.wrote(1);
        verifier.beginWrite(1, 5, data, 0, SLBA);
        verifier.wrote(1);

        verifier.beginRead(1, 5);

        assertThat(verifier.read(1, older, 0, SLBA)).isFalse();
        assertThat(verifier.result().told().getFirst())
                .endsWith("data of LBA 8000 is wrong: generation 1 instead of 2, an older write");
    }

    @Test
    void doesNotJudgeWhatItDoesNotKnow() {
        var verifier = verifier("-w randrw -M 50");
        verifier.beginRead(0, 4);
        assertThat(verifier.read(0, data, 0, SLBA)).isTrue();

        verifier.beginWrite(1, 5, data, 0, SLBA);
        verifier.wrote(1);
        verifier.beginWrite(1, 5, data, 0, SLBA);
        verifier.writeUncertain(1);
        verifier.beginRead(1, 5);
        assertThat(verifier.read(1, data, 0, SLBA)).isTrue();

        assertThat(verifier.result()).isEqualTo(new Verification(0, 2, 0, List.of()));
    }

    @Test
    void readOnlyRunsCheckEverythingAgainstAnEarlierRun() {
        var writer = verifier("-w write");
        writer.beginWrite(1, 5, data, 0, SLBA);
        var reader = verifier("-w randread");

        reader.beginRead(1, 5);
        assertThat(reader.read(1, data, 0, SLBA)).isTrue();

        data.fill((byte) 0);
        reader.beginRead(1, 5);
        assertThat(reader.read(1, data, 0, SLBA)).isFalse();
        assertThat(reader.result().told().getFirst()).contains("LBA 8000 is wrong: zeroes");
    }

    @Test
    void readsBackEachWrittenAddressOnce() {
        var verifier = verifier("-w randwrite");
        for (var io : new int[] {1, 5, 9, 17}) {
            verifier.beginWrite(1, io, data, 0, SLBA);
            verifier.wrote(1);
        }
        verifier.beginWrite(2, 6, data, 0, SLBA);
        verifier.wrote(2);

        assertThat(verifier.nextToReadBack(0)).isEqualTo(-1);
        assertThat(verifier.nextToReadBack(1)).isEqualTo(1);
        assertThat(verifier.nextToReadBack(1)).isEqualTo(5);
        assertThat(verifier.nextToReadBack(2)).isEqualTo(6);
        assertThat(verifier.nextToReadBack(2)).isEqualTo(-1);

        verifier.leaveRestUnchecked();

        assertThat(verifier.result().unchecked()).isEqualTo(2);
        assertThat(verifier.nextToReadBack(1)).isEqualTo(-1);
    }

    @Test
    void generationsGoRoundWithoutBecomingUnknown() {
        var verifier = verifier("-w randwrite");
        for (var i = 0; i < 600; i++) {
            verifier.beginWrite(1, 5, data, 0, SLBA);
            verifier.wrote(1);
            verifier.beginRead(1, 5);
            assertThat(verifier.read(1, data, 0, SLBA)).isTrue();
        }

        assertThat(verifier.result()).isEqualTo(new Verification(600, 0, 0, List.of()));
    }

    private static Verifier verifier(String pattern) {
        var options = PerfOptions.parse(
                List.of(("-q " + SLOTS + " -o " + IO_BYTES + " -t 1 --verify " + pattern).split(" ")));
        return new Verifier(options, Reports.emulated("nvme0", 1), IO_COUNT);
    }

    private void flip(int at, byte bit) {
        data.set(ValueLayout.JAVA_BYTE, at, (byte) (data.get(ValueLayout.JAVA_BYTE, at) ^ bit));
    }
}
