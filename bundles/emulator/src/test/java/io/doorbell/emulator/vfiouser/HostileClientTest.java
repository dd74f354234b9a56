package io.doorbell.emulator.vfiouser;

import static io.doorbell.emulator.vfiouser.RawClient.IOVA;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.SharedMemory;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.DeviceInfo;
import io.doorbell.vfiouser.DmaMap;
import io.doorbell.vfiouser.DmaUnmap;
import io.doorbell.vfiouser.IrqInfo;
import io.doorbell.vfiouser.IrqSet;
import io.doorbell.vfiouser.RegionAccess;
import io.doorbell.vfiouser.RegionInfo;
import io.doorbell.vfiouser.RegionSigns;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A client that sends what it likes, beside a real controller: some thousand messages, or {@code -Ddoorbell.fuzz=N}. */
class HostileClientTest {
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final int IDENTIFY_CONTROLLER = 1;
    private static final int MOST_OF_A_SESSION = 200;

    @TempDir
    Path directory;

    @Test
    void breaksOnlyItsOwnSession() {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("hostile client: -Ddoorbell.seed=" + seed);
        var random = new Random(seed);
        try (var reactors = new ReactorPool(ReactorOptions.DEFAULT);
                var subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test")) {
            subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512")));
            try (var function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
                    var server = new VfioUserServer(function, directory)) {
                int open = ProcessState.openDescriptors();

                harass(random, server);

                try (var client = RawClient.connect(directory)) {
                    client.map();
                    client.mapDoorbells();
                    client.enable();
                    assertThat(client.admin(AdminOpcode.IDENTIFY, 0, IOVA + RawClient.DATA, IDENTIFY_CONTROLLER))
                            .isZero();
                }
                RawClient.await(() -> ProcessState.mappings("fuzz") == 0);
                RawClient.await(() -> ProcessState.openDescriptors() <= open);
            }
        }
    }

    private void harass(Random random, VfioUserServer server) {
        int left = Integer.getInteger("doorbell.fuzz", 3_000);
        try (var sign = EventFd.create();
                var memory = SharedMemory.create("fuzz", 1 << 20, MappingOptions.ORDINARY)) {
            while (left > 0) {
                left -= session(random, sign, memory, Math.min(left, MOST_OF_A_SESSION));
                RawClient.await(() -> !server.hasClient());
            }
        }
    }

    /** Some commands, of which most are nearly good. Returns how many. */
    private int session(Random random, EventFd sign, SharedMemory memory, int most) {
        int sent = 0;
        try (var client = RawClient.connect(directory)) {
            while (sent < most) {
                sent++;
                var command = 1 + random.nextInt(18);
                var payload = mutated(random, command);
                var descriptors = switch (random.nextInt(8)) {
                    case 0 -> new int[] {sign.fd()};
                    case 1, 2, 3 -> new int[] {memory.fd()};
                    case 4 -> new int[] {memory.fd(), sign.fd()};
                    default -> new int[0];
                };
                client.refusal(command, payload, descriptors);
            }
        } catch (ChannelException ended) {
            // It was thrown out.
        }
        return sent;
    }

    private static MemorySegment mutated(Random random, int command) {
        int place = random.nextInt(16);
        long iova = IOVA + place * 0x1_0000L;
        MemorySegment payload = switch (command) {
            case Command.DMA_MAP -> new DmaMap(3, 4096L * random.nextInt(4), iova, 4096L << random.nextInt(6)).encode();
            case Command.DMA_UNMAP -> new DmaUnmap(0, iova, 4096L << random.nextInt(6)).encode();
            case Command.DEVICE_GET_INFO -> DeviceInfo.question();
            case Command.DEVICE_GET_REGION_INFO -> RegionInfo.question(random.nextInt(10), 4096);
            case Command.DEVICE_GET_REGION_IO_FDS -> RegionSigns.question(random.nextInt(2));
            case Command.DEVICE_GET_IRQ_INFO -> IrqInfo.question(random.nextInt(6));
            case Command.DEVICE_SET_IRQS -> IrqSet.eventFds(IrqInfo.MSIX, 0, 1);
            case Command.REGION_READ ->
                new RegionAccess(4L * random.nextInt(3000), random.nextInt(9), 4 << random.nextInt(2)).encode();
            case Command.REGION_WRITE -> {
                int[] registers = {
                    Registers.AQA, Registers.ASQ, Registers.ACQ, Registers.CC, 0x1000, 4 * random.nextInt(2048)
                };
                var write = new RegionAccess(registers[random.nextInt(6)], 0, 4 << random.nextInt(2)).encodeWithData();
                var data = RegionAccess.data(write);
                data.set(
                        LE32,
                        0,
                        new int[] {0x0007_0007, (int) IOVA, 0x46_0001, 0, random.nextInt()}[random.nextInt(5)]);
                yield write;
            }
            default -> MemorySegment.ofArray(new byte[random.nextInt(64)]);
        };
        byte[] bytes = payload.toArray(ValueLayout.JAVA_BYTE);
        if (bytes.length > 0 && random.nextInt(3) == 0) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        if (random.nextInt(16) == 0) {
            bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 16));
        }
        return MemorySegment.ofArray(bytes);
    }
}
