package io.doorbell.lab.rdma;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.kernel.InitiatorScenarios;
import io.doorbell.lab.kernel.KernelTarget;
import io.doorbell.nvme.TransportId;
import io.doorbell.rdmahost.RdmaHostSettings;
import io.doorbell.rdmahost.RdmaHostTransport;
import io.doorbell.rdmasoft.SoftDevice;
import io.doorbell.rdmasoft.SoftSettings;
import io.doorbell.resources.reactor.ReactorPool;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/** Our initiator on the target of Linux, which is on the kernel's software RDMA device. */
final class InitiatorCases {
    private static final UUID HOST = UUID.fromString("0f5ef4b4-3c0c-4f3e-9d5e-5a2b9d0e0003");

    private InitiatorCases() {}

    static List<Case> cases() {
        return List.of(
                patient("our-host-writes-to-the-kernels-target", InitiatorScenarios::data),
                patient("our-host-hears-of-the-kernels-namespaces", InitiatorScenarios::namespaces),
                patient("our-host-loses-the-kernels-target-and-regains-it", InitiatorScenarios::lostAndRegained));
    }

    /** Of {@link InitiatorScenarios}. */
    @FunctionalInterface
    private interface Scenario {
        void run(InitiatorScenarios.Targets targets, Supplier<FabricController> connect) throws Exception;
    }

    private static Case patient(String name, Scenario scenario) {
        return new Case(name, Duration.ofMinutes(6), guest -> run(guest, scenario));
    }

    private static void run(Guest guest, Scenario scenario) throws Exception {
        try (var device = SoftDevice.open(SoftSettings.of(InetAddress.ofLiteral(RdmaLab.TARGET_ADDRESS)));
                var reactors = new ReactorPool(Target.MODEST)) {
            scenario.run(() -> new KernelTarget(guest, "rdma", RdmaLab.HOST_ADDRESS), () -> connect(device, reactors));
        }
    }

    private static FabricController connect(SoftDevice device, ReactorPool reactors) {
        var id = new TransportId(
                TransportId.Type.RDMA, RdmaLab.HOST_ADDRESS, Integer.toString(KernelTarget.PORT), KernelTarget.NQN, 0);
        var options = FabricHostOptions.of(HOST)
                .withTimes(
                        Duration.ofSeconds(30), Duration.ofSeconds(30), Duration.ofMillis(500), Duration.ofMinutes(2));
        return FabricController.open(
                new RdmaHostTransport(id, RdmaHostSettings.DEFAULTS, device, reactors), id, options, () -> {});
    }
}
