package io.doorbell.pcie.vfiouser;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.ControllerState;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.Registers;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.platform.Descriptor;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.RegionInfo;
import io.doorbell.vfiouser.RegionSigns;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The driver, and a device behind a socket. */
@Timeout(300)
class VfioUserControllerTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int DEPTH = 16;
    private static final int BLOCKS = 8;
    private static final int BYTES = 4096;

    @TempDir
    Path directory;

    /** How a device lets a driver ring. */
    enum Doorbells implements Relay.Change {
        SIGNALLED,
        MAPPED,
        /** BAR0 can be mapped in two pieces, of which the one with the first doorbells has half of them. */
        IN_PIECES,
        TRAPPED;

        @Override
        public MemorySegment answer(int command, MemorySegment payload, List<Descriptor> descriptors) {
            if (this == SIGNALLED || descriptors.isEmpty()) {
                return payload;
            }
            if (command == Command.DEVICE_GET_REGION_IO_FDS) {
                Descriptor.closeAll(descriptors);
                descriptors.clear();
                return new RegionSigns(RegionInfo.BAR0, List.of()).encode(RegionSigns.MAX_ANSWER_BYTES);
            }
            if (this == IN_PIECES && command == Command.DEVICE_GET_REGION_INFO) {
                var whole = RegionInfo.decode(payload, RegionInfo.BAR0);
                long half = (whole.bytes() - Registers.DOORBELLS) / 2;
                var areas = List.of(
                        new RegionInfo.Area(Registers.DOORBELLS + half, half),
                        new RegionInfo.Area(Registers.DOORBELLS, half));
                return new RegionInfo(RegionInfo.BAR0, whole.flags(), whole.bytes(), whole.offset(), areas)
                        .encode(RegionInfo.MAX_ANSWER_BYTES);
            }
            if (this == TRAPPED && command == Command.DEVICE_GET_REGION_INFO) {
                Descriptor.closeAll(descriptors);
                descriptors.clear();
                long bytes = RegionInfo.decode(payload, RegionInfo.BAR0).bytes();
                return new RegionInfo(RegionInfo.BAR0, 3, bytes, 0, List.of()).encode(RegionInfo.MAX_ANSWER_BYTES);
            }
            return payload;
        }
    }

    /** Writes and reads a pattern over and over, and remembers what went wrong. */
    private static final class Load {
        private final Held held;
        private final int nsid;
        private final long firstBlock;
        private final List<Integer> errors = new ArrayList<>();
        long completed;
        private boolean stop;

        Load(PcieController controller, int nsid, long firstBlock) {
            this.nsid = nsid;
            this.firstBlock = firstBlock;
            held = new Held(controller, 64, (long) DEPTH * BYTES, this::completed);
        }

        /** The token is the slot and whether it was a read. */
        private void completed(long token, int status, long result) {
            completed++;
            int slot = (int) (token >> 1);
            long offset = (long) slot * BYTES;
            if (status != 0) {
                errors.add(status);
                return;
            }
            if ((token & 1) == 0) {
                held.data.segment().asSlice(offset, BYTES).fill((byte) 0);
                submit(slot, true);
            } else {
                assertThat(held.data.segment().get(JAVA_LONG, offset)).isEqualTo(pattern(slot));
                assertThat(held.data.segment().get(JAVA_LONG, offset + BYTES - 8))
                        .isEqualTo(pattern(slot));
                submit(slot, false);
            }
        }

        private long pattern(int slot) {
            return firstBlock << 32 | slot + 1;
        }

        private void submit(int slot, boolean read) {
            if (stop) {
                return;
            }
            long offset = (long) slot * BYTES;
            if (!read) {
                held.data.segment().set(JAVA_LONG, offset, pattern(slot));
                held.data.segment().set(JAVA_LONG, offset + BYTES - 8, pattern(slot));
            }
            long slba = firstBlock + (long) slot * BLOCKS;
            long token = (long) slot << 1 | (read ? 1 : 0);
            int staged = read
                    ? held.pair.read(nsid, slba, BLOCKS, held.data, offset, 0, token)
                    : held.pair.write(nsid, slba, BLOCKS, held.data, offset, 0, token);
            if (staged < 0 && staged != QueuePair.NOT_CONNECTED && staged != QueuePair.LEASE_REVOKED) {
                errors.add(staged);
            }
        }

        void start() {
            for (int slot = 0; slot < DEPTH; slot++) {
                submit(slot, false);
            }
            held.pair.commit();
        }

        void run(int commands) {
            start();
            held.pollUntil(() -> completed >= commands || !errors.isEmpty());
            stop = true;
            held.pollUntil(() -> held.pair.inFlight() == 0);
        }
    }

    @ParameterizedTest
    @EnumSource(Doorbells.class)
    void readsWhatItWroteHoweverTheDeviceLetsItRing(Doorbells doorbells) throws Exception {
        try (var _ = new DeviceRig(directory.resolve("device"));
                var _ = new Relay(directory.resolve("relay"), directory.resolve("device"), doorbells)) {
            for (boolean shadows : new boolean[] {true, false}) {
                try (var function = VfioUserFunction.connect(directory.resolve("relay"), BOUND)) {
                    var controller = PcieController.open(function, options(shadows));
                    var load = new Load(controller, DeviceRig.NSID, 0);

                    load.run(doorbells == Doorbells.SIGNALLED ? 20_000 : 500);

                    assertThat(load.errors).isEmpty();
                    assertThat(controller.info().shadowDoorbells()).isEqualTo(shadows);
                    load.held.close();
                    controller.close();
                }
            }
        }
    }

    private static PcieOptions options(boolean shadows) {
        var defaults = PcieOptions.DEFAULTS;
        return shadows ? defaults : defaults.withShadowDoorbells(false);
    }

    @Test
    void severalThreadsHaveQueuePairsOfTheirOwn() throws Exception {
        try (var _ = new DeviceRig(directory);
                var function = VfioUserFunction.connect(directory, BOUND)) {
            var controller = PcieController.open(function, PcieOptions.DEFAULTS);
            var failures = new ArrayList<Throwable>();
            var threads = new ArrayList<Thread>();
            for (int i = 0; i < 3; i++) {
                long firstBlock = (long) i * DEPTH * BLOCKS;
                threads.add(Thread.ofPlatform().start(() -> {
                    try {
                        var load = new Load(controller, DeviceRig.NSID, firstBlock);
                        load.run(3_000);
                        assertThat(load.errors).isEmpty();
                        load.held.close();
                    } catch (Throwable failure) {
                        synchronized (failures) {
                            failures.add(failure);
                        }
                    }
                }));
            }
            for (var thread : threads) {
                thread.join();
            }

            assertThat(failures).isEmpty();
            controller.close();
        }
    }

    @Test
    void aResetLosesQueuePairsAndTheNextOnesWork() {
        try (var _ = new DeviceRig(directory, EmulatorSettings.of("nvme0"));
                var function = VfioUserFunction.connect(directory, BOUND)) {
            var controller = PcieController.open(function, PcieOptions.DEFAULTS);
            var before = new Load(controller, DeviceRig.NSID, 0);
            before.start();

            controller.reset("the test says so");
            before.held.pollUntil(() -> before.held.pair.inFlight() == 0);
            before.held.close();

            var after = new Load(controller, DeviceRig.NSID, 0);
            after.run(500);
            assertThat(after.errors).isEmpty();
            after.held.close();
            controller.close();
        }
    }

    @Test
    void everyCommandEndsWhenTheDeviceIsCutOff() throws Exception {
        int mapped = ProcessState.mappings("doorbell-dma");
        try (var _ = new DeviceRig(directory.resolve("device"));
                var relay = new Relay(directory.resolve("relay"), directory.resolve("device"), Doorbells.SIGNALLED)) {
            for (int round = 0; round < 5; round++) {
                var function = VfioUserFunction.connect(directory.resolve("relay"), BOUND);
                var controller = PcieController.open(function, PcieOptions.DEFAULTS);
                var load = new Load(controller, DeviceRig.NSID, 0);
                load.start();
                load.held.pollUntil(() -> load.completed > 200);
                var cut = new CountDownLatch(1);
                Thread.startVirtualThread(() -> {
                    relay.cut();
                    cut.countDown();
                });

                load.held.pollUntil(
                        () -> controller.state() == ControllerState.REMOVED && load.held.pair.inFlight() == 0);

                assertThat(cut.await(60, TimeUnit.SECONDS)).isTrue();
                assertThat(load.held.pair.read(DeviceRig.NSID, 0, BLOCKS, load.held.data, 0, 0, 0))
                        .isEqualTo(QueuePair.NOT_CONNECTED);
                load.held.close();
                controller.close();
                function.close();
            }
        }
        ProcessState.await(() -> ProcessState.mappings("doorbell-dma") <= mapped);
    }

    @Test
    void theWatchTakesADeviceUpAgainWheneverItIsThere() throws Exception {
        var came = new ArrayList<VfioUserFunction>();
        var went = new ArrayList<VfioUserFunction>();
        var watch = new VfioUserWatch(
                directory,
                BOUND,
                Duration.ofMillis(50),
                function -> {
                    synchronized (came) {
                        came.add(function);
                    }
                },
                function -> {
                    synchronized (came) {
                        went.add(function);
                    }
                });
        try {
            for (int life = 1; life <= 3; life++) {
                int lives = life;
                try (var _ = new DeviceRig(directory)) {
                    ProcessState.await(() -> size(came, came) == lives);
                    var controller = PcieController.open(came.getLast(), PcieOptions.DEFAULTS);
                    var load = new Load(controller, DeviceRig.NSID, 0);
                    load.run(100);
                    assertThat(load.errors).isEmpty();
                    load.held.close();
                    controller.close();
                }
                ProcessState.await(() -> size(came, went) == lives);
            }
        } finally {
            watch.close();
        }
        assertThat(went).isEqualTo(came);
    }

    private static int size(Object lock, List<?> list) {
        synchronized (lock) {
            return list.size();
        }
    }

    @Test
    void aWatchThatIsClosedLetsItsFunctionGo() {
        var went = new CountDownLatch(1);
        var came = new CountDownLatch(1);
        try (var device = new DeviceRig(directory)) {
            var watch = new VfioUserWatch(
                    directory, BOUND, Duration.ofMillis(50), _ -> came.countDown(), _ -> went.countDown());
            ProcessState.await(() -> came.getCount() == 0);

            watch.close();
            watch.close();

            assertThat(went.getCount()).isZero();
            ProcessState.await(() -> !device.server.hasClient());
        }
    }
}
