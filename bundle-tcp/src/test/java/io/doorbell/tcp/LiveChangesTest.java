package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AnaLog;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.ConnectData;
import io.doorbell.nvme.DiscoveryLog;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.FabricsStatus;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import io.doorbell.target.IoLimits;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What changes under hosts that are connected by TCP: nobody loses a connection for it. */
@Timeout(300)
class LiveChangesTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final int BLOCK = 512;
    private static final int EVENTS =
            AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES | AsyncEvent.CONFIG_ANA_CHANGE_NOTICES;

    private final Node node = new Node(Node.settings(0, 8192, 4, false));
    private final List<RawHost> hosts = new ArrayList<>();
    private final RawHost admin = host();
    private int controllerId;

    @AfterEach
    void close() {
        hosts.forEach(RawHost::close);
        await().atMost(BOUND).until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);
        node.close();
    }

    private RawHost host() {
        var host = new RawHost(node.target.address());
        hosts.add(host);
        return host;
    }

    private RawHost connected() {
        controllerId = admin.admin(0);
        assertThat(admin(AdminOpcode.SET_FEATURES, 0, FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, EVENTS)
                        .status())
                .isZero();
        return host().io(1, 128, controllerId, 0, 0);
    }

    private RawHost.Pdu admin(int opc, int nsid, int cdw10, int cdw11) {
        admin.send(RawHost.command(opc, admin.nextCid++, nsid, cdw10, cdw11, 0), 0);
        return admin.read();
    }

    /** An admin command that reads so many bytes. */
    private static MemorySegment read(RawHost from, int opc, int nsid, int cdw10, int bytes) {
        from.send(RawHost.command(opc, from.nextCid++, nsid, cdw10, 0, 0), bytes);
        var data = from.read();
        assertThat(from.read().status()).isZero();
        return MemorySegment.ofArray(data.data());
    }

    private MemorySegment logPage(int lid) {
        return read(admin, AdminOpcode.GET_LOG_PAGE, -1, lid | 1023 << 16, 4096);
    }

    /** Sends an Asynchronous Event Request; {@link RawHost#read} is its answer when there is one. */
    private void askForEvent() {
        admin.send(RawHost.command(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0xAE, 0, 0, 0, 0), 0);
    }

    private void expectEvent(int information, int lid) {
        var answer = admin.read();
        assertThat(answer.cid()).isEqualTo(0xAE);
        assertThat(answer.result()).isEqualTo(AsyncEvent.dw0(AsyncEvent.TYPE_NOTICE, information, lid));
    }

    private static RawHost.Pdu io(RawHost io, int opc, int nsid, long slba, int bytes) {
        io.send(RawHost.command(opc, io.nextCid++, nsid, (int) slba, 0, bytes == 0 ? 0 : bytes / BLOCK - 1), bytes);
        var answer = io.read();
        return answer.data().length == 0 ? answer : io.read();
    }

    private static void write(RawHost io, int nsid, long slba) {
        io.sendInCapsule(RawHost.command(NvmOpcode.WRITE, io.nextCid++, nsid, (int) slba, 0, 0), new byte[BLOCK]);
    }

    @Test
    void namespacesComeGrowShrinkAndGo() {
        var io = connected();
        askForEvent();

        node.subsystem.addNamespace(3, new MemoryBackend().open(new NamespaceSpec("memory", 1 << 20, BLOCK, "")));
        expectEvent(AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED, LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST);
        assertThat(ChangedNamespaceList.read(logPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST), 0))
                .containsExactly(3);
        write(io, 3, 2047);
        assertThat(io.read().status()).isZero();

        for (int mib : new int[] {4, 1}) {
            askForEvent();
            node.subsystem.resizeNamespace(3, (long) mib << 20);
            expectEvent(
                    AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED, LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST);
            assertThat(ChangedNamespaceList.read(logPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST), 0))
                    .containsExactly(3);
            long blocks = mib * 2048L;
            assertThat(IdentifyNamespace.NSZE.get(read(admin, AdminOpcode.IDENTIFY, 3, IdentifyCns.NAMESPACE, 4096)))
                    .isEqualTo(blocks);
            assertThat(io(io, NvmOpcode.READ, 3, blocks - 1, BLOCK).status()).isZero();
            assertThat(Status.code(io(io, NvmOpcode.READ, 3, blocks, BLOCK).status()))
                    .isEqualTo(Status.LBA_OUT_OF_RANGE);
        }

        askForEvent();
        node.subsystem.removeNamespace(3);
        expectEvent(AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED, LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST);
        assertThat(Status.code(io(io, NvmOpcode.READ, 3, 0, BLOCK).status())).isEqualTo(Status.INVALID_FIELD);
        assertThat(io(io, NvmOpcode.READ, 1, 0, BLOCK).status())
                .as("the others go on")
                .isZero();
    }

    @Test
    void whatIsInFlightEndsWhenItsNamespaceGoes() throws InterruptedException {
        var io = connected();
        var stuck = new StuckNamespace();
        node.subsystem.addNamespace(3, stuck);
        await().atMost(BOUND).until(() -> io(io, NvmOpcode.FLUSH, 3, 0, 0).status() == 0);
        write(io, 3, 0);
        await().atMost(BOUND).until(() -> stuck.waiting == 1);

        node.subsystem.removeNamespace(3);
        assertThat(Status.code(io(io, NvmOpcode.READ, 3, 0, BLOCK).status()))
                .as("the next is refused")
                .isEqualTo(Status.INVALID_FIELD);
        assertThat(stuck.closed).as("while it has commands").isFalse();
        stuck.released = true;

        assertThat(io.read().status()).isZero();
        await().atMost(BOUND).until(() -> stuck.closed);
    }

    @Test
    void administrationIsNeverBehindIo() {
        var io = connected();
        var stuck = new StuckNamespace();
        node.subsystem.addNamespace(3, stuck);
        await().atMost(BOUND).until(() -> io(io, NvmOpcode.FLUSH, 3, 0, 0).status() == 0);
        node.subsystem.limitNamespace(1, new IoLimits(1, 0));
        await().atMost(BOUND).until(() -> {
            // From here on nothing of namespace 1 is executed for a second.
            write(io, 1, 0);
            return !answeredSoon(io);
        });
        for (int i = 0; i < 60; i++) {
            write(io, i % 2 == 0 ? 1 : 3, i);
        }
        await().atMost(BOUND).until(() -> stuck.waiting == 30);

        long slowestNanos = 0;
        for (int i = 0; i < 100; i++) {
            long startNanos = System.nanoTime();
            assertThat(admin(AdminOpcode.KEEP_ALIVE, 0, 0, 0).status()).isZero();
            read(admin, AdminOpcode.IDENTIFY, 0, IdentifyCns.CONTROLLER, 4096);
            logPage(LogPageId.SMART_HEALTH_INFORMATION);
            slowestNanos = Math.max(slowestNanos, System.nanoTime() - startNanos);
        }

        assertThat(slowestNanos).as("of three admin commands").isLessThan(TimeUnit.SECONDS.toNanos(10));
        assertThat(stuck.waiting).as("I/O that waits all the while").isEqualTo(30);
        assertThat(read(host().io(2, 32, controllerId, 0, 0), NvmOpcode.READ, 2, 0, 4096)
                        .byteSize())
                .as("nor is another namespace")
                .isEqualTo(4096);
        node.subsystem.limitNamespace(1, IoLimits.NONE);
        stuck.released = true;
        for (int i = 0; i < 61; i++) {
            assertThat(io.read().status()).as("none has failed").isZero();
        }
    }

    private static boolean answeredSoon(RawHost io) {
        long startNanos = System.nanoTime();
        while (System.nanoTime() - startNanos < 100_000_000) {
            if (io.hasMore()) {
                assertThat(io.read().status()).isZero();
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    @Test
    void waysChangeAndNobodyIsDisconnected() {
        var io = connected();
        var second = TcpTarget.open(TcpTargetSettings.DEFAULT, node.fabrics, node.reactors);
        try (var other = new RawHost(second.address());
                var otherIo = new RawHost(second.address())) {
            otherIo.io(1, 128, other.admin(0), 0, 0);
            askForEvent();

            node.target.accessStates(AccessStates.ALL_OPTIMIZED.with(1, AccessState.INACCESSIBLE));

            expectEvent(AsyncEvent.NOTICE_ANA_CHANGE, LogPageId.ASYMMETRIC_NAMESPACE_ACCESS);
            assertThat(AnaLog.read(logPage(LogPageId.ASYMMETRIC_NAMESPACE_ACCESS))
                            .groups())
                    .containsExactly(new AnaLog.Group(1, 1, AccessState.INACCESSIBLE.code(), List.of(1, 2)));
            assertThat(io(io, NvmOpcode.READ, 1, 0, BLOCK).status()).isEqualTo(Status.ASYMMETRIC_ACCESS_INACCESSIBLE);
            assertThat(io(otherIo, NvmOpcode.READ, 1, 0, BLOCK).status()).isZero();
            node.target.accessStates(AccessStates.ALL_OPTIMIZED);
            await().atMost(BOUND)
                    .until(() -> io(io, NvmOpcode.READ, 1, 0, BLOCK).status() == 0);
        } finally {
            second.close();
        }
    }

    @Test
    void aQueueOfAnotherHostIsRefusedByItsNameAndByItsIdentifier() {
        connected();
        var named = host();
        named.hostnqn = Node.NQN;
        named.initialize(0);
        var identified = host();
        identified.hostId = UUID.randomUUID();
        identified.initialize(0);

        var byName = named.connect(2, 32, controllerId, 0);
        var byIdentifier = identified.connect(2, 32, controllerId, 0);

        for (var answer : List.of(byName, byIdentifier)) {
            assertThat(answer.status()).isEqualTo(FabricsStatus.CONNECT_INVALID_PARAMETERS | Status.DNR);
        }
        assertThat(byName.result()).isEqualTo(FabricsCommand.invalidParameter(true, ConnectData.HOSTNQN.offset()));
        assertThat(byIdentifier.result()).isEqualTo(FabricsCommand.invalidParameter(true, ConnectData.HOSTID.offset()));
    }

    @Test
    void whoNeverConnectsIsClosedAndKeepAliveRunsOutInTime() {
        long startNanos = System.nanoTime();
        var silent = host();
        var initialized = host();
        initialized.initialize(0);

        admin.kato = 2000;
        // The target counts from a command that came after this, and before the next.
        long earliestNanos = System.nanoTime();
        connected();
        long latestNanos = System.nanoTime();
        assertThat(admin.read()).as("the end of the connection").isNull();
        long endNanos = System.nanoTime();

        assertThat(TimeUnit.NANOSECONDS.toMillis(endNanos - earliestNanos)).isGreaterThanOrEqualTo(2000);
        assertThat(TimeUnit.NANOSECONDS.toMillis(endNanos - latestNanos)).isLessThan(8000);
        for (var host : List.of(silent, initialized)) {
            await().atMost(60, TimeUnit.SECONDS)
                    .pollInterval(50, TimeUnit.MILLISECONDS)
                    .until(host::hasEnded);
        }
        assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startNanos))
                .isGreaterThanOrEqualTo(9);
    }

    @Test
    void trafficOfIoQueuesKeepsAControllerAliveAndTheTimerCanBeSet() {
        admin.kato = 2000;
        var io = connected();
        long startNanos = System.nanoTime();
        while (System.nanoTime() - startNanos < 4_500_000_000L) {
            assertThat(io(io, NvmOpcode.READ, 1, 0, BLOCK).status()).isZero();
            LockSupport.parkNanos(50_000_000);
        }

        assertThat(admin(AdminOpcode.SET_FEATURES, 0, FeatureId.KEEP_ALIVE_TIMER, 0)
                        .status())
                .isZero();
        assertThat(admin(AdminOpcode.GET_FEATURES, 0, FeatureId.KEEP_ALIVE_TIMER, 0)
                        .result())
                .isZero();
        LockSupport.parkNanos(2_500_000_000L);
        assertThat(admin(AdminOpcode.SET_FEATURES, 0, FeatureId.KEEP_ALIVE_TIMER, 1950)
                        .status())
                .isZero();
        assertThat(admin(AdminOpcode.GET_FEATURES, 0, FeatureId.KEEP_ALIVE_TIMER, 0)
                        .result())
                .as("in units of 100 ms, rounded up")
                .isEqualTo(2000);
        assertThat(admin.read()).as("and then nothing came").isNull();
    }

    @Test
    void aPersistentDiscoveryControllerIsToldOfReferralsAndListeners() {
        admin.subnqn = Nqn.DISCOVERY;
        admin.kato = 2000;
        admin.admin(0);
        admin(AdminOpcode.SET_FEATURES, 0, FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, 1 << 31);
        askForEvent();

        node.fabrics.referrals(List.of(TransportId.parse("trtype:TCP traddr:192.0.2.7 trsvcid:8009")));
        expectEvent(AsyncEvent.NOTICE_DISCOVERY_LOG_CHANGE, LogPageId.DISCOVERY);
        var log = logPage(LogPageId.DISCOVERY);
        assertThat(DiscoveryLog.NUMREC.get(log)).isEqualTo(4);
        askForEvent();
        node.fabrics.remove(node.quiet);
        expectEvent(AsyncEvent.NOTICE_DISCOVERY_LOG_CHANGE, LogPageId.DISCOVERY);
        assertThat(DiscoveryLog.NUMREC.get(logPage(LogPageId.DISCOVERY))).isEqualTo(3);

        assertThat(admin.read())
                .as("2 s of silence, and its keep alive timer has run out")
                .isNull();
    }

    /** Writes end when they are let. */
    private static final class StuckNamespace implements Namespace {
        private final NamespaceShape shape =
                new NamespaceShape(BLOCK, 1000, UUID.randomUUID(), false, false, false, "stuck");
        volatile boolean released;
        volatile boolean closed;
        volatile int waiting;

        @Override
        public NamespaceShape shape() {
            return shape;
        }

        @Override
        public NamespaceSession open(Reactor reactor) {
            return new Session();
        }

        @Override
        public void flush() {}

        @Override
        public void close() {
            closed = true;
        }

        private final class Session implements NamespaceSession {
            private final ArrayDeque<NvmRequest> held = new ArrayDeque<>();

            @Override
            public int submit(NvmRequest request) {
                if (request.opc != NvmOpcode.WRITE) {
                    return Status.SUCCESS;
                }
                held.add(request);
                waiting = held.size();
                return NvmRequest.PENDING;
            }

            @Override
            public int submitFused(NvmRequest compare, NvmRequest write) {
                return submit(write);
            }

            @Override
            public int poll(long nowNanos) {
                int ended = 0;
                while (released && !held.isEmpty()) {
                    held.remove().complete(Status.SUCCESS);
                    ended++;
                }
                return ended;
            }

            @Override
            public int inFlight() {
                return held.size();
            }

            @Override
            public void close() {
                held.clear();
            }
        }
    }
}
