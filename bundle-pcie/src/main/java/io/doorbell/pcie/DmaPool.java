package io.doorbell.pcie;

import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.nvme.NvmeException;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Memory for data, up to a bound per controller. Control plane, any thread. */
final class DmaPool {
    private final PciAccess access;
    private final String name;
    private final long maxBytes;
    private final AtomicLong allocatedBytes = new AtomicLong();

    DmaPool(PciAccess access, String name, long maxBytes) {
        this.access = access;
        this.name = name;
        this.maxBytes = maxBytes;
    }

    DmaAllocation allocate(long bytes, Arena arena) {
        if (bytes < 1) {
            throw new IllegalArgumentException(name + ": " + bytes + " bytes of DMA memory, at least 1 is needed");
        }
        long rounded = DmaRegion.roundUpToPages(bytes);
        long before = allocatedBytes.getAndAdd(rounded);
        if (rounded < 0 || before + rounded > maxBytes || before + rounded < 0) {
            allocatedBytes.addAndGet(-rounded);
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    name + ", allocating DMA memory",
                    bytes + " bytes asked for, " + before + " of " + maxBytes + " are in use");
        }
        DmaRegion region = null;
        try {
            region = DmaRegion.allocate(access, rounded);
            // The view last: when it exists, nothing can fail that would have to wait for its arena.
            return new Allocation(region, new DmaMemory(region.view(0, bytes, arena), region.iova()), rounded);
        } catch (RuntimeException e) {
            if (region != null) {
                region.close();
            }
            allocatedBytes.addAndGet(-rounded);
            throw e;
        }
    }

    private final class Allocation implements DmaAllocation {
        private final DmaRegion region;
        private final DmaMemory memory;
        private final long bytes;
        private final AtomicBoolean freed = new AtomicBoolean();

        private Allocation(DmaRegion region, DmaMemory memory, long bytes) {
            this.region = region;
            this.memory = memory;
            this.bytes = bytes;
        }

        @Override
        public DmaMemory memory() {
            return memory;
        }

        @Override
        public void close() {
            region.close();
            if (freed.compareAndSet(false, true)) {
                allocatedBytes.addAndGet(-bytes);
            }
        }
    }
}
