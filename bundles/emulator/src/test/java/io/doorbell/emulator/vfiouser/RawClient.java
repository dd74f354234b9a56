package io.doorbell.emulator.vfiouser;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.PeerMemory;
import io.doorbell.platform.SharedMemory;
import io.doorbell.platform.UnixSocket;
import io.doorbell.vfiouser.Capabilities;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.DeviceDirectory;
import io.doorbell.vfiouser.DmaMap;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.MessageChannel;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.RegionAccess;
import io.doorbell.vfiouser.RegionInfo;
import io.doorbell.vfiouser.RegionSigns;
import io.doorbell.vfiouser.Reply;
import io.doorbell.vfiouser.Version;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A client that does one thing at a time, and whatever a test wants of it. */
final class RawClient implements MessageChannel.Handler, AutoCloseable {
    static final Duration BOUND = Duration.ofSeconds(60);

    /** Where the memory is for the device: nowhere near where it is for anybody else. */
    static final long IOVA = 0x1_0000_0000L;

    static final int MEMORY_BYTES = 64 << 10;
    private static final int COMPLETIONS = 4096;
    static final int DATA = 8192;
    private static final int ENTRIES = 8;
    private static final int STRIDE = 4;

    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    final MessageChannel channel;
    final SharedMemory memory = SharedMemory.create("raw-client", MEMORY_BYTES, MappingOptions.ORDINARY);
    private final CompletableFuture<String> ended = new CompletableFuture<>();
    private PeerMemory doorbells;
    private EventFd sign;
    private int tail;
    private int head;
    private int phase = 1;

    private RawClient(UnixSocket socket) {
        channel = MessageChannel.open("server", socket, this);
    }

    /** Connected, and not introduced. */
    static RawClient open(Path directory) {
        return new RawClient(UnixSocket.connect(directory.resolve(DeviceDirectory.SOCKET), BOUND));
    }

    /** Connected and introduced. */
    static RawClient connect(Path directory) {
        var client = open(directory);
        try {
            client.introduce();
            return client;
        } catch (RuntimeException refused) {
            client.close();
            throw refused;
        }
    }

    Version introduce() {
        try (var answer = ask(Command.VERSION, new Version(0, 1, Capabilities.DEFAULT).encode())) {
            return Version.decode(answer.payload());
        }
    }

    Message ask(int command, MemorySegment payload, int... descriptors) {
        return channel.request(command, payload, BOUND, descriptors);
    }

    void map() {
        ask(Command.DMA_MAP, new DmaMap(3, 0, IOVA, MEMORY_BYTES).encode(), memory.fd())
                .close();
    }

    MemorySegment read(int region, long offset, int count) {
        try (var answer = ask(Command.REGION_READ, new RegionAccess(offset, region, count).encode())) {
            RegionAccess.decodeWithData(answer.payload());
            return RegionAccess.data(answer.payload());
        }
    }

    int read32(long offset) {
        return read(RegionInfo.BAR0, offset, 4).get(LE32, 0);
    }

    void write(int region, long offset, byte... data) {
        var payload = new RegionAccess(offset, region, data.length).encodeWithData();
        RegionAccess.data(payload).copyFrom(MemorySegment.ofArray(data));
        ask(Command.REGION_WRITE, payload).close();
    }

    void write32(long offset, int value) {
        var data = new byte[4];
        MemorySegment.ofArray(data).set(LE32, 0, value);
        write(RegionInfo.BAR0, offset, data);
    }

    void write64(long offset, long value) {
        var data = new byte[8];
        MemorySegment.ofArray(data).set(LE64, 0, value);
        write(RegionInfo.BAR0, offset, data);
    }

    /** Maps doorbells as a client that only stores does. */
    void mapDoorbells() {
        try (var answer = ask(Command.DEVICE_GET_REGION_INFO, RegionInfo.question(RegionInfo.BAR0, 4096))) {
            var area =
                    RegionInfo.decode(answer.payload(), RegionInfo.BAR0).areas().getFirst();
            try (var descriptor = answer.take(0)) {
                doorbells = PeerMemory.map(descriptor, area.offset(), area.bytes());
            }
        }
    }

    /** Maps doorbells as a client that signals does. */
    void mapSignalledDoorbells() {
        try (var answer = ask(Command.DEVICE_GET_REGION_IO_FDS, RegionSigns.question(RegionInfo.BAR0))) {
            var only = RegionSigns.decode(answer.payload(), RegionInfo.BAR0)
                    .signs()
                    .getFirst();
            sign = EventFd.of(answer.take(only.eventDescriptor()));
            try (var descriptor = answer.take(only.memoryDescriptor())) {
                doorbells = PeerMemory.map(descriptor, only.memoryOffset(), only.bytes());
            }
        }
    }

    /** Whether the device may reach memory. */
    void busMaster(boolean now) {
        write(RegionInfo.CONFIGURATION, 4, (byte) (now ? 6 : 2), (byte) 0);
    }

    /** Enables the controller with admin queues in the memory, which is mapped. */
    void enable() {
        busMaster(true);
        write32(Registers.AQA, ENTRIES - 1 << 16 | ENTRIES - 1);
        write64(Registers.ASQ, IOVA);
        write64(Registers.ACQ, IOVA + COMPLETIONS);
        memory.segment().asSlice(0, DATA).fill((byte) 0);
        tail = 0;
        head = 0;
        phase = 1;
        write32(Registers.CC, 0x46_0001);
        awaitStatus(1);
    }

    void disable() {
        write32(Registers.CC, 0);
        awaitStatus(0);
    }

    private void awaitStatus(int ready) {
        await(() -> (read32(Registers.CSTS) & 1) == ready);
    }

    void submitKeepAlive() {
        submit(AdminOpcode.KEEP_ALIVE, 0, 0, 0);
    }

    boolean hasCompletion() {
        return CompletionEntry.phase(
                        CompletionEntry.tail(memory.segment(), COMPLETIONS + (long) head * CompletionEntry.SIZE_BYTES))
                == phase;
    }

    private void submit(int opcode, int nsid, long prp1, int cdw10) {
        long entry = (long) tail * SubmissionEntry.SIZE_BYTES;
        var ring = memory.segment();
        SubmissionEntry.encode(ring, entry, opcode, 0, 100 + tail, nsid, 0, prp1, 0, cdw10, 0, 0, 0, 0, 0);
        tail = (tail + 1) % ENTRIES;
        Doorbell.store(doorbells.segment(), Doorbell.shadowSubmissionTailOffset(0, STRIDE), tail);
        if (sign != null) {
            sign.signal();
        }
    }

    /** Sends an admin command by a store to its doorbell, and waits. Returns the status. */
    int admin(int opcode, int nsid, long prp1, int cdw10) {
        submit(opcode, nsid, prp1, cdw10);
        var ring = memory.segment();
        long at = COMPLETIONS + (long) head * CompletionEntry.SIZE_BYTES;
        await(this::hasCompletion);
        int status = CompletionEntry.status(CompletionEntry.tail(ring, at));
        head = (head + 1) % ENTRIES;
        phase ^= head == 0 ? 1 : 0;
        Doorbell.store(doorbells.segment(), Doorbell.shadowCompletionHeadOffset(0, STRIDE), head);
        return status;
    }

    static void await(BooleanSupplier condition) {
        long startNanos = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - startNanos > BOUND.toNanos()) {
                throw new AssertionError("waited for " + BOUND);
            }
            Thread.yield();
        }
    }

    /** The errno with which the server refuses, or 0. */
    int refusal(int command, MemorySegment payload, int... descriptors) {
        try {
            ask(command, payload, descriptors).close();
            return 0;
        } catch (ProtocolException refused) {
            return refused.errno();
        }
    }

    String awaitEnd() throws Exception {
        return ended.get(BOUND.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public Reply handle(Message message) {
        throw new ProtocolException("nothing is asked of this client");
    }

    @Override
    public void ended(String reason) {
        ended.complete(reason);
    }

    @Override
    public void close() {
        channel.close();
        memory.close();
        if (doorbells != null) {
            doorbells.close();
        }
        if (sign != null) {
            sign.close();
        }
    }
}
