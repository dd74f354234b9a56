package io.doorbell.pcie.vfio;

import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Machine;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What one claim has mapped for DMA. Any thread. */
final class DmaMappings implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DmaMappings.class);

    private final String address;
    private final VfioGroup group;

    // Guarded by this.
    private final Set<Mapped> live = new HashSet<>();
    private boolean closed;

    DmaMappings(String address, VfioGroup group) {
        this.address = address;
        this.group = group;
    }

    PciAccess.DmaMapping map(MemorySegment memory) {
        if (!memory.isNative()
                || memory.byteSize() == 0
                || (memory.address() | memory.byteSize()) % Machine.PAGE_BYTES != 0) {
            throw new IllegalArgumentException(
                    address + ": only native memory of whole pages can be mapped for DMA, not " + memory);
        }
        var mapped = new Mapped(group.map(address, memory), memory);
        synchronized (this) {
            if (!closed) {
                live.add(mapped);
                return mapped;
            }
        }
        group.unmap(mapped.iova, memory.byteSize());
        throw new PciException(address + ": the claim has ended");
    }

    /** Takes away what is still mapped. */
    @Override
    public void close() {
        Set<Mapped> left;
        synchronized (this) {
            closed = true;
            left = Set.copyOf(live);
        }
        for (var mapped : left) {
            try {
                mapped.close();
            } catch (PciException refused) {
                // The container takes it away when it is closed, at the latest.
                LOG.warn("{}: {}", address, refused.getMessage());
            }
        }
    }

    private final class Mapped implements PciAccess.DmaMapping {
        private final long iova;
        /** Held, so that memory of an automatic arena lives as long as the device reaches it. */
        private final MemorySegment memory;

        Mapped(long iova, MemorySegment memory) {
            this.iova = iova;
            this.memory = memory;
        }

        @Override
        public long iova() {
            return iova;
        }

        @Override
        public void close() {
            synchronized (DmaMappings.this) {
                if (!live.remove(this)) {
                    return;
                }
            }
            group.unmap(iova, memory.byteSize());
        }
    }
}
