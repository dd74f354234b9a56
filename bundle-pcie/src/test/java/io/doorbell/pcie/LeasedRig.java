package io.doorbell.pcie;

import io.doorbell.backends.NvmeBackend;
import io.doorbell.backends.NvmeBackendOptions;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.emulator.FaultPlan;
import io.doorbell.host.NvmeController;
import io.doorbell.lease.ConnectionLeases;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.HolderResources;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** Emulated controllers, this driver, the resource manager, and namespaces that lease their queue pairs. */
final class LeasedRig implements AutoCloseable {
    final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final LeaseManager leases;
    final HolderResources resources;
    final NvmeBackend backend;
    private final List<Device> devices = new ArrayList<>();

    /** What the next request of the backend's for a lease meets, once; null for nothing. */
    final AtomicReference<Error> nextLeaseMeets = new AtomicReference<>();

    LeasedRig() {
        this(LeaseOptions.DEFAULT, NvmeBackendOptions.DEFAULT);
    }

    LeasedRig(LeaseOptions options, NvmeBackendOptions backendOptions) {
        leases = new LeaseManager(options, reactors);
        resources = leases.open(new Holder(7, "io.doorbell.backends", "0.1.0"));
        backend = new NvmeBackend(new Meeting(), backendOptions);
    }

    private final class Meeting implements ResourceManager {
        @Override
        public List<NvmeController> controllers() {
            return resources.controllers();
        }

        @Override
        public Optional<NvmeController> controller(TransportId id) {
            return resources.controller(id);
        }

        @Override
        public QueuePairLease lease(LeaseRequest request) throws InterruptedException {
            var met = nextLeaseMeets.getAndSet(null);
            if (met != null) {
                throw met;
            }
            return resources.lease(request);
        }

        @Override
        public ConnectionLeases listener(TransportId listener, int capacity) {
            return resources.listener(listener, capacity);
        }

        @Override
        public List<QueuePairLease> leases() {
            return resources.leases();
        }

        @Override
        public Reactors reactors() {
            return resources.reactors();
        }
    }

    /** A device with one namespace. */
    Device device(Namespace stored) {
        var device = new Device(EmulatorSettings.of("nvme" + devices.size()), stored);
        devices.add(device);
        return device;
    }

    Namespace leased(Device device) {
        return backend.open(NamespaceSpec.parse("nvme:" + device.id()));
    }

    @Override
    public void close() {
        resources.close();
        devices.forEach(Device::close);
        leases.close();
        reactors.close();
    }

    /** A subsystem, its emulated controller, and the driver, which can be replaced. */
    final class Device implements AutoCloseable {
        final NvmSubsystem subsystem;
        private final EmulatorSettings settings;
        EmulatedFunction function;
        PcieController controller;

        private Device(EmulatorSettings settings, Namespace stored) {
            this.settings = settings;
            subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:" + settings.name(), "1", "test");
            subsystem.addNamespace(1, stored);
            function = EmulatedFunction.create(settings, subsystem, reactors);
            bringDriver();
        }

        TransportId id() {
            return TransportId.emulated(function.address()).withNamespace(1);
        }

        void faults(String... rules) {
            function.faults(FaultPlan.parse(1, List.of(rules)));
        }

        void bringDriver() {
            controller = PcieController.open(function, PcieOptions.DEFAULTS);
            leases.addController(controller);
            backend.add(controller);
        }

        /** As when the plug-in stops: first the service goes, then the controller. */
        void takeDriver() {
            if (controller != null) {
                backend.remove(controller);
                leases.removeController(controller);
                controller.close();
                controller = null;
            }
        }

        void replaceDriver(Duration gap) throws InterruptedException {
            takeDriver();
            Thread.sleep(gap);
            bringDriver();
        }

        /** After it was removed. */
        void comesBack() {
            takeDriver();
            function.close();
            function = EmulatedFunction.create(settings, subsystem, reactors);
            bringDriver();
        }

        @Override
        public void close() {
            takeDriver();
            function.close();
            subsystem.close();
        }
    }
}
