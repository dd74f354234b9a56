package io.doorbell.emulator.vfiouser;

import static io.doorbell.emulator.vfiouser.RawClient.IOVA;
import static io.doorbell.emulator.vfiouser.RawClient.MEMORY_BYTES;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.SharedMemory;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.vfiouser.Capabilities;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.DeviceDirectory;
import io.doorbell.vfiouser.DeviceInfo;
import io.doorbell.vfiouser.DmaMap;
import io.doorbell.vfiouser.DmaUnmap;
import io.doorbell.vfiouser.IrqInfo;
import io.doorbell.vfiouser.IrqSet;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.RegionAccess;
import io.doorbell.vfiouser.RegionInfo;
import io.doorbell.vfiouser.Reply;
import io.doorbell.vfiouser.Version;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class VfioUserServerTest {
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final int IDENTIFY_CONTROLLER = 1;

    @TempDir
    Path directory;

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test");
    private EmulatedFunction function;
    private VfioUserServer server;

    @BeforeEach
    void start() {
        subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512")));
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
        server = new VfioUserServer(function, directory);
    }

    @AfterEach
    void stop() {
        server.close();
        function.close();
        subsystem.close();
        reactors.close();
    }

    @Test
    void saysWhatItIs() {
        try (var client = RawClient.connect(directory)) {
            DeviceInfo info;
            try (var answer = client.ask(Command.DEVICE_GET_INFO, DeviceInfo.question())) {
                info = DeviceInfo.decode(answer.payload());
            }

            assertThat(info).isEqualTo(new DeviceInfo(DeviceInfo.RESET | DeviceInfo.PCI, 9, 5));
            assertThat(client.read(RegionInfo.CONFIGURATION, 0, 4).get(LE32, 0)).isEqualTo(0x0010_1B36);
            assertThat(client.read(RegionInfo.CONFIGURATION, 8, 4).get(LE32, 0)).isEqualTo(0x0108_0202);
            assertThat(client.read32(Registers.VS)).isEqualTo(0x0002_0000);
            for (int index = 0; index < info.regionCount(); index++) {
                try (var answer = client.ask(Command.DEVICE_GET_REGION_INFO, RegionInfo.question(index, 4096))) {
                    var region = RegionInfo.decode(answer.payload(), index);
                    assertThat(answer.descriptorCount())
                            .isEqualTo(region.areas().size());
                    assertThat(region.areas().isEmpty()).isEqualTo(index != RegionInfo.BAR0);
                }
            }
        }
    }

    @Test
    void aRegionWithoutRoomForItsAreasComesWithoutItsDescriptor() {
        try (var client = RawClient.connect(directory);
                var answer = client.ask(Command.DEVICE_GET_REGION_INFO, RegionInfo.question(RegionInfo.BAR0, 32))) {
            assertThat(answer.descriptorCount()).isZero();
            assertThat(RegionInfo.argsz(answer.payload())).isEqualTo(64);
        }
    }

    @Test
    void barsTellTheirLengthAndOnlyWhatIsWritableIsWritten() {
        try (var client = RawClient.connect(directory)) {
            client.write(RegionInfo.CONFIGURATION, 0, new byte[] {1, 2, 3, 4});
            client.write(RegionInfo.CONFIGURATION, 0x10, new byte[] {-1, -1, -1, -1});
            client.write(RegionInfo.CONFIGURATION, 4, new byte[] {-1, -1});

            assertThat(client.read(RegionInfo.CONFIGURATION, 0, 4).get(LE32, 0)).isEqualTo(0x0010_1B36);
            assertThat(client.read(RegionInfo.CONFIGURATION, 0x10, 4).get(LE32, 0))
                    .isEqualTo(-8192 | 4);
            assertThat(client.read(RegionInfo.CONFIGURATION, 4, 4).get(LE32, 0)).isEqualTo(0x0010_0546);
            // The list of capabilities: MSI-X, and nothing after it.
            int at = client.read(RegionInfo.CONFIGURATION, 0x34, 1).get(ValueLayout.JAVA_BYTE, 0);
            assertThat(client.read(RegionInfo.CONFIGURATION, at, 2).get(ValueLayout.JAVA_SHORT_UNALIGNED, 0))
                    .isEqualTo((short) 0x11);
        }
    }

    @Test
    void executesCommandsOfAClientThatOnlyStoresDoorbells() {
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();

            for (int i = 0; i < 20; i++) {
                var data = client.memory.segment().asSlice(RawClient.DATA, 4096);
                data.fill((byte) 0);
                int status = client.admin(AdminOpcode.IDENTIFY, 0, IOVA + RawClient.DATA, IDENTIFY_CONTROLLER);

                assertThat(status).isZero();
                assertThat(new String(data.asSlice(4, 7).toArray(ValueLayout.JAVA_BYTE)))
                        .isEqualTo("SERIAL1");
            }
        }
    }

    @Test
    void aDeviceWhoseClientOnlyStoresNapsAndOneWhoseClientSignalsSleeps() {
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();

            // At 1 ms the longest there are 1000 of them in a second, at 100 ms (the model's tick) ten. A busy machine
            // takes its
            // time to wake who naps, but not all the time.
            RawClient.await(() -> parksPerSecond() > 50);
        }
        RawClient.await(() -> !server.hasClient());
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapSignalledDoorbells();
            client.enable();

            assertThat(parksPerSecond()).isLessThan(50);
            RawClient.await(() -> function.reactor().statistics().parked());
            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, IOVA + RawClient.DATA, IDENTIFY_CONTROLLER))
                    .isZero();
        }
    }

    @Test
    void whoWaitsToBeLetInIsLetGoWhenTheServerCloses() throws Exception {
        var goOn = new CountDownLatch(1);
        try {
            try (var _ = RawClient.connect(directory)) {
                // What it leaves is not put away before the device's thread goes on.
                function.reactor().execute(() -> awaitQuietly(goOn));
            }
            try (var second = RawClient.open(directory)) {
                RawClient.await(VfioUserServerTest::acceptorWaits);

                var closing = Thread.ofPlatform().start(server::close);

                RawClient.await(() -> second.channel.endedFor() != null);
                goOn.countDown();
                closing.join();
            }
        } finally {
            goOn.countDown();
        }
    }

    /** The server has let a client in, and waits for the end of the one before. */
    private static boolean acceptorWaits() {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(thread -> thread.getKey().getName().startsWith("vfio-user server of"))
                .flatMap(thread -> Arrays.stream(thread.getValue()))
                .anyMatch(frame -> frame.getMethodName().equals("awaitEnd"));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Over the time that really passes, which is no less than 200 ms. */
    private double parksPerSecond() {
        long parks = function.reactor().statistics().parks();
        long startNanos = System.nanoTime();
        RawClient.await(() -> System.nanoTime() - startNanos > 200_000_000L);
        long more = function.reactor().statistics().parks() - parks;
        return more * 1e9 / (System.nanoTime() - startNanos);
    }

    @Test
    void doorbellsMayBeWrittenByMessageToo() {
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();

            client.write32(Registers.DOORBELLS, 99);

            // 99 is no slot of a queue of 8: an asynchronous event, which nobody waits for, and the controller goes on.
            assertThat(client.read32(Registers.DOORBELLS)).isEqualTo(99);
            assertThat(client.read32(Registers.CSTS)).isEqualTo(1);
        }
    }

    @Test
    void refusesDmaRegionsThatAreNone() throws Exception {
        try (var client = RawClient.connect(directory);
                var small = SharedMemory.create("small", 4096, MappingOptions.ORDINARY);
                var sign = EventFd.create()) {
            client.map();

            assertThat(refusal(client, 3, 0, IOVA + 0x10_0000, 8192, small.fd()))
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 4096, IOVA + 0x10_0000, 4096, small.fd()))
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 0, IOVA + 0x10_0000, 4096, sign.fd())).isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 0, IOVA + 0x10_0000, 100, small.fd())).isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 0, IOVA + 1, 4096, small.fd())).isEqualTo(ProtocolException.EEXIST);
            assertThat(refusal(client, 3, 0, IOVA - 4096, 8192, small.fd())).isEqualTo(ProtocolException.EEXIST);
            assertThat(refusal(client, 3, 0, IOVA + MEMORY_BYTES - 4096, 4096, small.fd()))
                    .isEqualTo(ProtocolException.EEXIST);
            assertThat(refusal(client, 3, 0, Long.MIN_VALUE, 4096, small.fd())).isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 0, Long.MAX_VALUE & -4096, 8192, small.fd()))
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 0, IOVA + 0x10_0000, 4096, small.fd(), small.fd()))
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(refusal(client, 3, 0, IOVA + 0x10_0000, 4096, small.fd()))
                    .isZero();
        }
        RawClient.await(() -> ProcessState.mappings("small") == 0);
    }

    private static int refusal(RawClient client, int flags, long offset, long iova, long bytes, int... descriptors) {
        return client.refusal(Command.DMA_MAP, new DmaMap(flags, offset, iova, bytes).encode(), descriptors);
    }

    @Test
    void takesExactlyTheRegionAwayThatWasMapped() {
        try (var client = RawClient.connect(directory)) {
            client.map();

            assertThat(client.refusal(Command.DMA_UNMAP, new DmaUnmap(0, IOVA, 4096).encode()))
                    .isEqualTo(ProtocolException.ENOENT);
            assertThat(client.refusal(Command.DMA_UNMAP, new DmaUnmap(0, IOVA + 4096, MEMORY_BYTES - 4096).encode()))
                    .isEqualTo(ProtocolException.ENOENT);
            assertThat(client.refusal(
                            Command.DMA_UNMAP, new DmaUnmap(0, IOVA, MEMORY_BYTES).encode(), client.memory.fd()))
                    .as("SPDK's initiator sends the descriptor along")
                    .isZero();
            assertThat(client.refusal(Command.DMA_UNMAP, new DmaUnmap(0, IOVA, MEMORY_BYTES).encode()))
                    .isEqualTo(ProtocolException.ENOENT);
            client.map();
            assertThat(client.refusal(Command.DMA_UNMAP, new DmaUnmap(DmaUnmap.ALL, 0, 0).encode()))
                    .isZero();
            assertThat(ProcessState.mappings("raw-client"))
                    .as("only the client's own")
                    .isEqualTo(1);
        }
    }

    @Test
    void memoryWithoutADescriptorOrThatMayNotBeWrittenIsNotReached() {
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();
            long noFile = IOVA + 0x10_0000;
            long readOnly = IOVA + 0x20_0000;
            assertThat(refusal(client, 3, 0, noFile, 4096)).isZero();
            assertThat(refusal(client, DmaMap.READABLE, 0, readOnly, 4096, client.memory.fd()))
                    .isZero();

            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, noFile, IDENTIFY_CONTROLLER) & 0x7FF)
                    .isEqualTo(Status.DATA_TRANSFER_ERROR & 0x7FF);
            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, readOnly, IDENTIFY_CONTROLLER) & 0x7FF)
                    .isEqualTo(Status.DATA_TRANSFER_ERROR & 0x7FF);
            assertThat(refusal(client, 3, 0, noFile, 4096)).isEqualTo(ProtocolException.EEXIST);
        }
    }

    @Test
    void memoryThatItsOwnerTakesAwayIsAnErrorAndNotTheEndOfTheDevice() throws Exception {
        var file = directory.resolve("shrinks");
        long iova = IOVA + 0x10_0000;
        try (var client = RawClient.connect(directory);
                var opened = new RandomAccessFile(file.toFile(), "rw")) {
            opened.setLength(8192);
            client.map();
            client.mapDoorbells();
            client.enable();
            assertThat(refusal(client, 3, 0, iova, 8192, ProcessState.descriptor(file)))
                    .isZero();
            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, iova, IDENTIFY_CONTROLLER))
                    .isZero();

            opened.setLength(0);

            // Of an ordinary file, which cannot be sealed: SIGBUS, which the JVM makes an error of.
            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, iova, IDENTIFY_CONTROLLER))
                    .isNotZero();
        }
        RawClient.await(() -> !server.hasClient());
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();
            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, IOVA + RawClient.DATA, IDENTIFY_CONTROLLER))
                    .isZero();
        }
    }

    @Test
    void losingItsRingsIsFatalAndAResetMendsIt() {
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();

            client.ask(Command.DMA_UNMAP, new DmaUnmap(0, IOVA, MEMORY_BYTES).encode())
                    .close();
            assertThat(client.read32(Registers.CSTS) & 2).as("CFS").isEqualTo(2);
            client.ask(Command.DEVICE_RESET, Reply.EMPTY.payload()).close();

            assertThat(client.read32(Registers.CC)).isZero();
            assertThat(client.read32(Registers.CSTS)).isZero();
            client.map();
            client.enable();
            assertThat(client.admin(AdminOpcode.IDENTIFY, 0, IOVA + RawClient.DATA, IDENTIFY_CONTROLLER))
                    .isZero();
        }
    }

    @Test
    void eventFdsOfInterruptsAreKeptAndLetGo() throws Exception {
        try (var client = RawClient.connect(directory);
                var sign = EventFd.create()) {
            try (var answer = client.ask(Command.DEVICE_GET_IRQ_INFO, IrqInfo.question(IrqInfo.MSIX))) {
                assertThat(IrqInfo.decode(answer.payload()).count())
                        .isEqualTo(EmulatorSettings.DEFAULT_IO_QUEUE_PAIRS + 1);
            }
            int open = ProcessState.openDescriptors();

            client.ask(Command.DEVICE_SET_IRQS, IrqSet.eventFds(IrqInfo.MSIX, 0, 1), sign.fd())
                    .close();
            var trigger = IrqSet.eventFds(IrqInfo.MSIX, 0, 1);
            trigger.set(LE32, 4, IrqSet.NONE | IrqSet.TRIGGER);
            client.ask(Command.DEVICE_SET_IRQS, trigger).close();

            assertThat(sign.await(RawClient.BOUND.toNanos())).isTrue();
            assertThat(sign.drain()).isEqualTo(1);
            assertThat(ProcessState.openDescriptors()).isEqualTo(open + 1);
            client.ask(Command.DEVICE_SET_IRQS, IrqSet.end(IrqInfo.MSIX)).close();
            assertThat(ProcessState.openDescriptors()).isEqualTo(open);
            assertThat(client.refusal(Command.DEVICE_SET_IRQS, IrqSet.eventFds(IrqInfo.MSIX, 0, 1), client.memory.fd()))
                    .as("not an eventfd")
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(client.refusal(Command.DEVICE_GET_IRQ_INFO, IrqInfo.question(5)))
                    .isEqualTo(ProtocolException.EINVAL);
        }
    }

    @Test
    void refusesAccessesThatLeaveTheirRegion() {
        try (var client = RawClient.connect(directory)) {
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, 8192, 4))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, 8188, 8))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, 2, 4))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, 0, 3))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, Long.MAX_VALUE, 4))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_WRITE, RegionInfo.BAR0, 0x14, 16))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_WRITE, RegionInfo.BAR0, 0x1000, 8))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.CONFIGURATION, 255, 2))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR4, 4096, 1))
                    .isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, 1, 0, 4)).isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, -1, 0, 4)).isTrue();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, 0, 4096))
                    .isFalse();
            assertThat(accessRefused(client, Command.REGION_READ, RegionInfo.BAR0, 0, 0))
                    .isFalse();
        }
    }

    private static boolean accessRefused(RawClient client, int command, int region, long offset, int count) {
        var access = new RegionAccess(offset, region, count);
        return client.refusal(command, command == Command.REGION_READ ? access.encode() : access.encodeWithData()) != 0;
    }

    @Test
    void answersNothingBeforeVersionAndVersionOnlyOnce() {
        try (var client = RawClient.open(directory)) {
            assertThat(client.refusal(Command.DEVICE_GET_INFO, DeviceInfo.question()))
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(client.refusal(Command.VERSION, new Version(1, 0, Capabilities.DEFAULT).encode()))
                    .isEqualTo(ProtocolException.EINVAL);
            assertThat(client.introduce().minor()).isEqualTo(1);
            assertThat(client.refusal(Command.VERSION, new Version(0, 1, Capabilities.DEFAULT).encode()))
                    .isEqualTo(ProtocolException.ENOTSUP);
            assertThat(client.refusal(77, Reply.EMPTY.payload())).isEqualTo(ProtocolException.ENOTSUP);
        }
    }

    @Test
    void servesOneClientAtATimeAndTheNextAfterIt() throws Exception {
        try (var first = RawClient.connect(directory)) {
            try (var second = RawClient.open(directory)) {
                assertThat(second.awaitEnd()).isNotEmpty();
            }
            assertThat(first.read32(Registers.VS)).isEqualTo(0x0002_0000);
        }
        RawClient.await(() -> !server.hasClient());
        try (var next = RawClient.connect(directory)) {
            assertThat(next.read32(Registers.CC)).isZero();
        }
    }

    @Test
    void aDriverInThisProcessKeepsOthersOut() {
        try (var claim = function.open("somebody");
                var client = RawClient.open(directory)) {
            assertThat(claim.removed()).isFalse();
            assertThatThrownBy(client::introduce)
                    .isInstanceOfSatisfying(
                            ProtocolException.class,
                            refused -> assertThat(refused.errno()).isEqualTo(ProtocolException.EBUSY));
        }
    }

    @Test
    void whatAClientLeavesBehindIsPutAway() throws Exception {
        int open = ProcessState.openDescriptors();
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapSignalledDoorbells();
            client.enable();
            assertThat(ProcessState.mappings("raw-client")).isEqualTo(2);
        }

        RawClient.await(() -> ProcessState.mappings("raw-client") == 0);
        RawClient.await(() -> ProcessState.mappings("bar0-nvme0") == 0);
        RawClient.await(() -> ProcessState.openDescriptors() <= open);
    }

    @Test
    void aFunctionThatIsRemovedEndsTheConnection() throws Exception {
        try (var client = RawClient.connect(directory)) {
            function.remove("pulled out");

            assertThat(client.awaitEnd()).isNotEmpty();
        }
        try (var client = RawClient.open(directory)) {
            assertThatThrownBy(client::introduce).isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void closeEndsTheConnectionAndTheSocket() throws Exception {
        try (var client = RawClient.connect(directory)) {
            client.map();
            client.mapDoorbells();
            client.enable();

            server.close();
            server.close();

            assertThat(client.awaitEnd()).isNotEmpty();
            assertThatThrownBy(() -> client.read32(Registers.CSTS)).isInstanceOf(ChannelException.class);
            assertThatThrownBy(() -> RawClient.open(directory)).isInstanceOf(PlatformException.class);
        }
        assertThat(directory.resolve(DeviceDirectory.SOCKET)).doesNotExist();
    }

    @Test
    void sayingNothingIsNotWaitedForForever() {
        // A socket that is silent after it connected: the next client is let in when the bound has passed. Only that it
        // holds nobody's claim is looked at here, because the bound is long.
        try (var silent = RawClient.open(directory);
                var claim = function.open("somebody")) {
            assertThat(claim.removed()).isFalse();
            assertThat(silent.channel.endedFor()).isNull();
        }
    }

    @Test
    void aSocketThatSomebodyListensAtIsNotTaken() {
        assertThatThrownBy(() -> new VfioUserServer(function, directory))
                .isInstanceOf(PlatformException.class)
                .hasMessageContaining("EADDRINUSE");
        assertThat(server.hasClient()).isFalse();
    }
}
