package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.emulator.EmulatedFunction;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.emulator.FaultPlan;
import io.doorbell.nvme.TransportId;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.reactor.Reactor;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.HolderResources;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A node without a container: resource manager, emulated controllers, the PCI driver, perf. */
final class EmulatedNode implements AutoCloseable {
    private static final Duration BOUND = Duration.ofSeconds(60);

    final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final LeaseManager leases;
    final HolderResources resources;
    final Perf perf;
    private final List<Device> devices = new ArrayList<>();

    EmulatedNode() {
        this(LeaseOptions.DEFAULT);
    }

    EmulatedNode(LeaseOptions options) {
        leases = new LeaseManager(options, reactors);
        resources = leases.open(new Holder(7, "io.doorbell.bundle-perf", "0.1.0"));
        perf = new Perf(resources);
    }

    /** One namespace in memory. */
    static EmulatedNode withMemory(String spec) {
        var node = new EmulatedNode();
        node.device("nvme0", memory(spec));
        return node;
    }

    static Namespace memory(String spec) {
        return new MemoryBackend().open(NamespaceSpec.parse("memory:" + spec));
    }

    static Namespace nothing(String spec) {
        return new NullBackend().open(NamespaceSpec.parse("null:" + spec));
    }

    Device device(String name, Namespace... namespaces) {
        return device(EmulatorSettings.of(name), PcieOptions.DEFAULTS, namespaces);
    }

    Device device(EmulatorSettings settings, PcieOptions options, Namespace... namespaces) {
        var device = new Device(settings, options, namespaces);
        devices.add(device);
        return device;
    }

    Device device() {
        return devices.getFirst();
    }

    /** Flags are split at blanks; {@code -r NAME} is a short form here. */
    PerfReport run(String flags) {
        return perfRun(flags).execute();
    }

    PerfRun perfRun(String flags) {
        return new PerfRun(resources, PerfOptions.parse(words(flags)), "perf-t", _ -> {}, LiveLine.NONE);
    }

    static List<String> words(String flags) {
        return Arrays.stream(flags.strip().split("\\s+"))
                .map(word -> word.startsWith("nvme") ? trid(word) : word)
                .toList();
    }

    /** {@code nvme0} or {@code nvme0/2}. */
    private static String trid(String name) {
        var parts = name.split("/");
        return "trtype:EMULATED traddr:" + parts[0] + (parts.length > 1 ? " ns:" + parts[1] : "");
    }

    Output command(String flags) {
        var out = new StringWriter();
        var err = new StringWriter();
        var exit = perf.run(
                new PrintWriter(out), new PrintWriter(err), words(flags).toArray(String[]::new));
        return new Output(exit, out.toString(), err.toString());
    }

    record Output(int exit, String out, String err) {}

    /** Nothing of a run is left: no lease, no reactor, no thread; who is told that it has ended may hear that a moment before. */
    void assertNothingLeft() {
        await().atMost(BOUND).untilAsserted(() -> {
            assertThat(leases.leases()).isEmpty();
            assertThat(reactors.reactors()).extracting(Reactor::name).noneMatch(name -> name.startsWith("perf"));
            assertThat(Thread.getAllStackTraces().keySet())
                    .extracting(Thread::getName)
                    .noneMatch(name -> name.startsWith("perf"));
        });
    }

    @Override
    public void close() {
        perf.close();
        assertNothingLeft();
        resources.close();
        devices.forEach(Device::close);
        leases.close();
        reactors.close();
    }

    /** A subsystem, its emulated controller, and the driver, which can be replaced. */
    final class Device implements AutoCloseable {
        private final NvmSubsystem subsystem;
        final EmulatedFunction function;
        private final PcieOptions options;
        private PcieController controller;

        private Device(EmulatorSettings settings, PcieOptions options, Namespace... namespaces) {
            this.options = options;
            subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:" + settings.name(), "1", "test");
            for (var i = 0; i < namespaces.length; i++) {
                subsystem.addNamespace(i + 1, namespaces[i]);
            }
            function = EmulatedFunction.create(settings, subsystem, reactors);
            bringDriver();
        }

        TransportId id() {
            return TransportId.emulated(function.address());
        }

        void faults(String... rules) {
            function.faults(FaultPlan.parse(1, List.of(rules)));
        }

        void bringDriver() {
            controller = PcieController.open(function, options);
            leases.addController(controller);
        }

        /** As when bundle-pcie stops: first the service goes, then the controller. */
        void takeDriver() {
            if (controller != null) {
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

        @Override
        public void close() {
            takeDriver();
            function.close();
            subsystem.close();
        }
    }
}
