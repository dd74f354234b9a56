package io.doorbell.modulepath;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.platform.MemoryView;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.time.Duration;

/** Uses the driver as a library: no container, modules on a module path. Prints what it read. */
public final class LibraryProgram {
    private static int ended;

    private LibraryProgram() {}

    public static void main(String[] args) {
        if (!PcieController.class.getModule().isNamed()) {
            throw new IllegalStateException("the driver is not a module here");
        }
        try (var reactors = new ReactorPool(ReactorOptions.DEFAULT);
                var subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:library", "1", "library")) {
            subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512")));
            try (var function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
                    var controller = PcieController.open(function, PcieOptions.DEFAULTS)) {
                System.out.println("read " + writeAndRead(controller));
            }
        }
    }

    private static long writeAndRead(PcieController controller) {
        var arena = Arena.ofShared();
        var control = controller.createQueuePair(
                new QueuePairOptions(16, (token, status, result) -> ended += status == 0 ? 1 : 1000, "library"), arena);
        var allocation = controller.allocateDma(8192, arena);
        control.own(Thread.currentThread());
        var pair = control.queuePair();
        var data = allocation.memory();

        data.segment().set(ValueLayout.JAVA_LONG, 0, 4711);
        pair.write(1, 3, 1, data, 0, 0, 1);
        await(control);
        pair.read(1, 3, 1, data, 4096, 0, 2);
        await(control);
        long value = data.segment().get(ValueLayout.JAVA_LONG, 4096);

        control.delete(Duration.ofSeconds(5));
        MemoryView.close(arena, Duration.ofSeconds(1));
        control.fenced("done");
        allocation.close();
        return ended == 2 ? value : -ended;
    }

    private static void await(QueuePairControl control) {
        control.queuePair().commit();
        while (control.queuePair().inFlight() > 0) {
            control.queuePair().poll(8);
        }
    }
}
