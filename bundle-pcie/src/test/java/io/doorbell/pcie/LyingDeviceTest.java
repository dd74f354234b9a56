package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.pcie.LyingDevice.Lie;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Controllers whose answers are lies: some thousand of each kind by default, {@code -Ddoorbell.fuzz=1000000} if asked. The driver ends each with a
 * message, or gets the better of it: no other exception, no command that ends twice or never, no wait beyond a bound, nothing left behind.
 */
@Timeout(7200)
class LyingDeviceTest {
    private static final long LIES = Long.getLong("doorbell.fuzz", 3_000);

    private static final PcieOptions OPTIONS = PcieOptions.DEFAULTS
            .withTimeouts(Duration.ofMillis(10), Duration.ofMillis(10))
            .withReadyTimeout(Duration.ofMillis(2))
            .withKeepAlive(Duration.ofMillis(100));

    /** A controller that does not answer costs the bounds of commands, of their Aborts, and of the reset that follows. */
    private static final Duration BOUND = Duration.ofSeconds(20);

    private static final Duration ADMIN_BOUND = Duration.ofMillis(10);
    private static final long QUIET_NANOS = 2_000_000;
    private static final int DATA_BYTES = 64 << 10;
    private static final int COMMANDS = 40;
    private static final int REGISTER_ROUNDS = 20;
    private static final Duration REGISTER_BOUND = Duration.ofNanos(20_000);

    private enum Kind {
        REGISTERS(EnumSet.of(Lie.REGISTER)),
        COMPLETIONS(EnumSet.of(Lie.ADMIN_COMPLETION, Lie.IO_COMPLETION)),
        IO_COMPLETIONS(EnumSet.of(Lie.IO_COMPLETION, Lie.EVENT_INDEX)),
        DATA(EnumSet.of(Lie.ADMIN_DATA)),
        EVENTS(EnumSet.of(Lie.EVENT, Lie.ADMIN_DATA)),
        ALL(EnumSet.allOf(Lie.class));

        private final EnumSet<Lie> about;

        Kind(EnumSet<Lie> about) {
            this.about = about;
        }
    }

    private final byte[] ends = new byte[4 * COMMANDS];
    private int accepted;
    private int ended;

    @ParameterizedTest
    @EnumSource
    void endInAMessageAtWorst(Kind kind) {
        var seeds = Seed.random("lies about " + kind);
        long lies = 0;
        int cases = 0;
        int refused = 0;
        long start = System.nanoTime();
        while (lies < LIES) {
            long seed = seeds.nextLong();
            var random = new Random(seed);
            var device = new LyingDevice(random, kind.about, Math.pow(10, -2 * random.nextDouble()));
            long before = System.nanoTime();
            try {
                registers(device, random);
                refused += use(device, random) ? 0 : 1;
            } catch (RuntimeException | Error defect) {
                throw new AssertionError("case " + cases + ", seed " + seed, defect);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - before))
                    .as("case %d, seed %d", cases, seed)
                    .isLessThan(BOUND);
            awaitTidiness(device, cases, seed);
            device.close();
            lies += device.lies;
            cases++;
        }
        System.out.printf(
                "lies about %s: %d in %d cases, %d not brought up, %d ms%n",
                kind, lies, cases, refused, (System.nanoTime() - start) / 1_000_000);
        assertThat(refused).isLessThan(cases);
    }

    /** A control thread may be at work yet. */
    private static void awaitTidiness(LyingDevice device, int number, long seed) {
        long start = System.nanoTime();
        while (device.untidiness() != null && System.nanoTime() - start < BOUND.toNanos()) {
            Thread.yield();
        }
        assertThat(device.untidiness()).as("case %d, seed %d", number, seed).isNull();
    }

    /** The waits for registers, without what comes of them. */
    private static void registers(LyingDevice device, Random random) {
        try (var access = device.open("registers")) {
            var registers = new ControllerRegisters(access, "liar", Duration.ofMillis(1));
            for (int i = 0; i < REGISTER_ROUNDS; i++) {
                try {
                    var cap = registers.cap();
                    assertThat(registers.readyBound(cap)).isLessThanOrEqualTo(Duration.ofMillis(1));
                    registers.disable(REGISTER_BOUND);
                    registers.adminQueues(16, 16, 4096, 8192);
                    registers.describe();
                    registers.shutdown(REGISTER_BOUND);
                    registers.awaitProcessing(REGISTER_BOUND);
                    registers.property(random.nextInt(16) * 4, 4 << random.nextInt(2));
                    registers.vs();
                } catch (NvmeException told) {
                    assertThat(told.getMessage()).contains("liar");
                }
            }
        }
    }

    /** Everything that a driver does with a controller. Returns whether it could be brought up. */
    private boolean use(LyingDevice device, Random random) {
        PcieController controller;
        try {
            controller = PcieController.open(device, OPTIONS);
        } catch (NvmeException told) {
            assertThat(told.getMessage()).contains("liar");
            return false;
        }
        try (controller) {
            for (int round = 0; round < 2; round++) {
                io(device, controller, random);
                admin(controller, random);
            }
        }
        return true;
    }

    private void io(LyingDevice device, PcieController controller, Random random) {
        accepted = 0;
        ended = 0;
        java.util.Arrays.fill(ends, (byte) 0);
        EmulatedRig.Held held;
        try {
            held = new EmulatedRig.Held(controller, 16, DATA_BYTES, (token, status, result) -> {
                ends[(int) token]++;
                ended++;
            });
        } catch (NvmeException told) {
            assertThat(told.getMessage()).contains("liar");
            return;
        }
        load(device, held, controller, random);
        giveBack(held);
        assertThat(ended).as("commands that ended, of those accepted").isEqualTo(accepted);
        for (int token = 0; token < accepted; token++) {
            assertThat(ends[token]).as("ends of command %d", token).isEqualTo((byte) 1);
        }
    }

    private void load(LyingDevice device, EmulatedRig.Held held, PcieController controller, Random random) {
        long lastEnd = System.nanoTime();
        int staged = 0;
        while (staged >= -1 && accepted < COMMANDS) {
            staged = stage(held, controller, random);
            if (staged == 0) {
                accepted++;
                if (random.nextInt(3) > 0) {
                    continue;
                }
            }
            held.pair.commit();
            device.run();
            if (held.pair.poll(1 + random.nextInt(8)) > 0) {
                lastEnd = System.nanoTime();
            } else if (System.nanoTime() - lastEnd > QUIET_NANOS) {
                return;
            }
        }
    }

    private int stage(EmulatedRig.Held held, PcieController controller, Random random) {
        var namespaces = controller.namespaces();
        var namespace = namespaces.isEmpty() ? null : namespaces.get(random.nextInt(namespaces.size()));
        if (namespace == null || !fits(namespace, held)) {
            return held.pair.submit(new NvmCommand().reset(NvmOpcode.FLUSH, 1), null, 0, 0, accepted);
        }
        long slba = random.nextLong(namespace.blockCount());
        int bytes = namespace.blockBytes() + namespace.metadataBytes();
        // Where a namespace says that no command crosses any block, each is a command.
        int blocks = 1 + random.nextInt(Math.max(1, Math.min(held.pair.depth(), DATA_BYTES / bytes)));
        return random.nextBoolean()
                ? held.pair.read(namespace.nsid(), slba, blocks, held.data, 0, 0, accepted)
                : held.pair.write(namespace.nsid(), slba, blocks, held.data, 0, 0, accepted);
    }

    /** What does not, and what needs memory for metadata, is for the holder to see: it knows the limits. */
    private static boolean fits(NvmeNamespace namespace, EmulatedRig.Held held) {
        long bytes = namespace.blockBytes() + namespace.metadataBytes();
        return bytes <= held.pair.maxTransferBytes() && bytes <= DATA_BYTES && namespace.metadataBytes() == 0;
    }

    /** As a resource manager does: until it is certain that the device has let go. */
    private void giveBack(EmulatedRig.Held held) {
        long start = System.nanoTime();
        held.control.stopSubmissions();
        while (true) {
            try {
                held.control.delete(Duration.ofMillis(100));
                break;
            } catch (NvmeException unsure) {
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(BOUND);
                held.pair.poll(16);
            }
        }
        MemoryView.close(held.arena, Duration.ofSeconds(2));
        held.control.fenced("test is over");
        while (ended < accepted && System.nanoTime() - start < BOUND.toNanos()) {
            held.pair.poll(16);
        }
        held.allocation.close();
    }

    private static void admin(PcieController controller, Random random) {
        var data = MemorySegment.ofArray(new byte[4096]);
        var command = new NvmCommand();
        try {
            switch (random.nextInt(5)) {
                case 0 -> {
                    command.reset(AdminOpcode.IDENTIFY, 0);
                    command.cdw10 = IdentifyCns.CONTROLLER;
                    controller.admin(command, data, ADMIN_BOUND);
                }
                case 1 -> {
                    command.reset(AdminOpcode.GET_LOG_PAGE, -1);
                    command.cdw10 = LogPageId.SMART_HEALTH_INFORMATION | 127 << 16;
                    controller.admin(command, data, ADMIN_BOUND);
                }
                case 2 -> controller.refreshNamespaces();
                case 3 -> controller.property(0, 8);
                default -> controller.reset("test");
            }
        } catch (NvmeException told) {
            assertThat(told.getMessage()).contains("liar");
        }
    }
}
