package io.doorbell.pcie.vfiouser;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Descriptor;
import io.doorbell.platform.EventFd;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A device whose answers are not what they should be: some thousand lies by default, {@code -Ddoorbell.fuzz=1000000} if asked. The client gets the
 * better of each, or says what is wrong and goes on with the next: no crash, no hang, nothing left behind.
 */
@Timeout(7200)
class HostileServerTest {
    private static final int LIES = Integer.getInteger("doorbell.fuzz", 3_000);
    private static final Duration BOUND = Duration.ofSeconds(10);

    /** Claims of one connection, and rounds of one claim, unless a lie ends them. */
    private static final int CLAIMS = 8;

    private static final int ROUNDS = 64;

    @TempDir
    Path directory;

    private long refused;

    /** Owned by the relay's thread of the moment; one connection at a time. */
    private static final class Mutation implements Relay.Change {
        private final Random random;
        private double chance;
        private long answers;
        private long lies;

        Mutation(Random random) {
            this.random = random;
        }

        /** How likely a lie is from now on. */
        synchronized void chance(double now) {
            chance = now;
        }

        synchronized long lies() {
            return lies;
        }

        @Override
        public synchronized MemorySegment answer(int command, MemorySegment payload, List<Descriptor> descriptors) {
            answers++;
            if (random.nextDouble() >= chance) {
                return payload;
            }
            lies++;
            if (!descriptors.isEmpty() && random.nextInt(3) == 0) {
                descriptors.remove(random.nextInt(descriptors.size())).close();
                return payload;
            }
            byte[] bytes = payload.toArray(JAVA_BYTE);
            if (bytes.length == 0 || random.nextInt(6) == 0) {
                return MemorySegment.ofArray(Arrays.copyOf(bytes, bytes.length + lengthened(bytes.length)));
            }
            for (int changes = 1 + random.nextInt(2); changes > 0; changes--) {
                int at = random.nextInt(bytes.length);
                byte before = bytes[at];
                while (bytes[at] == before) {
                    bytes[at] = switch (random.nextInt(4)) {
                        case 0 -> 0;
                        case 1 -> -1;
                        case 2 -> (byte) (before ^ 1 << random.nextInt(8));
                        default -> (byte) random.nextInt();
                    };
                }
            }
            return MemorySegment.ofArray(bytes);
        }

        /** By how much: a part of it is missing, or something is behind it. */
        private int lengthened(int length) {
            return length > 0 && random.nextBoolean() ? -1 - random.nextInt(length) : 1 + random.nextInt(64);
        }
    }

    @Test
    void isAPciExceptionAtWorst() throws Exception {
        int mapped = ProcessState.mappings("");
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("hostile server: -Ddoorbell.seed=" + seed);
        var mutation = new Mutation(new Random(seed));
        var random = new Random(seed);
        int connections = 0;
        long start = System.nanoTime();
        try (var device = new DeviceRig(directory.resolve("device"));
                var _ = new Relay(directory.resolve("relay"), directory.resolve("device"), mutation)) {
            int open = ProcessState.openDescriptors();
            while (mutation.lies() < LIES) {
                connections++;
                // Rarely at first: a lie there is often the last one of its connection, or its claim.
                mutation.chance(random.nextDouble() / 4);
                try (var function = VfioUserFunction.connect(directory.resolve("relay"), BOUND)) {
                    for (int claim = 0; claim < CLAIMS && function.endedFor() == null; claim++) {
                        attempt(() -> claim(function, mutation, random));
                    }
                } catch (PciException told) {
                    refused(told);
                }
                ProcessState.await(() -> !device.server.hasClient());
            }
            ProcessState.await(() -> ProcessState.mappings("") <= mapped);
            ProcessState.await(() -> ProcessState.openDescriptors() <= open);
            assertThat(refused).as("refused, of %d answers", mutation.answers).isBetween(1L, mutation.answers);

            mutation.chance(0);
            refused = 0;
            try (var function = VfioUserFunction.connect(directory.resolve("relay"), BOUND);
                    var access = function.open("test")) {
                use(access, random);
            }
            assertThat(refused).as("refused of what is no lie").isZero();
        }
        System.out.printf(
                "hostile server: %d lies in %d answers over %d connections, %d ms%n",
                mutation.lies, mutation.answers, connections, (System.nanoTime() - start) / 1_000_000);
    }

    private void claim(VfioUserFunction function, Mutation mutation, Random random) {
        mutation.chance(random.nextDouble() / 4);
        try (var access = function.open("test")) {
            mutation.chance(0.5 + random.nextDouble() / 2);
            use(access, random);
            // One claim in two is to end well, so that another follows.
            mutation.chance(random.nextDouble() / 4);
        }
    }

    /** Everything that a driver does before it has brought a controller up, again and again. */
    private void use(PciAccess access, Random random) {
        access.doorbells().set(JAVA_INT, access.doorbells().byteSize() - Integer.BYTES & -4, 1);
        access.doorbellStored();
        for (int round = 0; round < ROUNDS; round++) {
            int value = round;
            attempt(() -> access.readRegister64(Registers.CAP));
            attempt(() -> access.readRegister32(Registers.CSTS));
            attempt(() -> access.writeRegister32(Registers.AQA, value));
            attempt(() -> access.writeRegister64(Registers.ASQ, value));
            attempt(() -> {
                // Mostly small: they are filled with zeros, and what is told of them does not depend on their size.
                var block = access.allocate(random.nextInt(64) == 0 ? 4 << 20 : 4096);
                block.segment().set(JAVA_LONG, 0, 1);
                block.close();
            });
        }
        if (access.interruptVectors() > 0) {
            try (var sign = EventFd.create()) {
                attempt(() -> access.routeInterrupt(0, sign));
                attempt(() -> access.routeInterrupt(0, null));
            }
        }
    }

    /** What is not as it should be is told; anything but a {@link PciException} fails the test. */
    private void attempt(Runnable step) {
        try {
            step.run();
        } catch (PciException told) {
            refused(told);
        }
    }

    private void refused(PciException told) {
        assertThat(told.getMessage()).isNotBlank();
        refused++;
    }
}
