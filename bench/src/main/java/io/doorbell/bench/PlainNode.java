package io.doorbell.bench;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.ResourceManager;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;

/**
 * The parts of a node put together by hand, without a container: an emulated controller with one namespace, its driver,
 * and the resource manager that leases its queue pairs.
 */
final class PlainNode implements AutoCloseable {
    private static final String NAME = "nvme0";

    final PcieController controller;
    private final ReactorPool reactors;
    private final NvmSubsystem subsystem;
    private final EmulatedFunction function;
    private final LeaseManager leases;

    /** @param namespace as in configuration: {@code null:1TiB:4096}, {@code memory:64MiB:512} */
    PlainNode(String namespace) {
        reactors = new ReactorPool(ReactorOptions.DEFAULT);
        subsystem = new NvmSubsystem("nqn.2026-11.io.doorbell:bench", "BENCH", "Doorbell");
        var spec = NamespaceSpec.parse(namespace);
        var backend = spec.kind().equals("memory") ? new MemoryBackend() : new NullBackend();
        subsystem.addNamespace(1, backend.open(spec));
        function = EmulatedFunction.create(EmulatorSettings.of(NAME), subsystem, reactors);
        controller = PcieController.open(function, PcieOptions.DEFAULTS);
        leases = new LeaseManager(LeaseOptions.DEFAULT, reactors);
        leases.addController(controller);
    }

    ResourceManager resourceManager(String holder) {
        return leases.open(new Holder(1, holder, "1.0"));
    }

    LeaseRegistry registry() {
        return leases;
    }

    @Override
    public void close() {
        leases.removeController(controller);
        leases.close();
        controller.close();
        function.close();
        subsystem.close();
        reactors.close();
    }
}
