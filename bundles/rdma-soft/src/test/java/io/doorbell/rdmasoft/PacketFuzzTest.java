package io.doorbell.rdmasoft;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Packets of all sorts, on connections that last a few dozen. Keys, bounds and rights hold for each: no byte changes and none is told but what
 * a peer may write to and read. {@code -Ddoorbell.fuzz=N} for more cases, {@code -Ddoorbell.seed=N} for the same again.
 */
class PacketFuzzTest {
    private static final long CASES = Long.getLong("doorbell.fuzz", 300_000);

    @Test
    @Timeout(1800)
    void whateverPacketsComeOnlyWhatIsAllowedHappens() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("PacketFuzzTest: -Ddoorbell.seed=" + seed);
        try (var run = new PacketFuzzRun(seed)) {
            while (run.cases() < CASES) {
                try {
                    run.connection();
                } catch (AssertionError | RuntimeException failed) {
                    throw new AssertionError("seed " + seed + ", case " + run.cases() + ": " + failed, failed);
                }
            }
            System.out.println(run);
            run.requireNothingLeft();
        }
    }
}
