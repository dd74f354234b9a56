package io.doorbell.emulator.vfiouser;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.ExportedAccess;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciException;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.UnixSocket;
import io.doorbell.vfiouser.Capabilities;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.DeviceInfo;
import io.doorbell.vfiouser.DmaUnmap;
import io.doorbell.vfiouser.Header;
import io.doorbell.vfiouser.IrqInfo;
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
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client, from its VERSION to the end of its connection: a claim of the function, and what the client made of it. The channel's thread handles
 * everything.
 *
 * <p><b>Doorbells.</b> The client maps those it stores to, and a store wakes nobody. A client that asks for the region's signs signals an eventfd
 * when the device may sleep; then a thread waits for it and wakes the device, which sleeps as deep as in one process. One that does not ask (SPDK's
 * initiator) makes the device look again and again: see {@link ExportedAccess#signalled}.
 */
final class Session implements MessageChannel.Handler {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    private static final int MAX_DESCRIPTORS = 8;
    private static final Capabilities OURS =
            new Capabilities(MAX_DESCRIPTORS, Header.MAX_DATA_BYTES, ClientMemory.MAX_REGIONS, 4096);

    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private final EmulatedFunction function;
    private final MessageChannel channel;
    private final CountDownLatch agreed = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);

    private volatile boolean introduced;

    // The channel's thread.
    private ExportedAccess access;
    private ClientMemory memory;
    private ConfigurationSpace configuration;
    private Interrupts interrupts;
    private EventFd sign;

    Session(EmulatedFunction function, UnixSocket socket) {
        this.function = function;
        channel = MessageChannel.open("client of " + function.address(), socket, this);
    }

    /** Whether the client has introduced itself within the bound. */
    boolean awaitAgreement(Duration bound) throws InterruptedException {
        return agreed.await(bound.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Whether the session has ended within the bound, and everything of it is gone. */
    boolean awaitEnd(Duration bound) throws InterruptedException {
        return ended.await(bound.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Whether the client has introduced itself, and not everything of it is gone yet. */
    boolean holdsTheFunction() {
        return introduced && ended.getCount() > 0;
    }

    /** Whether the client has left; what is left of it may yet be put away. */
    boolean isEnding() {
        return channel.isEnding();
    }

    /** Ends the connection and waits until everything of it is gone. */
    void close() {
        channel.close();
    }

    @Override
    public Reply handle(Message message) {
        if (access == null) {
            return begin(message);
        }
        return switch (message.command()) {
            case Command.DMA_MAP -> {
                memory.map(message);
                yield Reply.EMPTY;
            }
            case Command.DMA_UNMAP -> {
                // SPDK's initiator sends its descriptor along here too.
                var unmap = DmaUnmap.decode(message.payload());
                memory.unmap(unmap);
                yield new Reply(unmap.encode());
            }
            case Command.DEVICE_GET_INFO -> {
                DeviceInfo.decodeQuestion(message.payload());
                yield new Reply(new DeviceInfo(
                                DeviceInfo.RESET | DeviceInfo.PCI, RegionInfo.PCI_REGION_COUNT, IrqInfo.PCI_KINDS)
                        .encode());
            }
            case Command.DEVICE_GET_REGION_INFO -> region(RegionInfo.Question.decode(message.payload()));
            case Command.DEVICE_GET_REGION_IO_FDS -> signs(RegionSigns.Question.decode(message.payload()));
            case Command.DEVICE_GET_IRQ_INFO -> irq(IrqInfo.decode(message.payload()));
            case Command.DEVICE_SET_IRQS -> {
                interrupts.set(message);
                yield Reply.EMPTY;
            }
            case Command.REGION_READ -> read(RegionAccess.decodeRead(message.payload()));
            case Command.REGION_WRITE -> {
                var write = RegionAccess.decodeWithData(message.payload());
                write(write, RegionAccess.data(message.payload()));
                yield new Reply(write.encode());
            }
            case Command.DEVICE_RESET -> {
                interrupts.close();
                access.reset();
                access.busMaster(false);
                configuration = configuration();
                yield Reply.EMPTY;
            }
            default ->
                throw new ProtocolException(
                        ProtocolException.ENOTSUP, Command.name(message.command()) + " is not for a server");
        };
    }

    private Reply begin(Message message) {
        if (message.command() != Command.VERSION || message.descriptorCount() > 0) {
            throw new ProtocolException("the first message is " + Command.name(message.command()) + " with "
                    + message.descriptorCount() + " descriptors");
        }
        var version = Version.decode(message.payload());
        try {
            access = function.open("a vfio-user client");
        } catch (PciException refused) {
            throw new ProtocolException(ProtocolException.EBUSY, refused.getMessage());
        }
        // Until it asks for the signs it is one that only stores.
        access.signalled(false);
        access.busMaster(false);
        memory = new ClientMemory(access);
        interrupts = new Interrupts(access);
        configuration = configuration();
        access.onRemoval(reason -> Thread.startVirtualThread(channel::close));
        introduced = true;
        agreed.countDown();
        return new Reply(version.answer(OURS).encode());
    }

    private ConfigurationSpace configuration() {
        return new ConfigurationSpace(function.identity(), bar0Bytes(), interrupts.bar4Bytes(), interrupts.vectors());
    }

    private int bar0Bytes() {
        return (int) access.bar0().mappedBytes();
    }

    private Reply region(RegionInfo.Question question) {
        int readWrite = RegionInfo.READABLE | RegionInfo.WRITABLE;
        var info = switch (question.index()) {
            case RegionInfo.BAR0 ->
                new RegionInfo(
                        question.index(),
                        readWrite | RegionInfo.MAPPABLE,
                        bar0Bytes(),
                        0,
                        List.of(new RegionInfo.Area(Registers.DOORBELLS, bar0Bytes() - Registers.DOORBELLS)));
            case RegionInfo.BAR4 -> new RegionInfo(question.index(), readWrite, interrupts.bar4Bytes(), 0, List.of());
            case RegionInfo.CONFIGURATION ->
                new RegionInfo(question.index(), readWrite, ConfigurationSpace.SIZE_BYTES, 0, List.of());
            default -> {
                if (question.index() < 0 || question.index() >= RegionInfo.PCI_REGION_COUNT) {
                    throw new ProtocolException("region " + question.index());
                }
                yield new RegionInfo(question.index(), 0, 0, 0, List.of());
            }
        };
        var payload = info.encode(question.argsz());
        return !info.areas().isEmpty() && info.fits(question.argsz())
                ? new Reply(payload, access.bar0().fd())
                : new Reply(payload);
    }

    private Reply signs(RegionSigns.Question question) {
        if (question.index() != RegionInfo.BAR0) {
            return new Reply(new RegionSigns(question.index(), List.of()).encode(question.argsz()));
        }
        int doorbellBytes = bar0Bytes() - Registers.DOORBELLS;
        var signs = new RegionSigns(
                RegionInfo.BAR0,
                List.of(new RegionSigns.Sign(
                        Registers.DOORBELLS, doorbellBytes, RegionSigns.SHADOWED, 0, 1, Registers.DOORBELLS)));
        var payload = signs.encode(question.argsz());
        if (!signs.fits(question.argsz())) {
            return new Reply(payload);
        }
        if (sign == null) {
            sign = EventFd.create();
            access.signalled(true);
            Thread.ofPlatform()
                    .name("vfio-user sign of " + function.address())
                    .daemon()
                    .start(() -> passOn(sign, access));
        }
        return new Reply(payload, sign.fd(), access.bar0().fd());
    }

    /** Wakes the device whenever the client signals. */
    private static void passOn(EventFd sign, ExportedAccess access) {
        try {
            while (true) {
                if (sign.await(Long.MAX_VALUE)) {
                    sign.drain();
                    access.doorbellStored();
                }
            }
        } catch (IllegalStateException ended) {
            // The session has closed the sign.
        }
    }

    private Reply irq(IrqInfo question) {
        return new Reply(
                new IrqInfo(IrqInfo.EVENTFD | IrqInfo.NO_RESIZE, question.index(), interrupts.count(question.index()))
                        .encode());
    }

    private Reply read(RegionAccess read) {
        var payload = read.encodeWithData();
        var data = RegionAccess.data(payload);
        switch (read.region()) {
            case RegionInfo.BAR0 -> readRegisters(read, data);
            case RegionInfo.BAR4 -> interrupts.readBar4(read.offset(), data);
            case RegionInfo.CONFIGURATION -> configuration.read(read.offset(), data);
            default -> throw new ProtocolException("a read of region " + read.region());
        }
        return new Reply(payload);
    }

    private void write(RegionAccess write, MemorySegment data) {
        switch (write.region()) {
            case RegionInfo.BAR0 -> writeRegister(write, data);
            case RegionInfo.BAR4 -> interrupts.writeBar4(write.offset(), data);
            case RegionInfo.CONFIGURATION -> {
                configuration.write(write.offset(), data);
                access.busMaster(configuration.isBusMaster());
                interrupts.maskFunction(configuration.masksInterrupts());
            }
            default -> throw new ProtocolException("a write to region " + write.region());
        }
    }

    /** Registers of 4 and of 8 bytes, and any number of them. */
    private void readRegisters(RegionAccess read, MemorySegment data) {
        requireRegister(read, Integer.BYTES);
        int offset = (int) read.offset();
        for (int at = 0; at < read.count(); ) {
            if ((offset + at) % Long.BYTES == 0
                    && read.count() - at >= Long.BYTES
                    && offset + at < Registers.DOORBELLS) {
                data.set(LE64, at, access.readRegister64(offset + at));
                at += Long.BYTES;
            } else {
                data.set(LE32, at, access.readRegister32(offset + at));
                at += Integer.BYTES;
            }
        }
    }

    private void writeRegister(RegionAccess write, MemorySegment data) {
        int offset = (int) write.offset();
        if (write.count() == Long.BYTES && write.offset() < Registers.DOORBELLS) {
            requireRegister(write, Long.BYTES);
            register(() -> access.writeRegister64(offset, data.get(LE64, 0)));
        } else if (write.count() == Integer.BYTES) {
            requireRegister(write, Integer.BYTES);
            register(() -> access.writeRegister32(offset, data.get(LE32, 0)));
        } else {
            throw new ProtocolException(write + ": registers are written with 4 or 8 bytes");
        }
    }

    private static void register(Runnable write) {
        try {
            write.run();
        } catch (PciException refused) {
            throw new ProtocolException(ProtocolException.EIO, refused.getMessage());
        }
    }

    private void requireRegister(RegionAccess access, int width) {
        if (access.offset() % width != 0
                || access.count() % width != 0
                || access.offset() > bar0Bytes() - access.count()) {
            throw new ProtocolException(access + ": no register is there");
        }
    }

    @Override
    public void ended(String reason) {
        try {
            putAway(reason);
        } catch (RuntimeException failed) {
            LOG.warn("{}: what a client left could not all be put away", function.address(), failed);
        } finally {
            agreed.countDown();
            ended.countDown();
        }
    }

    private void putAway(String reason) {
        if (access == null) {
            LOG.debug("{}: a vfio-user client did not begin: {}", function.address(), reason);
            return;
        }
        LOG.info("{}: its vfio-user client has left: {}", function.address(), reason);
        // Whatever fails: the function is not to be claimed for ever.
        try {
            interrupts.close();
        } finally {
            try {
                if (sign != null) {
                    sign.close();
                }
            } finally {
                try {
                    // First the device lets go, then its memory does.
                    access.close();
                } finally {
                    memory.close();
                }
            }
        }
    }
}
