package io.doorbell.emulator;

import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.SharedMemory;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PCI function that is made of software: a subsystem's controller behind BAR0. One driver at a time claims it. Registers are
 * calls, doorbells are shared memory, DMA goes through a table of what the driver mapped. Any thread.
 */
public final class EmulatedFunction implements PciFunction, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmulatedFunction.class);

    /** The {@code trtype} of emulated controllers. */
    public static final String TRANSPORT = "EMULATED";

    /** Red Hat's ids of QEMU's NVMe controller, which this one resembles: drivers have no quirks for it. */
    static final PciIdentity IDENTITY = new PciIdentity(0x1B36, 0x0010, 0x1AF4, 0x1100, 2, PciIdentity.NVME_CLASS_CODE);

    /** How long the device's reactor may take to come round; it never waits for anything. */
    private static final Duration ROUND_BOUND = Duration.ofSeconds(5);

    private static final Duration ARENA_BOUND = Duration.ofSeconds(2);
    private static final long RETRY_NANOS = 200_000;

    private final EmulatorSettings settings;
    private final Reactor reactor;
    private final EmulatedController controller;

    // Guarded by this.
    private Claim claim;
    private String removedFor;
    private boolean closed;
    /** Doorbell memory of earlier claims of which someone still has views. */
    private final List<SharedMemory> lingering = new ArrayList<>();

    /** Seen by register reads. */
    private volatile boolean gone;

    private volatile FaultRun faults;

    private EmulatedFunction(EmulatorSettings settings, TargetSubsystem subsystem, Reactor reactor) {
        this.settings = settings;
        this.reactor = reactor;
        controller = new EmulatedController(settings, subsystem, reactor, this::removedByFault);
    }

    /** Makes a controller of the subsystem and a reactor that it runs on. Close it. */
    public static EmulatedFunction create(EmulatorSettings settings, TargetSubsystem subsystem, Reactors reactors) {
        var reactor = reactors.open("emulator-" + settings.name(), Reactors.Role.DEVICE, settings.cpu());
        try {
            var function = new EmulatedFunction(settings, subsystem, reactor);
            reactor.add(function.controller);
            return function;
        } catch (RuntimeException failed) {
            reactor.close();
            throw failed;
        }
    }

    @Override
    public String address() {
        return settings.name();
    }

    @Override
    public String transport() {
        return TRANSPORT;
    }

    @Override
    public PciIdentity identity() {
        return IDENTITY;
    }

    EmulatedController controller() {
        return controller;
    }

    /** The reactor that the device runs on, for statistics. It stays this function's. */
    public Reactor reactor() {
        return reactor;
    }

    @Override
    public synchronized ExportedAccess open(String driver) {
        if (removedFor != null) {
            throw new PciException(address() + " is gone: " + removedFor);
        }
        if (claim != null) {
            throw new PciException(address() + " is claimed by " + claim.driver + " already");
        }
        closeLingering();
        int bytes = QueueSet.doorbellBytes(settings.ioQueuePairs(), settings.doorbellStride());
        // A power of two as BARs have, so that who exports this function exports the file.
        int barBytes = Integer.highestOneBit(Registers.DOORBELLS + bytes - 1) << 1;
        var memory = SharedMemory.create("bar0-" + settings.name(), barBytes, MappingOptions.ORDINARY);
        try {
            var made = new Claim(driver, memory);
            made.begin();
            claim = made;
            return claim;
        } catch (RuntimeException failed) {
            memory.close();
            throw failed;
        }
    }

    /**
     * Surprise removal: from now on registers read all ones, nothing completes, and the driver is told. Doorbells can still be stored to;
     * nobody looks.
     */
    public void remove(String reason) {
        Claim told;
        synchronized (this) {
            if (removedFor != null) {
                return;
            }
            removedFor = reason;
            gone = true;
            told = claim;
        }
        LOG.info("{} is removed: {}", address(), reason);
        run(controller::gone);
        if (told != null) {
            told.tellRemoved(reason);
        }
    }

    /** On the reactor, which waits for nobody: registers at once, everything else elsewhere. */
    private void removedByFault(String reason) {
        gone = true;
        Thread.startVirtualThread(() -> remove(reason));
    }

    /** What the device is to do wrong from now on; {@link FaultPlan#NONE} ends it. When this returns, it is in force. */
    public void faults(FaultPlan plan) {
        if (!plan.isEmpty()) {
            LOG.info("{} will misbehave: {}", address(), plan);
        }
        var run = plan.isEmpty() ? null : new FaultRun(plan, controller);
        run(() -> controller.faults = run);
        faults = run;
    }

    /** How many commands the faults in force have done something to. */
    public long faultsApplied() {
        var run = faults;
        return run == null ? 0 : run.fired();
    }

    /** Removes the function, ends its reactor. A claim that is still open stays usable as one of a removed function. Idempotent. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        remove("the emulator has stopped");
        if (!awaitOnReactor(controller::isStopped, EmulatedController.DRAIN_BOUND)) {
            LOG.warn("{}: commands that a namespace works on have not ended", address());
        }
        run(() -> {
            controller.unclaimed();
            controller.close();
        });
        reactor.close();
        synchronized (this) {
            closeLingering();
        }
    }

    private void closeLingering() {
        lingering.removeIf(memory -> {
            try {
                memory.close();
                return true;
            } catch (IllegalStateException viewsAreOpen) {
                return false;
            }
        });
    }

    private void run(Runnable task) {
        call(() -> {
            task.run();
            return null;
        });
    }

    private <T> T call(Callable<T> task) {
        return reactor.call(task, ROUND_BOUND);
    }

    private boolean awaitOnReactor(BooleanSupplier condition, Duration bound) {
        long start = System.nanoTime();
        while (!call(condition::getAsBoolean)) {
            if (System.nanoTime() - start > bound.toNanos()) {
                return false;
            }
            LockSupport.parkNanos(RETRY_NANOS);
        }
        return true;
    }

    /** One driver's claim. */
    private final class Claim implements ExportedAccess {
        private final String driver;
        private final SharedMemory memory;
        private final Arena arena = Arena.ofShared();
        private final MemorySegment doorbells;

        // Guarded by the function.
        private Consumer<String> listener;
        private boolean told;
        private boolean released;
        private boolean signalled = true;

        Claim(String driver, SharedMemory memory) {
            this.driver = driver;
            this.memory = memory;
            doorbells = MemoryView.within(doorbells(memory), arena);
        }

        private static MemorySegment doorbells(SharedMemory memory) {
            return memory.segment().asSlice(Registers.DOORBELLS);
        }

        /** Not the view that drivers have: the device looks until it is told that the claim has ended. */
        void begin() {
            run(() -> {
                controller.claimed(doorbells(memory));
                controller.signalled(signalled);
            });
        }

        @Override
        public SharedMemory bar0() {
            return memory;
        }

        @Override
        public void signalled(boolean now) {
            synchronized (EmulatedFunction.this) {
                requireClaimed();
                signalled = now;
                run(() -> controller.signalled(now));
            }
        }

        @Override
        public int readRegister32(int offset) {
            check(offset, Integer.BYTES);
            if (gone) {
                return Registers.GONE;
            }
            if (offset >= Registers.DOORBELLS) {
                return Doorbell.load(doorbells, offset - Registers.DOORBELLS);
            }
            long aligned = register(offset & ~7);
            return (int) ((offset & 4) == 0 ? aligned : aligned >>> 32);
        }

        @Override
        public long readRegister64(int offset) {
            check(offset, Long.BYTES);
            return gone ? -1L : register(offset);
        }

        /** Eight bytes of registers from a multiple of 8 on. */
        private long register(int offset) {
            var target = controller.target;
            return switch (offset) {
                case Registers.CAP -> target.capabilities().raw();
                case Registers.VS -> Integer.toUnsignedLong(target.version());
                case Registers.CC & ~7 -> (long) target.configuration() << 32;
                case Registers.CSTS & ~7 -> (long) target.status() << 32;
                case Registers.AQA & ~7 -> (long) controller.aqa() << 32;
                case Registers.ASQ -> controller.asq();
                case Registers.ACQ -> controller.acq();
                case Registers.CRTO -> Integer.toUnsignedLong(target.readyTimeouts());
                default -> 0;
            };
        }

        @Override
        public void writeRegister32(int offset, int value) {
            check(offset, Integer.BYTES);
            requireClaimed();
            if (gone) {
                return;
            }
            if (offset >= Registers.DOORBELLS) {
                Doorbell.store(doorbells, offset - Registers.DOORBELLS, value);
                doorbellStored();
                return;
            }
            write(() -> {
                switch (offset) {
                    case Registers.CC -> controller.configure(value);
                    case Registers.NSSR -> {
                        if (value == Registers.NSSR_MAGIC) {
                            controller.target.resetSubsystem();
                        }
                    }
                    case Registers.AQA -> controller.aqa(value);
                    case Registers.ASQ -> controller.asq(low(controller.asq(), value));
                    case Registers.ASQ + 4 -> controller.asq(high(controller.asq(), value));
                    case Registers.ACQ -> controller.acq(low(controller.acq(), value));
                    case Registers.ACQ + 4 -> controller.acq(high(controller.acq(), value));
                    default -> {
                        // Read only, or not there.
                    }
                }
            });
        }

        @Override
        public void writeRegister64(int offset, long value) {
            check(offset, Long.BYTES);
            requireClaimed();
            if (gone) {
                return;
            }
            write(() -> {
                switch (offset) {
                    case Registers.ASQ -> controller.asq(value);
                    case Registers.ACQ -> controller.acq(value);
                    default -> {
                        // Read only, or not there. CC and AQA are the upper halves of what they share 8 bytes with.
                    }
                }
            });
        }

        private void write(Runnable task) {
            try {
                run(task);
            } catch (RejectedExecutionException | IllegalStateException notTaken) {
                if (!gone) {
                    throw new PciException(address() + " does not take register writes", notTaken);
                }
            }
        }

        @Override
        public MemorySegment doorbells() {
            return doorbells;
        }

        @Override
        public void doorbellStored() {
            // Full: our doorbell, then whether it sleeps; there: that it sleeps, then our doorbell.
            VarHandle.fullFence();
            reactor.wake();
        }

        @Override
        public boolean wantsDoorbellSignal() {
            return true;
        }

        @Override
        public void busMaster(boolean now) {
            synchronized (EmulatedFunction.this) {
                requireClaimed();
                if (!closed) {
                    run(() -> controller.busMaster(now));
                }
            }
        }

        @Override
        public int interruptVectors() {
            return settings.interruptVectors();
        }

        @Override
        public void routeInterrupt(int vector, EventFd sign) {
            interrupt(vector, () -> controller.interrupts.route(vector, sign));
        }

        @Override
        public void maskInterrupt(int vector, boolean masked) {
            interrupt(vector, () -> controller.interrupts.mask(vector, masked));
        }

        private void interrupt(int vector, Runnable change) {
            Objects.checkIndex(vector, interruptVectors());
            synchronized (EmulatedFunction.this) {
                requireClaimed();
                if (!closed) {
                    run(change);
                }
            }
        }

        @Override
        public boolean isInterruptPending(int vector) {
            Objects.checkIndex(vector, interruptVectors());
            synchronized (EmulatedFunction.this) {
                return !released && !closed && call(() -> controller.interrupts.isPending(vector));
            }
        }

        @Override
        public DmaMapping map(MemorySegment region) {
            return map(region.address(), region);
        }

        @Override
        public DmaMapping map(long iova, MemorySegment region) {
            if (!region.isAccessibleBy(reactor.thread())) {
                throw new PciException(
                        "memory in a confined arena cannot be mapped for DMA: the device is another thread");
            }
            synchronized (EmulatedFunction.this) {
                requireClaimed();
                controller.iommu.map(iova, region);
            }
            return new Mapped(this, iova, region);
        }

        @Override
        public void onRemoval(Consumer<String> toTell) {
            String reason;
            synchronized (EmulatedFunction.this) {
                listener = toTell;
                reason = removedFor;
            }
            if (reason != null) {
                tellRemoved(reason);
            }
        }

        private void tellRemoved(String reason) {
            Consumer<String> teller;
            synchronized (EmulatedFunction.this) {
                if (told || listener == null || released) {
                    return;
                }
                told = true;
                teller = listener;
            }
            teller.accept(reason);
        }

        @Override
        public boolean removed() {
            return gone;
        }

        @Override
        public void close() {
            synchronized (EmulatedFunction.this) {
                if (released) {
                    return;
                }
                released = true;
                if (!closed) {
                    stop();
                }
                controller.iommu.clear();
                MemoryView.close(arena, ARENA_BOUND);
                lingering.add(memory);
                closeLingering();
                claim = null;
            }
        }

        @Override
        public void reset() {
            synchronized (EmulatedFunction.this) {
                requireClaimed();
                if (!closed) {
                    stop();
                    begin();
                }
            }
        }

        private void stop() {
            run(controller::released);
            if (!awaitOnReactor(controller::isStopped, EmulatedController.DRAIN_BOUND.plusSeconds(1))) {
                LOG.warn("{}: the reset by {} has not ended", address(), driver);
            }
            run(controller::unclaimed);
        }

        private void requireClaimed() {
            if (released) {
                throw new PciException("the claim of " + address() + " by " + driver + " has ended");
            }
        }

        private void check(int offset, int width) {
            if (offset < 0 || offset % width != 0 || offset + width > Registers.DOORBELLS + doorbells.byteSize()) {
                throw new IllegalArgumentException(String.format(
                        "no register of %d bytes at %Xh of BAR0, which has %Xh",
                        width, offset, Registers.DOORBELLS + doorbells.byteSize()));
            }
        }
    }

    private static long low(long old, int value) {
        return old & 0xFFFF_FFFF_0000_0000L | Integer.toUnsignedLong(value);
    }

    private static long high(long old, int value) {
        return old & 0xFFFF_FFFFL | (long) value << 32;
    }

    /** One region of a claim. */
    private final class Mapped implements PciAccess.DmaMapping {
        private final Claim owner;
        private final long iova;
        private final MemorySegment region;
        private boolean unmapped;

        Mapped(Claim owner, long iova, MemorySegment region) {
            this.owner = owner;
            this.iova = iova;
            this.region = region;
        }

        @Override
        public long iova() {
            return iova;
        }

        @Override
        public void close() {
            synchronized (EmulatedFunction.this) {
                if (unmapped) {
                    return;
                }
                unmapped = true;
                if (owner.released || closed) {
                    return;
                }
            }
            // Rings first, while they are mapped; then the table; then nobody uses the old table, once the reactor has
            // come round, but for what namespaces still work on.
            run(() -> controller.losing(region));
            controller.iommu.unmap(region);
            if (!awaitOnReactor(() -> !controller.usesForData(region), EmulatedController.DRAIN_BOUND)) {
                LOG.warn("{}: commands still use memory that {} has unmapped", address(), owner.driver);
            }
        }
    }
}
