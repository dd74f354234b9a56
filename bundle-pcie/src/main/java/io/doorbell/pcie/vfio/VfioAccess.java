package io.doorbell.pcie.vfio;

import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pcie.RemovalNotice;
import io.doorbell.platform.DeviceMemory;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.PlatformException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** One driver's claim of a {@link VfioFunction}. Registers are system calls, doorbells are the device's memory, DMA memory is pinned memory of ours. */
final class VfioAccess implements PciAccess {
    private static final Logger LOG = LoggerFactory.getLogger(VfioAccess.class);
    private static final Duration ARENA_BOUND = Duration.ofSeconds(2);

    private final VfioFunction function;
    private final VfioGroup group;
    private final VfioDevice device;
    private final String driver;
    private final DmaMappings dma;
    private final DeviceMemory page;
    private final VfioInterrupts interrupts;
    private final RemovalRequests requests;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment doorbells;

    private final RemovalNotice removal = new RemovalNotice();
    private volatile boolean closed;

    /** Takes group and device over, also when it fails. */
    VfioAccess(VfioFunction function, VfioGroup group, VfioDevice device, String driver) {
        this.function = function;
        this.group = group;
        this.device = device;
        this.driver = driver;
        DeviceMemory mapped = null;
        try {
            var part = Doorbells.in(function.address(), device.bar0());
            mapped = device.map(part.offset(), part.bytes());
            doorbells = MemoryView.within(mapped.segment(), arena);
            dma = new DmaMappings(function.address(), group);
            device.busMaster(true);
            interrupts = new VfioInterrupts(function.address(), device);
            page = mapped;
            // Last: it calls back on a thread of its own.
            requests = RemovalRequests.of(function.address(), device, this::requested);
        } catch (RuntimeException failed) {
            MemoryView.close(arena, ARENA_BOUND);
            if (mapped != null) {
                mapped.close();
            }
            device.close();
            group.release();
            throw failed;
        }
        LOG.debug(
                "{}: claimed by {}, {} bytes of doorbells, {} interrupt vectors",
                function.address(),
                driver,
                doorbells.byteSize(),
                interrupts.vectors());
    }

    String driver() {
        return driver;
    }

    @Override
    public int readRegister32(int offset) {
        PciAccess.requireRegister(offset, Integer.BYTES);
        int value = ask(offset, () -> device.read32(offset), Registers.GONE);
        if (value == Registers.GONE) {
            lookWhetherGone();
        }
        return value;
    }

    @Override
    public long readRegister64(int offset) {
        PciAccess.requireRegister(offset, Long.BYTES);
        long value = ask(offset, () -> device.read64(offset), -1L);
        if (value == -1) {
            lookWhetherGone();
        }
        return value;
    }

    @Override
    public void writeRegister32(int offset, int value) {
        PciAccess.requireRegister(offset, Integer.BYTES);
        ask(
                offset,
                () -> {
                    device.write32(offset, value);
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
                    device.write64(offset, value);
                    return null;
                },
                null);
    }

    private <T> T ask(int offset, Supplier<T> question, T gone) {
        if (removal.reason() != null || closed) {
            return gone;
        }
        try {
            return question.get();
        } catch (PlatformException refused) {
            if (closed) {
                return gone;
            }
            // Its memory is switched off: somebody resets it, or it is being taken away. Nothing can be done with it
            // either way.
            removed(String.format("register %Xh cannot be reached: %s", offset, refused.getMessage()));
            return gone;
        } catch (IllegalStateException endedMeanwhile) {
            return gone;
        }
    }

    /** A register may be all ones; the ids of a function that is there are not. */
    private void lookWhetherGone() {
        if (removal.reason() == null && !closed && !answers()) {
            removed("its registers read all ones: it has left the bus");
        }
    }

    private boolean answers() {
        try {
            return device.answers();
        } catch (PlatformException | IllegalStateException gone) {
            return false;
        }
    }

    @Override
    public MemorySegment doorbells() {
        return doorbells;
    }

    /** Nothing to do: the store itself goes over the bus. */
    @Override
    public void doorbellStored() {}

    @Override
    public boolean wantsDoorbellSignal() {
        return false;
    }

    @Override
    public DmaMapping map(MemorySegment memory) {
        if (removal.reason() != null) {
            throw new PciException(function.address() + " is gone: " + removal.reason());
        }
        return dma.map(memory);
    }

    @Override
    public int interruptVectors() {
        return interrupts.vectors();
    }

    @Override
    public void routeInterrupt(int vector, EventFd sign) {
        if (removal.reason() == null) {
            interrupts.route(vector, sign);
        }
    }

    @Override
    public void onRemoval(Consumer<String> toTell) {
        removal.to(toTell);
    }

    /**
     * The kernel asks for the device, and waits for us to let it go. Whoever watches the function ends the claim in order while it still answers; if it does
     * not, or nobody watches, or the kernel asks again, it is as good as gone.
     */
    private void requested(int times) {
        if (times > 1 || !answers() || !function.ended("the kernel takes it away: unplugged, or its driver changes")) {
            removed("the kernel took it away: unplugged, or its driver changes");
        }
    }

    /** From now on it is gone. Any thread, also when it is already. */
    void removed(String reason) {
        if (!removal.gone(reason)) {
            return;
        }
        // Doorbells first, so that no store meets a fault from here on.
        page.detach();
        removal.tell();
        function.ended(reason);
    }

    @Override
    public boolean removed() {
        return removal.reason() != null;
    }

    /** Ends the claim. Views of doorbells that are still open stay usable, and reach no device. */
    @Override
    public void close() {
        if (!removal.withdraw()) {
            return;
        }
        closed = true;
        requests.close();
        try {
            if (removal.reason() == null) {
                device.busMaster(false);
                device.reset();
            }
        } catch (PlatformException refused) {
            // The kernel resets it too, when the file is closed; and while it takes the function away it lets nobody
            // else.
            LOG.atLevel(function.endedFor() == null ? Level.WARN : Level.DEBUG)
                    .log("{}: not reset: {}", function.address(), refused.getMessage());
        }
        interrupts.close();
        // A mapping keeps the kernel's device as an open file does; views of ours would keep the mapping.
        page.detach();
        dma.close();
        device.close();
        group.release();
        MemoryView.close(arena, ARENA_BOUND);
        function.released(this, page);
    }
}
