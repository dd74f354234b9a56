package io.doorbell.pcie;

import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import java.util.function.LongUnaryOperator;

/** A function whose registers can be made to say other things than the device does, and whose doorbells can be cut off. */
final class WrappedFunction implements PciFunction {
    private final PciFunction function;

    volatile IntUnaryOperator csts = IntUnaryOperator.identity();
    volatile LongUnaryOperator cap = LongUnaryOperator.identity();

    /** Not null: where doorbells go instead of to the device. For accesses opened from then on. */
    MemorySegment doorbells;

    /** Sees what is written to 32-bit registers, before the device does; may throw. */
    volatile BiConsumer<Integer, Integer> writes = (offset, value) -> {};

    /** Not null: who it says it is. */
    PciIdentity identity;

    volatile boolean open;

    /** Memory of the driver's that was not given back. */
    final AtomicInteger blocks = new AtomicInteger();

    /** How often it could not be opened. */
    final AtomicInteger refused = new AtomicInteger();

    /** Memory that was freed while the controller was claimed and ready, so may have reached it. */
    final AtomicInteger freedWhileReady = new AtomicInteger();

    WrappedFunction(PciFunction function) {
        this.function = function;
    }

    @Override
    public String address() {
        return function.address();
    }

    @Override
    public String transport() {
        return function.transport();
    }

    @Override
    public PciIdentity identity() {
        return identity == null ? function.identity() : identity;
    }

    @Override
    public PciAccess open(String driver) {
        try {
            var access = new Access(function.open(driver), doorbells);
            open = true;
            return access;
        } catch (PciException e) {
            refused.incrementAndGet();
            throw e;
        }
    }

    private final class Access implements PciAccess {
        private final PciAccess access;
        private final MemorySegment elsewhere;

        Access(PciAccess access, MemorySegment elsewhere) {
            this.access = access;
            this.elsewhere = elsewhere;
        }

        @Override
        public int readRegister32(int offset) {
            int value = access.readRegister32(offset);
            return offset == Registers.CSTS ? csts.applyAsInt(value) : value;
        }

        @Override
        public long readRegister64(int offset) {
            long value = access.readRegister64(offset);
            return offset == Registers.CAP ? cap.applyAsLong(value) : value;
        }

        @Override
        public void writeRegister32(int offset, int value) {
            writes.accept(offset, value);
            access.writeRegister32(offset, value);
        }

        @Override
        public void writeRegister64(int offset, long value) {
            access.writeRegister64(offset, value);
        }

        @Override
        public MemorySegment doorbells() {
            return elsewhere == null ? access.doorbells() : elsewhere;
        }

        @Override
        public void doorbellStored() {
            access.doorbellStored();
        }

        @Override
        public boolean wantsDoorbellSignal() {
            return access.wantsDoorbellSignal();
        }

        @Override
        public DmaMapping map(MemorySegment memory) {
            return access.map(memory);
        }

        @Override
        public DmaBlock allocate(long bytes) {
            var block = new Block(access.allocate(bytes));
            blocks.incrementAndGet();
            return block;
        }

        private final class Block implements DmaBlock {
            private final DmaBlock block;
            private boolean closed;

            Block(DmaBlock block) {
                this.block = block;
            }

            @Override
            public MemorySegment segment() {
                return block.segment();
            }

            @Override
            public long iova() {
                return block.iova();
            }

            @Override
            public void close() {
                if (open && !removed() && new ControllerStatus(readRegister32(Registers.CSTS)).rdy()) {
                    freedWhileReady.incrementAndGet();
                }
                block.close();
                if (!closed) {
                    closed = true;
                    blocks.decrementAndGet();
                }
            }
        }

        @Override
        public void onRemoval(Consumer<String> listener) {
            access.onRemoval(listener);
        }

        @Override
        public boolean removed() {
            return access.removed();
        }

        @Override
        public void close() {
            access.close();
            open = false;
        }
    }
}
