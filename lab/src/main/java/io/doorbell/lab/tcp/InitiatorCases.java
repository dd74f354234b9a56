package io.doorbell.lab.tcp;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.lab.Case;
import io.doorbell.lab.kernel.InitiatorScenarios;
import io.doorbell.lab.kernel.KernelTarget;
import io.doorbell.nvme.TransportId;
import io.doorbell.tcp.host.TcpHostSettings;
import io.doorbell.tcp.host.TcpHostTransport;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

/** Our initiator on the target of Linux. */
final class InitiatorCases {
    private static final UUID HOST = UUID.fromString("0f5ef4b4-3c0c-4f3e-9d5e-5a2b9d0e0001");

    private InitiatorCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of(
                        "our-host-writes-to-the-kernels-target",
                        guest -> InitiatorScenarios.data(() -> new KernelTarget(guest), () -> connect(false))),
                Case.of(
                        "our-host-and-the-kernels-target-with-digests",
                        guest -> InitiatorScenarios.data(() -> new KernelTarget(guest), () -> connect(true))),
                Case.of(
                        "our-host-hears-of-the-kernels-namespaces",
                        guest -> InitiatorScenarios.namespaces(() -> new KernelTarget(guest), () -> connect(false))),
                Case.of(
                        "our-host-loses-the-kernels-target-and-regains-it",
                        guest -> InitiatorScenarios.lostAndRegained(
                                () -> new KernelTarget(guest), () -> connect(false))));
    }

    private static FabricController connect(boolean digests) {
        var id = new TransportId(
                TransportId.Type.TCP, "127.0.0.1", Integer.toString(KernelTarget.PORT), KernelTarget.NQN, 0);
        var options = FabricHostOptions.of(HOST)
                .withTimes(
                        Duration.ofSeconds(10), Duration.ofSeconds(15), Duration.ofMillis(500), Duration.ofMinutes(2));
        var memory = TcpHostSettings.DEFAULTS.memoryMebibytes();
        return FabricController.open(
                new TcpHostTransport(id, new TcpHostSettings(digests, digests, memory)), id, options, () -> {});
    }
}
