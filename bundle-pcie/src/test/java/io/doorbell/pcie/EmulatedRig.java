package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.platform.MemoryView;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** A subsystem with a memory and a null namespace behind an emulated PCI function. */
final class EmulatedRig implements AutoCloseable {
    static final int NSID = 1;
    static final int NULL_NSID = 2;

    final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test");
    final EmulatedFunction function;

    EmulatedRig() {
        this(EmulatorSettings.of("nvme0"));
    }

    EmulatedRig(EmulatorSettings settings) {
        addNamespace(NSID, "memory:16MiB:512");
        subsystem.addNamespace(NULL_NSID, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        function = EmulatedFunction.create(settings, subsystem, reactors);
    }

    void addNamespace(int nsid, String spec) {
        subsystem.addNamespace(nsid, new MemoryBackend().open(NamespaceSpec.parse(spec)));
    }

    @Override
    public void close() {
        function.close();
        subsystem.close();
        reactors.close();
    }

    /** A queue pair with data memory and the arena of both, as a lease holds them. Owned by the thread that makes it. */
    static final class Held implements AutoCloseable {
        final Arena arena = Arena.ofShared();
        final QueuePairControl control;
        final QueuePair pair;
        final DmaAllocation allocation;
        final DmaMemory data;

        Held(PcieController controller, int entries, long dataBytes, CompletionHandler handler) {
            this(controller, new QueuePairOptions(entries, handler, "test"), dataBytes);
        }

        Held(PcieController controller, QueuePairOptions options, long dataBytes) {
            control = controller.createQueuePair(options, arena);
            pair = control.queuePair();
            allocation = controller.allocateDma(dataBytes, arena);
            data = allocation.memory();
            control.own(Thread.currentThread());
        }

        /** Polls on this thread, which owns the queue pair, for twenty seconds at most. */
        void pollUntil(BooleanSupplier condition) {
            long start = System.nanoTime();
            while (!condition.getAsBoolean()) {
                if (pair.poll(64) == 0) {
                    Thread.yield();
                }
                assertThat(System.nanoTime() - start).as("nanoseconds waited").isLessThan(60_000_000_000L);
            }
        }

        /** Takes it back, in order. */
        @Override
        public void close() {
            control.stopSubmissions();
            control.delete(Duration.ofSeconds(5));
            MemoryView.close(arena, Duration.ofSeconds(2));
            control.fenced("test is over");
            allocation.close();
        }
    }
}
