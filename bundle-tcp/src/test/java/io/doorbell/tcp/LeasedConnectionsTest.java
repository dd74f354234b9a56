package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.fabrics.FabricTarget;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.resources.lease.Holder;
import io.doorbell.resources.lease.HolderResources;
import io.doorbell.resources.lease.LeaseManager;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.resources.lease.Policy;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.AccessStates;
import io.doorbell.target.HostIdentity;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A connection is a queue pair on lease. */
class LeasedConnectionsTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final String BUNDLE = "io.doorbell.bundle-tcp";
    private static final int BLOCKS = 1 << 17;

    private final ReactorPool reactors = new ReactorPool(ReactorOptions.DEFAULT);
    private final LeaseManager manager = new LeaseManager(LeaseOptions.DEFAULT, reactors);
    private final HolderResources resources = manager.open(new Holder(3, BUNDLE, "0.1.0"));
    private final FabricTarget fabrics = new FabricTarget();
    private final NvmSubsystem subsystem = new NvmSubsystem(Node.NQN, "SN1", "Model");
    private final List<RawHost> hosts = new ArrayList<>();
    private TcpTarget target;

    @BeforeEach
    void listen() {
        subsystem.addNamespace(1, new MemoryBackend().open(new NamespaceSpec("memory", 512L * BLOCKS, 512, "")));
        fabrics.add(subsystem);
        target = TcpTarget.open(
                Node.settings(0, 8192, 16, false), AccessStates.ALL_OPTIMIZED, fabrics, reactors, resources::listener);
    }

    @AfterEach
    void close() {
        hosts.forEach(RawHost::close);
        target.close();
        assertThat(manager.leases()).as("leases that are not back").isEmpty();
        assertThat(manager.capacity()).as("listeners that are not gone").isEmpty();
        resources.close();
        manager.close();
        fabrics.close();
        subsystem.close();
        reactors.close();
    }

    private RawHost host() {
        var host = new RawHost(target.address());
        hosts.add(host);
        return host;
    }

    private List<LeaseSnapshot> leases() {
        return manager.leases();
    }

    private LeaseSnapshot lease(int qid) {
        return leases().stream()
                .filter(lease -> lease.queueId() == qid)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aConnectionOfAHostWithoutANameIsSeenAsOneToo() {
        var admin = host();
        admin.hostnqn = "";
        admin.admin(0);

        assertThat(lease(0).host()).isEqualTo(HostIdentity.UNNAMED);
        assertThat(lease(0).label()).startsWith(HostIdentity.UNNAMED + " queue 0 of ");
        assertThat(new HostIdentity("pci", 1, 2).shown()).isEqualTo("unnamed:pci");
    }

    @Test
    void eachConnectionIsSeenWithItsHostItsQueueAndItsThreadAndGoesWithIt() {
        var admin = host();
        int controller = admin.admin(0);
        var io = host().io(1, 32, controller, 0, 0);

        assertThat(leases()).hasSize(2).allSatisfy(lease -> {
            assertThat(TransportId.parse(lease.controller()).port())
                    .isEqualTo(target.address().getPort());
            assertThat(lease.holder()).isEqualTo(BUNDLE + " 0.1.0");
            assertThat(lease.label()).contains(RawHost.HOST, Node.NQN);
            assertThat(lease.ownerThread()).isEqualTo("test-0");
            assertThat(lease.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(lease.depth()).isEqualTo(31);
            assertThat(lease.lastPollNanos()).isLessThan(BOUND.toNanos());
        });
        io.send(RawHost.command(NvmOpcode.FLUSH, 7, 1, 0, 0, 0), 0);
        assertThat(io.read().status()).isZero();
        await().atMost(BOUND).until(() -> lease(1).completed() == 1);
        assertThat(manager.capacity())
                .singleElement()
                .extracting(LeaseRegistry.Capacity::total, LeaseRegistry.Capacity::leased)
                .containsExactly(64, 2);
        assertThat(resources.controllers()).isEmpty();
        assertThat(resources.leases()).isEmpty();

        io.close();
        await().atMost(BOUND).until(() -> leases().size() == 1);
        var again = host().io(1, 32, controller, 0, 0);
        assertThat(lease(1).epoch()).isEqualTo(2);
        again.close();
        admin.close();
        await().atMost(BOUND).until(() -> leases().isEmpty());
    }

    @Test
    void withNoneLeftTheControllerIsBusyAndNotForEver() {
        manager.configure(LeaseOptions.DEFAULT.withPolicy(Policy.parse(List.of(BUNDLE + ": maximum=2"))));
        var admin = host();
        int controller = admin.admin(0);
        var io = host().io(1, 32, controller, 0, 0);
        var late = host();
        late.initialize(0);

        int refused = late.connect(2, 32, controller, 0).status();

        assertThat(refused).isEqualTo(FabricsStatus.CONTROLLER_BUSY);
        assertThat(manager.history()).extracting(LeaseEvent::kind).contains(LeaseEvent.Kind.REFUSED);
        io.close();
        await().atMost(BOUND).until(() -> leases().size() == 1);
        // The same connection may try again.
        assertThat(late.connect(2, 32, controller, 0).status()).isZero();
    }

    @Test
    void aHostHasNoMoreThanAHostMayHave() {
        manager.configure(LeaseOptions.DEFAULT.withConnectionsPerHost(1));
        host().admin(0);
        var second = host();
        second.initialize(0);

        assertThat(second.connect(0, 32, 0xFFFF, 0).status()).isEqualTo(FabricsStatus.CONTROLLER_BUSY);
        assertThat(fabrics.associations()).isEqualTo(1);
    }

    @Test
    void takenBackByAnOperatorItAnswersWhatItExecutesAndEnds() {
        var admin = host();
        int controller = admin.admin(0);
        var io = host().io(1, 32, controller, 0, 0);
        io.send(RawHost.command(NvmOpcode.WRITE_ZEROES, 9, 1, 0, 0, 0xFFFF), 0);
        await().atMost(BOUND).until(() -> lease(1).submitted() == 1);

        var event = manager.revoke(lease(1).id());

        var answer = io.read();
        assertThat(answer.cid()).isEqualTo(9);
        assertThat(answer.status()).isIn(Status.SUCCESS, Status.ABORTED_SQ_DELETION);
        assertThat(io.read()).as("the end").isNull();
        assertThat(event.reason()).isEqualTo(RevocationReason.OPERATOR);
        assertThat(event.kind()).isEqualTo(LeaseEvent.Kind.RELEASED);
        // The others go on.
        admin.send(RawHost.command(0x18, 11, 0, 0, 0, 0), 0);
        assertThat(admin.read().status()).isZero();
        assertThat(leases()).hasSize(1);
    }

    @Test
    void whenItsHolderStopsEveryConnectionEndsAndNoneIsGiven() {
        var admin = host();
        admin.admin(0);

        resources.close();

        assertThat(admin.read()).as("the end").isNull();
        assertThat(leases()).isEmpty();
        var late = host();
        late.initialize(0);
        assertThat(late.connect(0, 32, 0xFFFF, 0).status()).isEqualTo(FabricsStatus.CONTROLLER_BUSY);
    }
}
