package io.doorbell.pcie.vfiouser;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.doorbell.pci.PciException;
import io.doorbell.pci.PciIdentity;
import io.doorbell.platform.UnixSocket;
import io.doorbell.vfiouser.Capabilities;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.DeviceInfo;
import io.doorbell.vfiouser.DmaMap;
import io.doorbell.vfiouser.DmaUnmap;
import io.doorbell.vfiouser.Header;
import io.doorbell.vfiouser.IrqInfo;
import io.doorbell.vfiouser.IrqSet;
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
import java.time.Duration;

/**
 * A device at the other end of a connection: what can be asked of it, each as a call. Any thread. Calls throw {@link ProtocolException} when the
 * device refuses, {@link io.doorbell.vfiouser.ChannelException} when it is gone.
 */
final class VfioUserDevice implements AutoCloseable {
    /** The descriptors we take in one message: those of a region and of its signs. */
    private static final int MAX_DESCRIPTORS = 8;

    private static final Capabilities OURS =
            new Capabilities(MAX_DESCRIPTORS, Header.MAX_DATA_BYTES, Capabilities.DEFAULT.maxDmaMaps(), 4096);

    private static final ValueLayout.OfShort LE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    // PCI Express Base 6.0 §7.5.1 "PCI-Compatible Configuration Registers".
    private static final int CONFIGURATION_ID = 0x00;
    private static final int CONFIGURATION_COMMAND = 0x04;
    private static final int CONFIGURATION_CLASS = 0x08;
    private static final int CONFIGURATION_SUBSYSTEM = 0x2C;
    private static final int COMMAND_MEMORY_SPACE = 1 << 1;
    private static final int COMMAND_BUS_MASTER = 1 << 2;
    private static final int COMMAND_INTX_DISABLE = 1 << 10;

    private final MessageChannel channel;
    private final Duration answerBound;
    private final Capabilities theirs;
    private final boolean resettable;

    /**
     * Agrees on a version.
     *
     * @throws PciException if what answers is no PCI device of our protocol
     */
    VfioUserDevice(String name, UnixSocket socket, MessageChannel.Handler handler, Duration answerBound) {
        this.answerBound = answerBound;
        channel = MessageChannel.open(name, socket, handler);
        try {
            theirs = agree(name);
            var info = info();
            if ((info.flags() & DeviceInfo.PCI) == 0 || info.regionCount() <= RegionInfo.CONFIGURATION) {
                throw new PciException(name + ": it is not a PCI function: " + info);
            }
            resettable = (info.flags() & DeviceInfo.RESET) != 0;
        } catch (RuntimeException failed) {
            channel.close();
            throw failed;
        }
    }

    private Capabilities agree(String name) {
        var proposed = new Version(Version.MAJOR, Version.MINOR, OURS);
        try (var answer = channel.request(Command.VERSION, proposed.encode(), answerBound)) {
            var version = Version.decode(answer.payload());
            if (version.minor() > Version.MINOR) {
                throw new PciException(name + ": it answers with protocol version " + version.major() + "."
                        + version.minor() + ", which was not proposed");
            }
            return version.capabilities();
        }
    }

    private DeviceInfo info() {
        try (var answer = channel.request(Command.DEVICE_GET_INFO, DeviceInfo.question(), answerBound)) {
            return DeviceInfo.decode(answer.payload());
        }
    }

    /** The most regions that can be mapped at one time. */
    int maxDmaMaps() {
        return theirs.maxDmaMaps();
    }

    /** A region, and the message that has its descriptor; the caller closes it. */
    record Region(RegionInfo info, Message answer) implements AutoCloseable {
        @Override
        public void close() {
            answer.close();
        }
    }

    Region region(int index) {
        var answer = askForRegion(index, 256);
        try {
            int needed = RegionInfo.argsz(answer.payload());
            if (Integer.compareUnsigned(needed, RegionInfo.MAX_ANSWER_BYTES) > 0) {
                throw new ProtocolException(
                        "an answer of " + Integer.toUnsignedString(needed) + " bytes about region " + index);
            }
            if (needed > answer.payload().byteSize()) {
                answer.close();
                answer = askForRegion(index, needed);
            }
            return new Region(RegionInfo.decode(answer.payload(), index), answer);
        } catch (RuntimeException refused) {
            answer.close();
            throw refused;
        }
    }

    private Message askForRegion(int index, int argsz) {
        return channel.request(Command.DEVICE_GET_REGION_INFO, RegionInfo.question(index, argsz), answerBound);
    }

    /** Where writes to a region are signalled, and the message that has the descriptors; the caller closes it. */
    record Signs(RegionSigns signs, Message answer) implements AutoCloseable {
        @Override
        public void close() {
            answer.close();
        }
    }

    /** @throws ProtocolException also if the device does not know the question, which is younger than the others */
    Signs signs(int index) {
        var answer = channel.request(Command.DEVICE_GET_REGION_IO_FDS, RegionSigns.question(index), answerBound);
        try {
            return new Signs(RegionSigns.decode(answer.payload(), index), answer);
        } catch (RuntimeException refused) {
            answer.close();
            throw refused;
        }
    }

    PciIdentity identity() {
        int id = read32(RegionInfo.CONFIGURATION, CONFIGURATION_ID);
        int revisionAndClass = read32(RegionInfo.CONFIGURATION, CONFIGURATION_CLASS);
        int subsystem = read32(RegionInfo.CONFIGURATION, CONFIGURATION_SUBSYSTEM);
        return new PciIdentity(
                id & 0xFFFF,
                id >>> 16,
                subsystem & 0xFFFF,
                subsystem >>> 16,
                revisionAndClass & 0xFF,
                revisionAndClass >>> 8);
    }

    /** Lets the function answer to its registers and reach memory, or not. */
    void busMaster(boolean enabled) {
        var command = read(RegionInfo.CONFIGURATION, CONFIGURATION_COMMAND, Short.BYTES);
        int bits = COMMAND_MEMORY_SPACE | COMMAND_BUS_MASTER | COMMAND_INTX_DISABLE;
        int old = command.get(LE16, 0);
        var value = MemorySegment.ofArray(new byte[Short.BYTES]);
        value.set(LE16, 0, (short) (enabled ? old | bits : old & ~COMMAND_BUS_MASTER));
        write(RegionInfo.CONFIGURATION, CONFIGURATION_COMMAND, value);
    }

    int read32(int region, long offset) {
        return read(region, offset, Integer.BYTES).get(LE32, 0);
    }

    long read64(int region, long offset) {
        return read(region, offset, Long.BYTES).get(LE64, 0);
    }

    void write32(int region, long offset, int value) {
        write(region, offset, data(value));
    }

    void write64(int region, long offset, long value) {
        var data = MemorySegment.ofArray(new byte[Long.BYTES]);
        data.set(LE64, 0, value);
        write(region, offset, data);
    }

    /** As {@link #write32}, but does not wait until it was done. */
    void post32(int region, long offset, int value) {
        channel.post(Command.REGION_WRITE, writing(region, offset, data(value)));
    }

    private static MemorySegment data(int value) {
        var data = MemorySegment.ofArray(new byte[Integer.BYTES]);
        data.set(LE32, 0, value);
        return data;
    }

    private MemorySegment read(int region, long offset, int count) {
        var question = new RegionAccess(offset, region, count);
        try (var answer = channel.request(Command.REGION_READ, question.encode(), answerBound)) {
            if (!RegionAccess.decodeWithData(answer.payload()).equals(question)) {
                throw new ProtocolException("an answer to " + question + " that is one to another question");
            }
            return RegionAccess.data(answer.payload());
        }
    }

    private void write(int region, long offset, MemorySegment data) {
        channel.request(Command.REGION_WRITE, writing(region, offset, data), answerBound)
                .close();
    }

    private static MemorySegment writing(int region, long offset, MemorySegment data) {
        var payload = new RegionAccess(offset, region, (int) data.byteSize()).encodeWithData();
        RegionAccess.data(payload).copyFrom(data);
        return payload;
    }

    /** Lets the device reach {@code bytes} behind a descriptor, at {@code iova}. */
    void map(int descriptor, long bytes, long iova) {
        var map = new DmaMap(DmaMap.READABLE | DmaMap.WRITABLE, 0, iova, bytes);
        channel.request(Command.DMA_MAP, map.encode(), answerBound, descriptor).close();
    }

    /** Takes a region away. When this returns, the device does not reach it any more. */
    void unmap(long iova, long bytes) {
        channel.request(Command.DMA_UNMAP, new DmaUnmap(0, iova, bytes).encode(), answerBound)
                .close();
    }

    /** Vectors of MSI-X that can be routed. */
    int interruptVectors() {
        try (var answer = channel.request(Command.DEVICE_GET_IRQ_INFO, IrqInfo.question(IrqInfo.MSIX), answerBound)) {
            var info = IrqInfo.decode(answer.payload());
            return info.index() == IrqInfo.MSIX && (info.flags() & IrqInfo.EVENTFD) != 0 ? info.count() : 0;
        } catch (ProtocolException none) {
            return 0; // It does not know the question: it is polled.
        }
    }

    /** @param descriptor of the eventfd to be signalled, or -1 for none */
    void routeInterrupt(int vector, int descriptor) {
        var payload = IrqSet.eventFds(IrqInfo.MSIX, vector, 1);
        var descriptors = descriptor < 0 ? new int[0] : new int[] {descriptor};
        channel.request(Command.DEVICE_SET_IRQS, payload, answerBound, descriptors)
                .close();
    }

    void reset() {
        if (resettable) {
            channel.request(Command.DEVICE_RESET, Reply.EMPTY.payload(), answerBound)
                    .close();
        }
    }

    /** Why the connection has ended, or null while it has not. */
    String endedFor() {
        return channel.endedFor();
    }

    @Override
    public void close() {
        channel.close();
    }
}
