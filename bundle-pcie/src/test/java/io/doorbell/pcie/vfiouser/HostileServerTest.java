package io.doorbell.pcie.vfiouser;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Descriptor;
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
 * A device whose answers are not what they should be: some hundred connections by default, {@code -Ddoorbell.fuzz=N} answers if asked. The client
 * gets the better of each, or says what is wrong: no crash, no hang, nothing left behind.
 */
@Timeout(600)
class HostileServerTest {
    private static final Duration BOUND = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    /** Owned by the relay's thread of the moment; one connection at a time. */
    private static final class Mutation implements Relay.Change {
        private final Random random;
        long answers;
        volatile boolean quiet;

        Mutation(Random random) {
            this.random = random;
        }

        @Override
        public synchronized MemorySegment answer(int command, MemorySegment payload, List<Descriptor> descriptors) {
            answers++;
            if (quiet || random.nextInt(4) > 0) {
                return payload;
            }
            if (!descriptors.isEmpty() && random.nextInt(3) == 0) {
                descriptors.remove(random.nextInt(descriptors.size())).close();
            }
            byte[] bytes = payload.toArray(JAVA_BYTE);
            for (int changes = random.nextInt(3); changes > 0 && bytes.length > 0; changes--) {
                int at = random.nextInt(bytes.length);
                bytes[at] = switch (random.nextInt(4)) {
                    case 0 -> 0;
                    case 1 -> -1;
                    case 2 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
                    default -> (byte) random.nextInt();
                };
            }
            return MemorySegment.ofArray(
                    random.nextInt(6) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length + 64)) : bytes);
        }
    }

    @Test
    void isAPciExceptionAtWorst() throws Exception {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("hostile server: -Ddoorbell.seed=" + seed);
        var mutation = new Mutation(new Random(seed));
        int refused = 0;
        int connections = 0;
        try (var device = new DeviceRig(directory.resolve("device"));
                var _ = new Relay(directory.resolve("relay"), directory.resolve("device"), mutation)) {
            int open = ProcessState.openDescriptors();
            while (mutation.answers < Integer.getInteger("doorbell.fuzz", 3_000)) {
                connections++;
                try {
                    use();
                } catch (PciException expected) {
                    refused++;
                }
                ProcessState.await(() -> !device.server.hasClient());
            }
            ProcessState.await(() -> ProcessState.mappings("") == 0);
            ProcessState.await(() -> ProcessState.openDescriptors() <= open);

            mutation.quiet = true;
            use();
        }
        assertThat(refused).as("of %d", connections).isPositive();
    }

    /** Everything that a driver does before it has brought a controller up. */
    private void use() {
        try (var function = VfioUserFunction.connect(directory.resolve("relay"), BOUND);
                var access = function.open("test")) {
            for (int i = 0; i < 10; i++) {
                access.readRegister64(Registers.CAP);
                access.readRegister32(Registers.CSTS);
                access.writeRegister32(Registers.AQA, i);
                access.doorbells().set(JAVA_INT, access.doorbells().byteSize() - Integer.BYTES & -4, i);
                access.doorbellStored();
                var block = access.allocate(4096L << i);
                block.segment().set(JAVA_LONG, 0, 1);
                block.close();
            }
        }
    }
}
