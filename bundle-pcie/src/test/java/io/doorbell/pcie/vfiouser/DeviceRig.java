package io.doorbell.pcie.vfiouser;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.emulator.vfiouser.VfioUserServer;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.nio.file.Path;

/** An emulated device behind a socket, in this process: a memory namespace of 512-byte blocks and a null one. */
final class DeviceRig implements AutoCloseable {
    static final int NSID = 1;

    final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test");
    final EmulatedFunction function;
    final VfioUserServer server;

    DeviceRig(Path directory) {
        this(directory, EmulatorSettings.of("nvme0"));
    }

    DeviceRig(Path directory, EmulatorSettings settings) {
        subsystem.addNamespace(NSID, new MemoryBackend().open(NamespaceSpec.parse("memory:16MiB:512")));
        subsystem.addNamespace(2, new NullBackend().open(NamespaceSpec.parse("null:1TiB:4096")));
        function = EmulatedFunction.create(settings, subsystem, reactors);
        server = new VfioUserServer(function, directory);
    }

    @Override
    public void close() {
        server.close();
        function.close();
        subsystem.close();
        reactors.close();
    }
}
