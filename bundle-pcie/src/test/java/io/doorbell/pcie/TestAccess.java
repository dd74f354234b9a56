package io.doorbell.pcie;

import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/** A PCI function without a device: doorbell words in memory, and IOVAs that are addresses. */
final class TestAccess implements PciAccess {
    static final int DOORBELL_BYTES = 8192;

    private final NativeMemory own = NativeMemory.allocate(DOORBELL_BYTES, MappingOptions.ORDINARY);
    private final MemorySegment doorbells;
    private final Set<DmaMapping> mappings = new HashSet<>();
    int signals;
    int interruptVectors;

    /** By vector. */
    final Map<Integer, EventFd> routes = new TreeMap<>();

    /** Not null: why no vector can be routed. */
    String refusal;

    boolean wantsSignal;

    TestAccess() {
        doorbells = own.segment();
    }

    /** With doorbells in memory of the caller's. */
    TestAccess(MemorySegment doorbells) {
        this.doorbells = doorbells;
    }

    @Override
    public int readRegister32(int offset) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long readRegister64(int offset) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void writeRegister32(int offset, int value) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void writeRegister64(int offset, long value) {
        throw new UnsupportedOperationException();
    }

    @Override
    public MemorySegment doorbells() {
        return doorbells;
    }

    @Override
    public void doorbellStored() {
        signals++;
    }

    @Override
    public boolean wantsDoorbellSignal() {
        return wantsSignal;
    }

    @Override
    public int interruptVectors() {
        return interruptVectors;
    }

    @Override
    public synchronized void routeInterrupt(int vector, EventFd sign) {
        Objects.checkIndex(vector, interruptVectors);
        if (refusal != null) {
            throw new PciException(refusal);
        }
        if (sign == null) {
            routes.remove(vector);
        } else {
            routes.put(vector, sign);
        }
    }

    @Override
    public synchronized DmaMapping map(MemorySegment memory) {
        var mapping = new DmaMapping() {
            @Override
            public long iova() {
                return memory.address();
            }

            @Override
            public void close() {
                unmap(this);
            }
        };
        mappings.add(mapping);
        return mapping;
    }

    private synchronized void unmap(DmaMapping mapping) {
        mappings.remove(mapping);
    }

    synchronized int mappings() {
        return mappings.size();
    }

    @Override
    public void onRemoval(Consumer<String> listener) {}

    @Override
    public boolean removed() {
        return false;
    }

    @Override
    public void close() {
        own.close();
    }
}
