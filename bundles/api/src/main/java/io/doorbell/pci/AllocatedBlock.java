package io.doorbell.pci;

import io.doorbell.platform.Machine;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemorySegment;

/** Private memory of this process, mapped for a device that reaches such memory. */
final class AllocatedBlock implements PciAccess.DmaBlock {
    private final NativeMemory memory;
    private final PciAccess.DmaMapping mapping;

    private AllocatedBlock(NativeMemory memory, PciAccess.DmaMapping mapping) {
        this.memory = memory;
        this.mapping = mapping;
    }

    static AllocatedBlock allocate(PciAccess access, long bytes) {
        var memory = NativeMemory.allocate(bytes + Machine.PAGE_BYTES - 1 & -Machine.PAGE_BYTES);
        try {
            return new AllocatedBlock(memory, access.map(memory.segment()));
        } catch (RuntimeException refused) {
            memory.close();
            throw refused;
        }
    }

    @Override
    public MemorySegment segment() {
        return memory.segment();
    }

    @Override
    public long iova() {
        return mapping.iova();
    }

    @Override
    public void close() {
        mapping.close();
        memory.close();
    }
}
