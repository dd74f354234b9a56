package io.doorbell.rdmahost;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NullBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.HeldQueuePair;
import io.doorbell.host.PathOptions;
import io.doorbell.nvme.TransportId;
import io.doorbell.rdmasoft.SoftDevice;
import io.doorbell.rdmasoft.SoftSettings;
import io.doorbell.rdmatarget.RdmaTarget;
import io.doorbell.rdmatarget.RdmaTargetSettings;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.verbs.LoopbackAddress;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A target, with namespace 1 in memory and namespace 2 nothing, and a device of hosts. */
final class Node implements AutoCloseable {
    static final String NQN = "nqn.2026-12.io.doorbell:rdma";
    static final UUID HOST_ID = UUID.fromString("1c7e6f40-1f37-4cc5-8a4e-5a3f0a3f0002");

    static final FabricHostOptions OPTIONS = FabricHostOptions.of(HOST_ID)
            .withTimes(Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofMillis(20), Duration.ofSeconds(30));

    final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    final ReactorPool hostReactors = new ReactorPool(ReactorOptions.DEFAULT);
    final FabricTarget fabrics = new FabricTarget();
    final NvmSubsystem subsystem = new NvmSubsystem(NQN, "SN1", "Model");
    final SoftDevice device = device();
    final SoftDevice hosts = device();
    RdmaTarget target;
    private final int inCapsuleBytes;
    private volatile CountDownLatch frozen;

    private final LyingDevice.Liar liar;

    Node(int inCapsuleBytes) {
        this(inCapsuleBytes, null);
    }

    /** @param liar what becomes of what the target says; null for a target that says what it means */
    Node(int inCapsuleBytes, LyingDevice.Liar liar) {
        this.inCapsuleBytes = inCapsuleBytes;
        this.liar = liar;
        subsystem.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 64 << 20, 512, "")));
        subsystem.addNamespace(2, new NullBackend().open(new NamespaceSpec("null", 1L << 40, 4096, "")));
        fabrics.add(subsystem);
        listen(0);
    }

    void listen(int port) {
        target = RdmaTarget.open(
                new RdmaTargetSettings("test", port, Set.of(), 1, 64, 128, 16, inCapsuleBytes, 1 << 17, 16),
                liar == null ? device : new LyingDevice(device, liar),
                fabrics,
                reactors);
    }

    static SoftDevice device() {
        return SoftDevice.open(SoftSettings.of(LoopbackAddress.next()));
    }

    static TransportId id(InetSocketAddress address, String subnqn) {
        return new TransportId(
                TransportId.Type.RDMA,
                address.getAddress().getHostAddress(),
                Integer.toString(address.getPort()),
                subnqn,
                0);
    }

    /** A controller of ours. */
    final class Host implements AutoCloseable {
        final RdmaHostTransport transport;
        final FabricController controller;
        volatile boolean given;

        Host(FabricHostOptions options, RdmaHostSettings settings) {
            var id = id(target.address(), NQN);
            transport = new RdmaHostTransport(id, settings, hosts, hostReactors);
            controller = FabricController.open(transport, id, options, () -> given = true);
        }

        HeldQueuePair hold(int entries, long dataBytes, CompletionHandler handler) {
            return new HeldQueuePair(controller, entries, dataBytes, handler, PathOptions.DEFAULTS);
        }

        @Override
        public void close() {
            controller.close();
        }
    }

    Host host() {
        return new Host(OPTIONS, RdmaHostSettings.DEFAULTS);
    }

    /** Of the device of hosts. */
    VerbsProvider provider() {
        return new VerbsProvider() {
            @Override
            public String name() {
                return hosts.name();
            }

            @Override
            public List<VerbsDevice> devices() {
                return List.of(hosts);
            }
        };
    }

    /** The target's reactor stands still. */
    void freeze() {
        var until = new CountDownLatch(1);
        frozen = until;
        reactors.reactors()
                .forEach(reactor -> reactor.execute(() -> {
                    try {
                        until.await(60, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
    }

    void thaw() {
        var until = frozen;
        if (until != null) {
            until.countDown();
        }
    }

    @Override
    public void close() {
        thaw();
        target.close();
        fabrics.close();
        subsystem.close();
        device.close();
        hosts.close();
        reactors.close();
        hostReactors.close();
    }
}
