package io.doorbell.pcie.vfiouser;

import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Descriptor;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.PeerMemory;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.SharedMemory;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.ProtocolException;
import io.doorbell.vfiouser.RegionInfo;
import io.doorbell.vfiouser.RegionSigns;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory to which doorbells are stored, and how the device learns of it. It stays mapped when the device has died: stores are harmless then.
 *
 * <ul>
 *   <li>Mapped: the memory is the device's own, which polls it.
 *   <li>Signalled: so too, but a device that has gone to sleep is woken through an eventfd.
 *   <li>Trapped: the device shares no doorbells. The memory is ours; {@link #stored} sends what was stored as messages.
 * </ul>
 */
abstract sealed class DoorbellPage implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DoorbellPage.class);

    /** As much of BAR0 as we ever look at: doorbells of 16 Ki queue pairs, 64 bytes each. */
    private static final long MAX_BYTES = 2L << 20;

    private DoorbellPage() {}

    /** The best way that the device offers. */
    static DoorbellPage of(VfioUserDevice device) {
        try (var region = device.region(RegionInfo.BAR0)) {
            var info = region.info();
            if (info.bytes() < Registers.DOORBELLS + 2 * Doorbell.SIZE_BYTES) {
                throw new PciException(String.format("BAR0 has %Xh bytes, too few for doorbells", info.bytes()));
            }
            var signalled = signalled(device);
            if (signalled != null) {
                return signalled;
            }
            for (var area : info.areas()) {
                long end = area.offset() + area.bytes();
                if (area.offset() <= Registers.DOORBELLS && end >= Registers.DOORBELLS + 2 * Doorbell.SIZE_BYTES) {
                    return mapped(region, Math.min(MAX_BYTES, end - Registers.DOORBELLS));
                }
            }
            long bytes = Math.min(MAX_BYTES, info.bytes() - Registers.DOORBELLS);
            return new Trapped(device, bytes & -Doorbell.SIZE_BYTES);
        } catch (PlatformException | ProtocolException refused) {
            throw new PciException("its doorbells cannot be mapped: " + refused.getMessage(), refused);
        }
    }

    private static DoorbellPage mapped(VfioUserDevice.Region region, long bytes) {
        // One descriptor serves all areas of a region.
        try (var descriptor = region.answer().take(0)) {
            return new Mapped(map(descriptor, region.info().offset() + Registers.DOORBELLS, bytes), null);
        }
    }

    private static PeerMemory map(Descriptor descriptor, long offset, long bytes) {
        if (offset % Doorbell.SIZE_BYTES != 0) {
            throw new ProtocolException("doorbells from " + offset + " on of their file, which is no word");
        }
        return PeerMemory.map(descriptor, offset, bytes);
    }

    /** Null if the device has no signs for its doorbells, as most have not. */
    private static DoorbellPage signalled(VfioUserDevice device) {
        try (var signs = device.signs(RegionInfo.BAR0)) {
            for (var sign : signs.signs().signs()) {
                if (sign.kind() == RegionSigns.SHADOWED
                        && sign.offset() == Registers.DOORBELLS
                        && sign.bytes() >= 2 * Doorbell.SIZE_BYTES) {
                    try (var memory = signs.answer().take(sign.memoryDescriptor())) {
                        var eventFd = EventFd.of(signs.answer().take(sign.eventDescriptor()));
                        try {
                            var mapped = map(memory, sign.memoryOffset(), Math.min(MAX_BYTES, sign.bytes()));
                            return new Mapped(mapped, eventFd);
                        } catch (RuntimeException refused) {
                            eventFd.close();
                            throw refused;
                        }
                    }
                }
            }
        } catch (ProtocolException | PlatformException none) {
            LOG.debug("no signs for doorbells: {}", none.getMessage());
        }
        return null;
    }

    /** From the first doorbell on. */
    abstract MemorySegment segment();

    /** Whether {@link #stored} does anything. */
    abstract boolean wantsSignal();

    /** See {@link io.doorbell.pci.PciAccess#doorbellStored}. */
    abstract void stored();

    /** In a few words, for the log. */
    abstract String describe();

    /**
     * Unmaps it. Idempotent.
     *
     * @throws IllegalStateException while a view is open; may be repeated
     */
    @Override
    public abstract void close();

    private static final class Mapped extends DoorbellPage {
        private final PeerMemory memory;
        private final EventFd sign;

        /** @param sign null if the device polls always */
        Mapped(PeerMemory memory, EventFd sign) {
            this.memory = memory;
            this.sign = sign;
        }

        @Override
        MemorySegment segment() {
            return memory.segment();
        }

        @Override
        boolean wantsSignal() {
            return sign != null;
        }

        @Override
        void stored() {
            if (sign != null) {
                try {
                    sign.signal();
                } catch (IllegalStateException closed) {
                    // The claim has ended between the store and now: nobody listens any more.
                }
            }
        }

        @Override
        String describe() {
            return sign == null ? "mapped" : "mapped, signalled";
        }

        @Override
        public void close() {
            if (sign != null) {
                sign.close();
            }
            memory.close();
        }
    }

    private static final class Trapped extends DoorbellPage {
        /** What stands in a word that holds nothing to send. No queue has so many entries. */
        private static final int NOTHING = -1;

        private static final VarHandle WORD = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();

        private final VfioUserDevice device;
        private final SharedMemory memory;
        private final int strideBytes;

        Trapped(VfioUserDevice device, long bytes) {
            this.device = device;
            strideBytes = Doorbell.strideBytes(dstrd(device));
            memory = SharedMemory.create("doorbells", bytes, MappingOptions.ORDINARY);
            memory.segment().fill((byte) NOTHING);
        }

        private static int dstrd(VfioUserDevice device) {
            return new ControllerCapabilities(device.read64(RegionInfo.BAR0, Registers.CAP)).dstrd();
        }

        @Override
        MemorySegment segment() {
            return memory.segment();
        }

        @Override
        boolean wantsSignal() {
            return true;
        }

        /**
         * Sends every word that was stored to. By all owners of queues, each of whom may send for another; so the tail is taken before the head
         * and sent after it: whoever stored both stored the head first, and the device has to learn of it first.
         */
        @Override
        // Synchronized: a value that was taken must be sent before the next one of its word is.
        synchronized void stored() {
            var words = memory.segment();
            long pairBytes = 2L * strideBytes;
            try {
                for (long pair = 0; pair + strideBytes + Doorbell.SIZE_BYTES <= words.byteSize(); pair += pairBytes) {
                    int tail = take(words, pair);
                    int head = take(words, pair + strideBytes);
                    send(pair + strideBytes, head);
                    send(pair, tail);
                }
            } catch (ChannelException gone) {
                // Whoever drives the function is told of the removal.
            }
        }

        private static int take(MemorySegment words, long offset) {
            // Looked at first: nearly all words are empty, and a swap costs more than a load.
            return (int) WORD.getAcquire(words, offset) == NOTHING
                    ? NOTHING
                    : (int) WORD.getAndSet(words, offset, NOTHING);
        }

        private void send(long offset, int value) {
            if (value != NOTHING) {
                device.post32(RegionInfo.BAR0, Registers.DOORBELLS + offset, value);
            }
        }

        @Override
        String describe() {
            return "trapped";
        }

        @Override
        public void close() {
            memory.close();
        }
    }
}
