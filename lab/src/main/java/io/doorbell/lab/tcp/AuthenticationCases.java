package io.doorbell.lab.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.fabrics.FabricHost;
import io.doorbell.fabrics.auth.DhchapOffer;
import io.doorbell.fabrics.auth.HostKeys;
import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.lab.kernel.Content;
import io.doorbell.lab.kernel.KernelHost;
import io.doorbell.lab.kernel.KernelTarget;
import io.doorbell.nvme.DhchapGroup;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import io.doorbell.tcp.host.TcpHostSettings;
import io.doorbell.tcp.host.TcpHostTransport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/** DH-HMAC-CHAP between our sides and the kernel's. */
final class AuthenticationCases {
    private static final UUID HOST = UUID.fromString("0f5ef4b4-3c0c-4f3e-9d5e-5a2b9d0e0002");
    private static final SecureRandom RANDOM = new SecureRandom();

    /** Larger ones take the guest many seconds. */
    private static final List<DhchapGroup> GROUPS =
            List.of(DhchapGroup.NULL, DhchapGroup.FFDHE2048, DhchapGroup.FFDHE3072, DhchapGroup.FFDHE4096);

    private AuthenticationCases() {}

    static List<Case> cases() {
        return List.of(
                Case.onNewerKernel("a-host-shows-who-it-is", guest -> host(guest, false)),
                Case.onNewerKernel("host-and-target-show-who-they-are", guest -> host(guest, true)),
                Case.onNewerKernel("every-hash-and-several-groups", AuthenticationCases::hashesAndGroups),
                Case.onNewerKernel("nvme-cli-authenticates", AuthenticationCases::nvmeCli),
                Case.onNewerKernel("a-host-with-another-key-is-refused", AuthenticationCases::anotherKey),
                Case.onNewerKernel("a-host-without-a-key-is-refused", AuthenticationCases::noKey),
                Case.onNewerKernel("a-target-with-another-key-is-not-trusted", AuthenticationCases::anotherTarget),
                Case.onNewerKernel("our-host-and-the-kernels-target-authenticate", AuthenticationCases::initiator),
                Case.onNewerKernel("our-host-with-another-key-is-refused", AuthenticationCases::initiatorRefused));
    }

    /** A key, and the file it is in. */
    private record Key(DhchapKey key, Path file) {
        static Key generate(DhchapHash hash) throws IOException {
            var key = DhchapKey.generate(hash, hash.bytes(), RANDOM);
            var onlyOwner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
            return new Key(key, Files.writeString(Files.createTempFile("key", null, onlyOwner), key.text() + "\n"));
        }

        String text() {
            return key.text();
        }
    }

    private static void knows(Target target, Key host, Key controller, DhchapOffer offer) {
        target.fabrics.add(new FabricHost(
                KernelHost.HOST_NQN,
                Set.of(Target.NQN),
                new HostKeys(host.file, controller == null ? null : controller.file, offer, null)));
    }

    private static void writesAndReads(Guest guest, KernelHost host, long seed) throws Exception {
        var disk = host.awaitDisk(1);
        var content = Content.random(seed);
        Content.write(guest, content, disk, "1M");
        Content.requireSame(guest, content, disk, "1M");
    }

    private static void host(Guest guest, boolean bothWays) throws Exception {
        var hostKey = Key.generate(DhchapHash.SHA_256);
        var controllerKey = Key.generate(DhchapHash.SHA_512);
        try (var target = new Target()) {
            knows(target, hostKey, controllerKey, DhchapOffer.DEFAULT);
            var options = ",dhchap_secret=" + hostKey.text()
                    + (bothWays ? ",dhchap_ctrl_secret=" + controllerKey.text() : "");
            try (var host = KernelHost.connect(target.where(), Target.NQN, options)) {
                writesAndReads(guest, host, 20);

                host.reset();

                KernelHost.await("the end of the reset", host::isLive);
                writesAndReads(guest, host, 21);
            }
        }
    }

    private static void hashesAndGroups(Guest guest) throws Exception {
        for (var hash : DhchapHash.values()) {
            for (var group : hash == DhchapHash.SHA_256 ? GROUPS : List.of(DhchapGroup.FFDHE2048)) {
                var hostKey = Key.generate(hash);
                var controllerKey = Key.generate(hash);
                try (var target = new Target()) {
                    knows(target, hostKey, controllerKey, new DhchapOffer(List.of(hash), List.of(group)));
                    try (var host = KernelHost.connect(
                            target.where(),
                            Target.NQN,
                            ",dhchap_secret=" + hostKey.text() + ",dhchap_ctrl_secret=" + controllerKey.text())) {
                        assertThat(host.isLive()).as(hash + " " + group).isTrue();
                    }
                }
            }
        }
    }

    private static void nvmeCli(Guest guest) throws Exception {
        var hostKey = Key.generate(DhchapHash.SHA_384);
        var controllerKey = Key.generate(DhchapHash.SHA_256);
        try (var target = new Target()) {
            knows(target, hostKey, controllerKey, DhchapOffer.DEFAULT);
            guest.say(
                    "nvme",
                    "connect",
                    "--transport=tcp",
                    "--traddr=127.0.0.1",
                    "--trsvcid=" + target.port,
                    "--nqn=" + Target.NQN,
                    "--hostnqn=" + KernelHost.HOST_NQN,
                    "--hostid=" + KernelHost.HOST_ID,
                    "--dhchap-secret=" + hostKey.text(),
                    "--dhchap-ctrl-secret=" + controllerKey.text());
            KernelHost.await("the association", () -> target.associations() == 1);
            guest.say("nvme", "disconnect", "--nqn=" + Target.NQN);
            KernelHost.await("its end", () -> target.associations() == 0);
        }
    }

    private static void requireRefused(Target target, String options) throws IOException {
        assertThatThrownBy(() -> KernelHost.connect(target.where(), Target.NQN, options))
                .isInstanceOf(IOException.class);
        assertThat(KernelHost.all()).isEmpty();
        KernelHost.await("the end of the association", () -> target.associations() == 0);
    }

    private static void anotherKey(Guest guest) throws Exception {
        try (var target = new Target()) {
            knows(target, Key.generate(DhchapHash.SHA_256), null, DhchapOffer.DEFAULT);
            requireRefused(
                    target, ",dhchap_secret=" + Key.generate(DhchapHash.SHA_256).text());
        }
    }

    private static void noKey(Guest guest) throws Exception {
        try (var target = new Target()) {
            knows(target, Key.generate(DhchapHash.SHA_256), null, DhchapOffer.DEFAULT);
            requireRefused(target, "");
        }
    }

    private static void anotherTarget(Guest guest) throws Exception {
        var hostKey = Key.generate(DhchapHash.SHA_256);
        try (var target = new Target()) {
            knows(target, hostKey, Key.generate(DhchapHash.SHA_256), DhchapOffer.DEFAULT);
            requireRefused(
                    target,
                    ",dhchap_secret=" + hostKey.text() + ",dhchap_ctrl_secret="
                            + Key.generate(DhchapHash.SHA_256).text());
        }
    }

    // Our initiator.

    private static FabricController connect(Key host, Key controller) {
        var id = new TransportId(
                TransportId.Type.TCP, "127.0.0.1", Integer.toString(KernelTarget.PORT), KernelTarget.NQN, 0);
        var options = FabricHostOptions.of(HOST)
                .withTimes(
                        Duration.ofSeconds(30), Duration.ofSeconds(15), Duration.ofMillis(500), Duration.ofMinutes(2))
                .withKeys(new HostKeys(
                        host.file, controller.file, new DhchapOffer(List.of(DhchapHash.values()), GROUPS), null));
        return FabricController.open(new TcpHostTransport(id, TcpHostSettings.DEFAULTS), id, options, () -> {});
    }

    private static void initiator(Guest guest) throws Exception {
        for (var hash : DhchapHash.values()) {
            var hostKey = Key.generate(hash);
            var controllerKey = Key.generate(hash);
            try (var target = new KernelTarget(guest)) {
                target.addNamespace(1, 4 << 20);
                for (var group : hash == DhchapHash.SHA_256 ? GROUPS : List.of(DhchapGroup.FFDHE2048)) {
                    target.asksFor(
                            FabricHostOptions.nqn(HOST),
                            hostKey.text(),
                            controllerKey.text(),
                            hash.word(),
                            group.word());
                    try (var controller = connect(hostKey, controllerKey);
                            var lane = new Lane(controller)) {
                        var namespace = controller.namespaces().getFirst();
                        lane.fill(7, 0, 64 << 10);
                        assertThat(lane.write(namespace, 0, 16, 0))
                                .as(hash + " " + group)
                                .isZero();
                    }
                }
            }
        }
    }

    private static void initiatorRefused(Guest guest) throws Exception {
        var hostKey = Key.generate(DhchapHash.SHA_256);
        var controllerKey = Key.generate(DhchapHash.SHA_256);
        try (var target = new KernelTarget(guest)) {
            target.addNamespace(1, 4 << 20);
            target.asksFor(FabricHostOptions.nqn(HOST), hostKey.text(), controllerKey.text(), "sha256", "ffdhe2048");
            assertThatThrownBy(() -> connect(Key.generate(DhchapHash.SHA_256), controllerKey))
                    .isInstanceOf(NvmeException.class);
            assertThatThrownBy(() -> connect(hostKey, Key.generate(DhchapHash.SHA_256)))
                    .isInstanceOf(NvmeException.class);
        }
    }
}
