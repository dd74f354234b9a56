package io.doorbell.pcie.vfiouser;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.ControllerState;
import io.doorbell.host.QueuePair;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A device process is killed under writes, a few times by default and {@code -Ddoorbell.kills=N} times if asked: every command ends, none hangs,
 * the device is taken up again when it is back, and what was acknowledged with FUA is there.
 */
@Timeout(600)
class DeviceDeathTest {
    private static final int KILLS = Integer.getInteger("doorbell.kills", 3);
    private static final int SLOTS = 64;
    private static final int BLOCKS = 1;
    private static final int BYTES = 4096;
    private static final String NAMESPACE = "file:1MiB:4096:";

    /** Writes to let through before a kill: at most so many. */
    private static final int MOST_WRITES = 600;

    @TempDir
    Path directory;

    /** What each slot holds for sure, and what it may hold after a write whose end nobody knows. */
    private final long[] acknowledged = new long[SLOTS];

    private final long[] attempted = new long[SLOTS];
    private final boolean[] inFlight = new boolean[SLOTS];
    private long version;
    private long completions;
    private long failures;
    private boolean stop;
    private Held held;
    private Random random;

    @Test
    void everyCommandEndsAndWhatWasAcknowledgedIsThere() throws Exception {
        int mapped = ProcessState.mappings("");
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("device death: -Ddoorbell.seed=" + seed + " -Ddoorbell.kills=" + KILLS);
        random = new Random(seed);
        var namespace = NAMESPACE + directory.resolve("namespace.img");
        var functions = new LinkedBlockingQueue<VfioUserFunction>();
        var device = DeviceProcess.start(directory, namespace);
        var watch =
                new VfioUserWatch(directory, Duration.ofSeconds(20), Duration.ofMillis(50), functions::add, _ -> {});
        try {
            for (int kill = 0; kill < KILLS; kill++) {
                var controller = PcieController.open(next(functions), PcieOptions.DEFAULTS);
                lease(controller);
                verify();
                write(device);
                // It says so behind the end of its queue pairs.
                ProcessState.await(() -> controller.state() == ControllerState.REMOVED);
                giveBack(controller);
                device = DeviceProcess.start(directory, namespace);
            }
            var controller = PcieController.open(next(functions), PcieOptions.DEFAULTS);
            lease(controller);
            verify();
            giveBack(controller);
        } finally {
            device.close();
            watch.close();
        }
        assertThat(version).as("writes").isGreaterThan((long) KILLS * 10);
        ProcessState.await(() -> ProcessState.mappings("") <= mapped);
    }

    private static VfioUserFunction next(BlockingQueue<VfioUserFunction> functions) throws InterruptedException {
        var function = functions.poll(60, TimeUnit.SECONDS);
        assertThat(function).as("the device, which is there again").isNotNull();
        return function;
    }

    private void lease(PcieController controller) {
        stop = false;
        held = new Held(controller, SLOTS + 1, (long) SLOTS * BYTES, (token, status, _) -> {
            completions++;
            int slot = (int) (token >> 1);
            inFlight[slot] = false;
            if (status != 0) {
                failures++;
            } else if ((token & 1) == 0) {
                acknowledged[slot] = attempted[slot];
                write(slot);
            }
        });
    }

    private void giveBack(PcieController controller) {
        held.close();
        controller.close();
    }

    /** Reads all of it. What a slot holds now it holds for sure. */
    private void verify() {
        failures = 0;
        for (int slot = 0; slot < SLOTS; slot++) {
            inFlight[slot] = true;
            held.data.segment().asSlice((long) slot * BYTES, BYTES).fill((byte) -1);
            assertThat(held.pair.read(DeviceRig.NSID, slot, BLOCKS, held.data, (long) slot * BYTES, 0, slot << 1 | 1))
                    .isNotNegative();
        }
        held.pair.commit();
        held.pollUntil(() -> held.pair.inFlight() == 0);
        assertThat(failures).isZero();
        for (int slot = 0; slot < SLOTS; slot++) {
            long found = held.data.segment().get(JAVA_LONG, (long) slot * BYTES);
            assertThat(found)
                    .as("slot %d, acknowledged with %d and written with %d", slot, acknowledged[slot], attempted[slot])
                    .isIn(acknowledged[slot], attempted[slot]);
            for (int at = 0; at < BYTES; at += Long.BYTES) {
                assertThat(held.data.segment().get(JAVA_LONG, (long) slot * BYTES + at))
                        .isEqualTo(found);
            }
            acknowledged[slot] = found;
            attempted[slot] = found;
        }
    }

    /** Writes until the device is killed, which is somewhere on the way; then everything has ended. */
    private void write(DeviceProcess device) {
        completions = 0;
        int writes = 1 + random.nextInt(MOST_WRITES);
        for (int slot = 0; slot < SLOTS; slot++) {
            write(slot);
        }
        held.pair.commit();
        held.pollUntil(() -> completions >= writes);
        Thread.startVirtualThread(device::close);

        held.pollUntil(() -> failures > 0 || stop);
        stop = true;
        held.pollUntil(() -> held.pair.inFlight() == 0);

        for (int slot = 0; slot < SLOTS; slot++) {
            assertThat(inFlight[slot]).as("slot %d is in flight", slot).isFalse();
        }
    }

    private void write(int slot) {
        if (stop) {
            return;
        }
        long offset = (long) slot * BYTES;
        for (int at = 0; at < BYTES; at += Long.BYTES) {
            held.data.segment().set(JAVA_LONG, offset + at, version + 1);
        }
        int staged = held.pair.write(DeviceRig.NSID, slot, BLOCKS, held.data, offset, QueuePair.FUA, (long) slot << 1);
        if (staged == QueuePair.NOT_CONNECTED) {
            stop = true;
            return;
        }
        assertThat(staged).isNotNegative();
        attempted[slot] = ++version;
        inFlight[slot] = true;
    }
}
