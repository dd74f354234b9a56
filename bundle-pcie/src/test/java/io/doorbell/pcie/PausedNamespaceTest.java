package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.backends.NvmeBackend;
import io.doorbell.backends.NvmeBackendOptions;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.HandReactor;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import io.doorbell.resources.lease.LeaseOptions;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.TestRequest;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Leases of a namespace end under load, and whoever uses it sees time pass and nothing else. */
class PausedNamespaceTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int BLOCKS = 96;
    private static final String STORED = "memory:1MiB:512";

    private final long seed = Long.getLong("doorbell.seed", System.nanoTime());
    private final List<AutoCloseable> opened = new ArrayList<>();
    private LeasedRig rig;

    private LeasedRig.Device device;
    private Namespace namespace;

    private void open(NvmeBackendOptions options) {
        System.out.println("doorbell.seed=" + seed);
        rig = new LeasedRig(LeaseOptions.DEFAULT, options);
        device = rig.device(stored());
        namespace = rig.leased(device);
    }

    private static Namespace stored() {
        return new MemoryBackend().open(NamespaceSpec.parse(STORED));
    }

    @AfterEach
    void close() throws Exception {
        for (var each : opened.reversed()) {
            each.close();
        }
        namespace.close();
        assertThat(rig.leases.leases()).as("leases that are not back").isEmpty();
        rig.close();
    }

    private StampedSession load(String name, int blocks) {
        var reactor = rig.reactors.open(name, Reactors.Role.HOST, Reactors.ANY_CPU);
        opened.add(reactor);
        var load = new StampedSession(reactor, namespace, blocks, seed);
        opened.add(load);
        return load;
    }

    private void awaitProgress(StampedSession load) {
        long before = load.ended();
        await().atMost(BOUND).until(() -> load.ended() > before + 500);
    }

    private List<LeaseSnapshot> leases() {
        return rig.leases.leases();
    }

    enum Trouble {
        DRIVER_REPLACED {
            @Override
            void make(PausedNamespaceTest test) throws InterruptedException {
                test.device.replaceDriver(Duration.ofMillis(30));
            }
        },
        CONTROLLER_RESET {
            @Override
            void make(PausedNamespaceTest test) {
                test.device.controller.reset("test");
            }
        },
        REMOVED_AND_THERE_AGAIN {
            @Override
            void make(PausedNamespaceTest test) {
                var gone = test.device.controller;
                test.device.faults("io after=100 count=1 -> remove");
                await().atMost(BOUND).until(() -> gone.state() == ControllerState.REMOVED);
                test.device.comesBack();
            }
        },
        /** No device may say so of a queue that lives. */
        ENDED_AS_IF_THE_QUEUE_WERE_GONE {
            @Override
            void make(PausedNamespaceTest test) {
                long before = test.leases().getFirst().epoch();
                test.device.faults("io after=100 count=2 -> status=" + Status.HOST_PATHING_ERROR);
                await().atMost(BOUND).until(() -> test.leases().stream().anyMatch(lease -> lease.epoch() > before));
            }
        },
        REVOKED_BY_AN_OPERATOR {
            @Override
            void make(PausedNamespaceTest test) {
                test.leases().forEach(lease -> test.rig.leases.revoke(lease.id()));
            }
        };

        abstract void make(PausedNamespaceTest test) throws InterruptedException;
    }

    @ParameterizedTest
    @EnumSource
    void goesOnWhenItsLeaseHasEnded(Trouble trouble) throws InterruptedException {
        open(NvmeBackendOptions.DEFAULT);
        var load = load("load", BLOCKS);
        awaitProgress(load);

        for (int i = 0; i < 4; i++) {
            trouble.make(this);
            awaitProgress(load);
        }

        load.stop();
        await().atMost(BOUND).until(() -> load.inFlight() == 0);
        assertThat(load.wrong()).isEmpty();
        assertThat(leases())
                .hasSize(1)
                .allSatisfy(lease -> assertThat(lease.epoch()).isGreaterThan(1));
        System.out.println(trouble + ": " + load.ended() + " commands, the longest " + load.longest());
    }

    /** As when the driver is replaced while it is asked. */
    @Test
    void goesOnWhenWhoItAsksForALeaseIsGoing() {
        open(NvmeBackendOptions.DEFAULT);
        var load = load("load", BLOCKS);
        awaitProgress(load);
        rig.nextLeaseMeets.set(new NoClassDefFoundError("the bundle wiring is no longer valid"));

        leases().forEach(lease -> rig.leases.revoke(lease.id()));

        await().atMost(BOUND).until(() -> rig.nextLeaseMeets.get() == null);
        awaitProgress(load);
        load.stop();
        await().atMost(BOUND).until(() -> load.inFlight() == 0);
        assertThat(load.wrong()).isEmpty();
    }

    /** Who serves it is told to try again: the controller stays the same, so nobody else would. */
    @Test
    void oneThatIsOpenedWhileItsDriverIsGoingIsOpenedSoonAfter() throws Exception {
        open(NvmeBackendOptions.DEFAULT);
        var goes = new AtomicBoolean(true);
        var controller = (NvmeController) Proxy.newProxyInstance(
                NvmeController.class.getClassLoader(),
                new Class<?>[] {NvmeController.class},
                (_, method, arguments) -> {
                    if (method.getName().equals("admin") && goes.get()) {
                        throw new NoClassDefFoundError("the bundle wiring is no longer valid");
                    }
                    return method.invoke(device.controller, arguments);
                });
        var backend = new NvmeBackend(rig.resources, NvmeBackendOptions.DEFAULT);
        backend.add(controller);
        var spec = NamespaceSpec.parse("nvme:" + device.id());
        var told = new CountDownLatch(1);
        try (var _ = backend.onChange(told::countDown)) {

            assertThatThrownBy(() -> backend.open(spec))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is being replaced");

            goes.set(false);
            assertThat(told.await(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
            backend.open(spec).close();
        }
    }

    @Test
    void goesOnWhenTheDeviceEndsNothingAndIsReset() {
        open(NvmeBackendOptions.DEFAULT);
        var load = load("load", BLOCKS);
        awaitProgress(load);
        device.faults("io chance=0.3 count=40 -> drop");
        await().atMost(BOUND).until(() -> load.inFlight() == BLOCKS);

        device.controller.reset("test");

        awaitProgress(load);
        load.stop();
        await().atMost(BOUND).until(() -> load.inFlight() == 0);
        assertThat(load.wrong()).isEmpty();
    }

    @Test
    void sessionsOfOneReactorShareAQueuePairAndOthersHaveTheirOwn() {
        open(NvmeBackendOptions.DEFAULT);
        var first = rig.reactors.open("first", Reactors.Role.HOST, Reactors.ANY_CPU);
        opened.add(first);
        var second = rig.reactors.open("second", Reactors.Role.HOST, Reactors.ANY_CPU);
        opened.add(second);
        var sessions = List.of(sessionOn(first), sessionOn(first), sessionOn(second));

        await().atMost(BOUND).until(() -> leases().size() == 2);

        assertThat(leases())
                .allSatisfy(lease -> assertThat(lease.holder()).isEqualTo("io.doorbell.backends 0.1.0"))
                .extracting(LeaseSnapshot::ownerThread)
                .containsExactlyInAnyOrder("first", "second");
        first.call(() -> close(sessions.get(0)), BOUND);
        assertThat(leases()).hasSize(2);
        first.call(() -> close(sessions.get(1)), BOUND);
        second.call(() -> close(sessions.get(2)), BOUND);
        await().atMost(BOUND).until(() -> leases().isEmpty());
    }

    private NamespaceSession sessionOn(Reactor reactor) {
        return reactor.call(() -> namespace.open(reactor), BOUND);
    }

    private static Void close(NamespaceSession session) {
        session.close();
        return null;
    }

    // By hand: one thread is the reactor.

    private final HandReactor hand = HandReactor.byHand("hand");

    private NamespaceSession byHand() {
        var session = namespace.open(hand);
        opened.add(session);
        return session;
    }

    private void cycleUntil(NamespaceSession session, BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (hand.cycle() + session.poll(System.nanoTime()) == 0) {
                Thread.yield();
            }
            assertThat(System.nanoTime() - start).as("time it takes").isLessThan(BOUND.toNanos());
        }
    }

    private static TestRequest write(long slba, int fill) {
        var data = new byte[512];
        java.util.Arrays.fill(data, (byte) fill);
        return TestRequest.blocks(NvmOpcode.WRITE, slba, 1).with(data);
    }

    private int run(NamespaceSession session, TestRequest request) {
        assertThat(session.submit(request)).isEqualTo(TestRequest.PENDING);
        cycleUntil(session, () -> request.completions() > 0);
        return request.status();
    }

    @Test
    void commandsThatWaitTooLongEndWithAPathErrorAndLaterOnesAreServed() throws Exception {
        open(NvmeBackendOptions.DEFAULT.withPause(Duration.ofMillis(150)));
        var session = byHand();
        writeAtLast(session);
        var takingAway = Thread.ofPlatform().start(device::takeDriver);
        cycleUntil(session, () -> !takingAway.isAlive());
        long start = System.nanoTime();

        int status = run(session, write(1, 2));

        assertThat(status).isEqualTo(Status.INTERNAL_PATH_ERROR);
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isBetween(Duration.ofMillis(150), Duration.ofSeconds(20));
        device.bringDriver();
        writeAtLast(session);
    }

    /** As soon as there is a lease: until then it is the path that is in the way. */
    private void writeAtLast(NamespaceSession session) {
        cycleUntil(session, () -> {
            int status = run(session, write(1, 1));
            assertThat(status).isIn(Status.SUCCESS, Status.INTERNAL_PATH_ERROR);
            return status == Status.SUCCESS;
        });
    }

    @Test
    void anotherNamespaceInItsPlaceIsNotServed() throws Exception {
        open(NvmeBackendOptions.DEFAULT.withPause(Duration.ofMillis(300)));
        var session = byHand();
        writeAtLast(session);

        device.subsystem.removeNamespace(1);
        device.subsystem.addNamespace(1, stored());

        // The controller tells of it, the driver reads anew, the lease goes back.
        cycleUntil(session, () -> run(session, write(1, 2)) == Status.INTERNAL_PATH_ERROR);
    }

    @Test
    void aPairThatMayHaveHappenedIsDoneOnceAndEndsWithAnErrorThatIsNotRetried() {
        open(NvmeBackendOptions.DEFAULT);
        var session = byHand();
        assertThat(run(session, write(7, 1))).isZero();
        // Executed, and never answered.
        device.faults("io opc=write count=1 -> drop");
        var compare = TestRequest.blocks(NvmOpcode.COMPARE, 7, 1).with(bytes(1));
        var replace = TestRequest.blocks(NvmOpcode.WRITE, 7, 1).with(bytes(2));
        assertThat(session.submitFused(compare, replace)).isEqualTo(TestRequest.PENDING);
        cycleUntil(session, () -> device.function.faultsApplied() == 1);
        // The cycle in which it was fetched has ended.
        for (int i = 0; i < 2; i++) {
            device.function.reactor().call(() -> null, BOUND);
        }
        for (int i = 0; i < 100; i++) {
            hand.cycle();
            session.poll(System.nanoTime());
        }
        assertThat(replace.completions()).isZero();

        var reset = Thread.ofPlatform().start(() -> device.controller.reset("test"));
        cycleUntil(session, () -> replace.completions() > 0);

        var found = TestRequest.blocks(NvmOpcode.READ, 7, 1);
        var data = new byte[512];
        found.with(data);
        cycleUntil(session, () -> !reset.isAlive());
        assertThat(run(session, found)).isZero();
        if (data[0] == 1) {
            throw new AssertionError("the pair was not done: " + Status.name(replace.status()));
        }
        assertThat(data).containsOnly(2);
        assertThat(replace.status()).isEqualTo(Status.INTERNAL_PATH_ERROR | Status.DNR);
    }

    private static byte[] bytes(int fill) {
        var data = new byte[512];
        java.util.Arrays.fill(data, (byte) fill);
        return data;
    }
}
