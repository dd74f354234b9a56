package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

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
import io.doorbell.verbs.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A connection is a queue pair on lease. */
class LeasedConnectionsTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final String BUNDLE = "io.doorbell.bundle-rdma-target";
    private static final byte[] NOTHING = {};

    private LeaseManager manager;
    private HolderResources resources;
    private Node node;
    private final List<RawHost> hosts = new ArrayList<>();

    @BeforeEach
    void listen() {
        node = new Node(Node.settings(8, 4), (listener, capacity) -> resources.listener(listener, capacity), pool -> {
            manager = new LeaseManager(LeaseOptions.DEFAULT, pool);
            resources = manager.open(new Holder(3, BUNDLE, "0.1.0"));
        });
    }

    @AfterEach
    void close() {
        hosts.forEach(RawHost::close);
        node.target.close();
        assertThat(manager.leases()).as("leases that are not back").isEmpty();
        assertThat(manager.capacity()).as("listeners that are not gone").isEmpty();
        resources.close();
        manager.close();
        node.close();
    }

    private RawHost host(int qid) {
        var host = node.host(qid);
        hosts.add(host);
        return host;
    }

    private LeaseSnapshot lease(int qid) {
        return manager.leases().stream()
                .filter(lease -> lease.queueId() == qid)
                .findFirst()
                .orElseThrow();
    }

    private void requireRejected() {
        var late = new RawHost(node.hosts);
        hosts.add(late);
        var rejected = catchThrowableOfType(
                ConnectException.class,
                () -> late.connect(node.target.address(), RawHost.privateData(0, 0, 32, 31), 8));
        assertThat(rejected.reason()).isEqualTo(ConnectException.REJECTED);
        assertThat(rejected.privateData()).startsWith(0, 0, ConnectData.NO_RESOURCES, 0);
    }

    @Test
    void eachConnectionIsSeenWithItsHostItsQueueAndItsThreadAndGoesWithIt() {
        var admin = host(0);
        int controller = admin.admin(Node.NQN);
        admin.enable();
        var io = host(1);
        io.io(1, controller, Node.NQN);

        assertThat(manager.leases()).hasSize(2).allSatisfy(lease -> {
            assertThat(TransportId.parse(lease.controller()).trtype()).isEqualTo(TransportId.Type.RDMA);
            assertThat(lease.holder()).isEqualTo(BUNDLE + " 0.1.0");
            assertThat(lease.label()).contains("nqn.2026-11.io.doorbell:host", Node.NQN);
            assertThat(lease.ownerThread()).isEqualTo("test-0");
            assertThat(lease.state()).isEqualTo(LeaseState.GRANTED);
            assertThat(lease.depth()).isEqualTo(31);
        });
        io.succeed(io.command(NvmOpcode.FLUSH, 1, 0, 0, 0), NOTHING);
        await().atMost(BOUND).until(() -> lease(1).completed() == 1);
        assertThat(manager.capacity())
                .singleElement()
                .extracting(LeaseRegistry.Capacity::total, LeaseRegistry.Capacity::leased)
                .containsExactly(8, 2);

        io.close();
        await().atMost(BOUND).until(() -> manager.leases().size() == 1);
        var again = host(1);
        again.io(1, controller, Node.NQN);
        assertThat(lease(1).epoch()).isEqualTo(2);
    }

    @Test
    void withNoneLeftTheConnectionIsRejectedAndNotForEver() {
        manager.configure(LeaseOptions.DEFAULT.withPolicy(Policy.parse(List.of(BUNDLE + ": maximum=2"))));
        var admin = host(0);
        int controller = admin.admin(Node.NQN);
        admin.enable();
        var io = host(1);
        io.io(1, controller, Node.NQN);

        requireRejected();

        io.close();
        await().atMost(BOUND).until(() -> manager.leases().size() == 1);
        host(1).io(1, controller, Node.NQN);
    }

    @Test
    void aHostHasNoMoreThanAHostMayHave() {
        manager.configure(LeaseOptions.DEFAULT.withConnectionsPerHost(1));
        host(0).admin(Node.NQN);

        assertThat(host(0).tryAdmin(Node.NQN).status()).isEqualTo(FabricsStatus.CONTROLLER_BUSY);

        assertThat(node.fabrics.associations()).isEqualTo(1);
        assertThat(manager.history()).extracting(LeaseEvent::kind).contains(LeaseEvent.Kind.REFUSED);
    }

    @Test
    void takenBackByAnOperatorItAnswersWhatItExecutesAndEnds() {
        var admin = host(0);
        int controller = admin.admin(Node.NQN);
        admin.enable();
        var io = host(1);
        io.io(1, controller, Node.NQN);
        io.send(io.command(NvmOpcode.WRITE_ZEROES, 1, 0, 0, 0xFFFF), NOTHING);
        long id = lease(1).id();

        var revoked = CompletableFuture.supplyAsync(() -> manager.revoke(id));

        var answer = io.answerOrEnd();
        if (answer != null) {
            assertThat(answer.status()).isIn(Status.SUCCESS, Status.ABORTED_SQ_DELETION);
        }
        io.until(() -> !io.peer.ends.isEmpty());
        var event = revoked.orTimeout(BOUND.toSeconds(), TimeUnit.SECONDS).join();
        assertThat(event.reason()).isEqualTo(RevocationReason.OPERATOR);
        // The others go on.
        admin.succeed(admin.command(RawHost.FABRICS, 4, 0, 0x1C, 0), NOTHING);
        assertThat(manager.leases()).hasSize(1);
    }

    @Test
    void whenItsHolderStopsEveryConnectionEndsAndNoneIsGiven() {
        var admin = host(0);
        admin.admin(Node.NQN);

        var stopped = CompletableFuture.runAsync(resources::close);

        admin.until(() -> !admin.peer.ends.isEmpty() && stopped.isDone());
        assertThat(manager.leases()).isEmpty();
        requireRejected();
    }
}
