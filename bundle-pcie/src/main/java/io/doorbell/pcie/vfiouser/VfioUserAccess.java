package io.doorbell.pcie.vfiouser;

import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pcie.RemovalNotice;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.Command;
import io.doorbell.vfiouser.DmaAccess;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.RegionInfo;
import io.doorbell.vfiouser.Reply;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One driver's claim of a {@link VfioUserFunction}. Registers are messages; doorbells are memory; DMA memory is a file that both map. */
final class VfioUserAccess implements PciAccess {
    private static final Logger LOG = LoggerFactory.getLogger(VfioUserAccess.class);
    private static final Duration ARENA_BOUND = Duration.ofSeconds(2);

    private final VfioUserFunction function;
    private final VfioUserDevice device;
    private final String driver;
    private final SharedDmaPool dma;
    private final DoorbellPage page;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment doorbells;
    private final int interruptVectors;

    private final RemovalNotice removal = new RemovalNotice();

    VfioUserAccess(VfioUserFunction function, VfioUserDevice device, String driver) {
        this.function = function;
        this.device = device;
        this.driver = driver;
        page = DoorbellPage.of(device);
        try {
            doorbells = MemoryView.within(page.segment(), arena);
            dma = new SharedDmaPool(device, function::closeLingering);
            interruptVectors = device.interruptVectors();
            device.busMaster(true);
        } catch (RuntimeException failed) {
            MemoryView.close(arena, ARENA_BOUND);
            page.close();
            throw failed;
        }
        LOG.debug("{}: claimed by {}, doorbells {}", function.address(), driver, page.describe());
    }

    String driver() {
        return driver;
    }

    @Override
    public int readRegister32(int offset) {
        PciAccess.requireRegister(offset, Integer.BYTES);
        return ask(offset, () -> device.read32(RegionInfo.BAR0, offset), Registers.GONE);
    }

    @Override
    public long readRegister64(int offset) {
        PciAccess.requireRegister(offset, Long.BYTES);
        return ask(offset, () -> device.read64(RegionInfo.BAR0, offset), -1L);
    }

    @Override
    public void writeRegister32(int offset, int value) {
        PciAccess.requireRegister(offset, Integer.BYTES);
        ask(
                offset,
                () -> {
                    device.write32(RegionInfo.BAR0, offset, value);
                    return null;
                },
                null);
    }

    @Override
    public void writeRegister64(int offset, long value) {
        PciAccess.requireRegister(offset, Long.BYTES);
        ask(
                offset,
                () -> {
                    device.write64(RegionInfo.BAR0, offset, value);
                    return null;
                },
                null);
    }

    private <T> T ask(int offset, Supplier<T> question, T gone) {
        if (removal.reason() != null) {
            return gone;
        }
        try {
            return question.get();
        } catch (ChannelException ended) {
            // Here and not only by the channel: whoever sees all ones is told why before it draws its own conclusions.
            removed(device.endedFor());
            return gone;
        } catch (ProtocolException refused) {
            throw new PciException(
                    String.format("%s: register %Xh: %s", function.address(), offset, refused.getMessage()), refused);
        }
    }

    @Override
    public MemorySegment doorbells() {
        return doorbells;
    }

    @Override
    public void doorbellStored() {
        page.stored();
    }

    @Override
    public boolean wantsDoorbellSignal() {
        return page.wantsSignal();
    }

    @Override
    public int interruptVectors() {
        return interruptVectors;
    }

    @Override
    public void routeInterrupt(int vector, EventFd sign) {
        Objects.checkIndex(vector, interruptVectors);
        if (removal.reason() != null) {
            return; // Nothing interrupts any more.
        }
        try {
            device.routeInterrupt(vector, sign == null ? -1 : sign.fd());
        } catch (ProtocolException refused) {
            throw new PciException(
                    function.address() + ": interrupt vector " + vector + ": " + refused.getMessage(), refused);
        } catch (ChannelException ended) {
            removed(device.endedFor());
        }
    }

    @Override
    public DmaMapping map(MemorySegment memory) {
        throw new PciException(
                function.address()
                        + ": a device in another process reaches only memory that was allocated for it, because that is a file");
    }

    @Override
    public DmaBlock allocate(long bytes) {
        if (removal.reason() != null) {
            throw new PciException(function.address() + " is gone: " + removal.reason());
        }
        return dma.allocate(bytes);
    }

    /** A command of the device. */
    Reply handle(Message message) {
        return switch (message.command()) {
            case Command.DMA_READ -> {
                var access = DmaAccess.decodeRead(message.payload());
                var payload = access.encodeWithData();
                if (access.count() > 0) {
                    DmaAccess.data(payload).copyFrom(dma.range(access));
                }
                yield new Reply(payload);
            }
            case Command.DMA_WRITE -> {
                var access = DmaAccess.decodeWithData(message.payload());
                if (access.count() > 0) {
                    dma.range(access).copyFrom(DmaAccess.data(message.payload()));
                }
                yield new Reply(access.encode());
            }
            default ->
                throw new ProtocolException(
                        ProtocolException.ENOTSUP, Command.name(message.command()) + " is not for a client");
        };
    }

    @Override
    public void onRemoval(Consumer<String> toTell) {
        removal.to(toTell);
    }

    /** The connection has ended. */
    void removed(String reason) {
        removal.gone(reason);
        removal.tell();
    }

    @Override
    public boolean removed() {
        return removal.reason() != null;
    }

    /** Ends the claim. Views of doorbells and blocks that are still open stay usable, and reach no device. */
    @Override
    public void close() {
        if (!removal.withdraw()) {
            return;
        }
        try {
            if (removal.reason() == null) {
                device.reset();
                device.busMaster(false);
            }
        } catch (ProtocolException refused) {
            // It may still reach the memory, and run. Without a connection it has neither memory nor a driver.
            function.disconnect("it could not be reset: " + refused.getMessage());
        } catch (ChannelException gone) {
            // Gone between the look and the question.
        }
        dma.close();
        MemoryView.close(arena, ARENA_BOUND);
        function.released(this, page);
    }
}
