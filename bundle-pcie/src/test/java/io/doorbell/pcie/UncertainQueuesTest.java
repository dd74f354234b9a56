package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.doorbell.emulator.FaultPlan;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Registers;
import io.doorbell.pci.PciException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Memory is the device's until it is certain that it is not, whoever interrupts, resets, or pulls the device meanwhile. */
class UncertainQueuesTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int READY = ControllerStatus.NOT_READY.withRdy(true).raw();

    private final EmulatedRig rig = new EmulatedRig();
    private final WrappedFunction function = new WrappedFunction(rig.function);
    private final List<ControllerState> states = new CopyOnWriteArrayList<>();
    private PcieController controller;

    @BeforeEach
    void open() {
        controller = PcieController.open(function, PcieOptions.DEFAULTS);
        controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                states.add(state);
            }
        });
    }

    @AfterEach
    void close() {
        rig.function.faults(FaultPlan.NONE);
        controller.close();
        rig.close();
    }

    private void faults(String... rules) {
        rig.function.faults(FaultPlan.parse(1, List.of(rules)));
    }

    private EmulatedRig.Held hold() {
        return new EmulatedRig.Held(controller, 8, 4096, (token, status, result) -> {});
    }

    private void runOne(EmulatedRig.Held held) {
        assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 0)).isZero();
        held.pair.commit();
        held.pollUntil(() -> held.pair.inFlight() == 0);
    }

    @Test
    void makesAQueuePairWhollyOrNotAtAllWhenInterrupted() throws Exception {
        var random = Seed.random("interrupts");
        var broken = new ConcurrentLinkedQueue<Throwable>();
        var other = hold();
        for (int round = 0; round < 60; round++) {
            rig.function.faults(FaultPlan.parse(
                    random.nextLong(), List.of("admin chance=0.5 -> delay=1ms..4ms", "admin -> delay=0ms..1ms")));
            var maker = Thread.ofVirtual().start(() -> {
                try {
                    hold().close();
                } catch (NvmeException interrupted) {
                    // As good.
                } catch (Throwable thrown) {
                    broken.add(thrown);
                }
            });
            LockSupport.parkNanos(random.nextInt(6_000_000));
            maker.interrupt();
            assertThat(maker.join(BOUND)).isTrue();
            rig.function.faults(FaultPlan.NONE);

            runOne(other);
            assertThat(broken).isEmpty();
        }
        try (var next = hold()) {
            assertThat(next.pair.queueId()).isEqualTo(2);
            runOne(next);
        }
        other.close();
        assertThat(states).as("no reset").isEmpty();
    }

    @Test
    void keepsTheMemoryOfAQueueThatMayHaveBeenMadeUntilTheReset() throws Exception {
        faults("admin opc=0x05 count=1 -> delay=20s");
        var thrown = new AtomicReference<Throwable>();
        var maker = Thread.ofVirtual().start(() -> {
            try {
                hold();
            } catch (Throwable e) {
                thrown.set(e);
            }
        });
        await().atMost(BOUND).until(() -> maker.getState() == Thread.State.TIMED_WAITING);

        controller.reset("test");

        assertThat(maker.join(BOUND)).isTrue();
        assertThat(thrown.get()).isInstanceOf(NvmeException.class).hasMessageContaining("being reset");
        assertThat(function.freedWhileReady).hasValue(0);
        try (var next = hold()) {
            assertThat(next.pair.queueId()).as("the id is free again").isEqualTo(1);
            runOne(next);
        }
    }

    @Test
    void asksAControllerThatDoesNotAnswerForNothingMore() {
        controller.close();
        controller = PcieController.open(
                function, PcieOptions.DEFAULTS.withTimeouts(Duration.ofMillis(1500), Duration.ofMillis(700)));
        faults("admin opc=0x01 -> drop", "admin opc=0x08 -> drop");

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(this::hold)
                .satisfies(e -> assertThat(e.kind()).isEqualTo(NvmeException.Kind.RESET))
                .satisfies(e -> assertThat(e.getCause().getSuppressed())
                        .as("deletions that failed")
                        .isEmpty());

        rig.function.faults(FaultPlan.NONE);
        await().atMost(BOUND).ignoreExceptions().untilAsserted(() -> {
            try (var next = hold()) {
                runOne(next);
            }
        });
    }

    @Test
    void resetsAControllerThatDoesNotSayWhetherAQueueIsGone() {
        faults("admin opc=0x01 count=1 -> status=0x4102", "admin opc=0x04 count=1 -> status=0x4006");

        assertThatExceptionOfType(NvmeException.class).isThrownBy(this::hold);

        await().atMost(BOUND).until(() -> states.contains(ControllerState.READY));
        assertThat(function.freedWhileReady).hasValue(0);
        try (var next = hold()) {
            assertThat(next.pair.queueId()).isEqualTo(1);
            runOne(next);
        }
    }

    @Test
    void endsItsQueuePairsBeforeItSaysThatItIsGone() throws Exception {
        for (int round = 0; round < 25; round++) {
            var failures = new ConcurrentLinkedQueue<Throwable>();
            try (var other = new EmulatedRig()) {
                var leaving = PcieController.open(other.function, PcieOptions.DEFAULTS);
                var held = new ArrayList<EmulatedRig.Held>();
                for (int i = 0; i < 31; i++) {
                    held.add(new EmulatedRig.Held(leaving, 4, 4096, (token, status, result) -> {}));
                }
                var taker = Thread.ofPlatform().start(() -> {
                    while (leaving.state() != ControllerState.REMOVED) {
                        Thread.onSpinWait();
                    }
                    try {
                        for (var one : held.reversed()) {
                            one.control.delete(BOUND);
                        }
                    } catch (Throwable thrown) {
                        failures.add(thrown);
                    }
                });
                other.function.remove("pulled");
                taker.join();
                held.forEach(EmulatedRig.Held::close);
                leaving.close();
            }
            assertThat(failures).isEmpty();
        }
    }

    @Test
    void endsTheClaimWhenARegisterCannotBeReached() {
        var held = hold();
        function.writes = (offset, value) -> {
            throw new PciException("test: no register");
        };

        assertThatExceptionOfType(PciException.class).isThrownBy(() -> controller.reset("test"));

        assertThat(controller.state()).isEqualTo(ControllerState.FAILED);
        assertThat(function.open).as("the claim").isFalse();
        assertThat(function.freedWhileReady).hasValue(0);
        held.close();
    }

    @Test
    void endsTheClaimWhenABringUpFailsAndTheControllerCannotBeDisabled() {
        var stays = new AtomicBoolean();
        function.writes = (offset, value) -> {
            if (offset == Registers.CC && new ControllerConfiguration(value).en()) {
                stays.set(true);
            }
        };
        function.csts = csts -> stays.get() ? csts | READY : csts;
        function.cap = StubbornControllerTest.QUICK;
        faults("admin opc=identify count=1 -> status=0x4006");

        assertThatExceptionOfType(NvmeException.class).isThrownBy(() -> controller.reset("test"));

        assertThat(controller.state()).isEqualTo(ControllerState.FAILED);
        assertThat(function.open).as("the claim").isFalse();
        assertThat(function.freedWhileReady).hasValue(0);
    }

    @Test
    void sendsOneAbortAtATimeForAllQueuePairs() throws Exception {
        var held = new ArrayList<EmulatedRig.Held>();
        faults("io -> drop", "admin opc=0x08 -> delay=50ms");
        for (int i = 0; i < 4; i++) {
            held.add(hold());
            held.getLast().pair.read(EmulatedRig.NSID, 0, 1, held.getLast().data, 0, 0, 0);
            held.getLast().pair.commit();
        }
        long start = System.nanoTime();
        // An abort is due by the clock of its cycle: no cycle that began before the start is to take it.
        for (int i = 0; i < 2; i++) {
            rig.function.reactor().call(() -> null, BOUND);
        }

        var aborting = held.stream()
                .map(one -> Thread.ofVirtual().start(() -> one.control.abort(BOUND)))
                .toList();
        for (var thread : aborting) {
            thread.join();
        }

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(200));
        rig.function.faults(FaultPlan.NONE);
        held.forEach(EmulatedRig.Held::close);
    }

    @Test
    void isBackAtItsBoundWhenQueuesCannotBeDeletedByThen() {
        var held = hold();
        faults("admin opc=0x00 -> drop");
        function.csts = csts -> csts | READY;
        long start = System.nanoTime();

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> held.control.delete(Duration.ofMillis(400)))
                .withMessageContaining("may reach them")
                .satisfies(e -> assertThat(e.kind()).isEqualTo(NvmeException.Kind.RETRY));

        // The emulator's own time to become ready is 10 seconds.
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(9));
        rig.function.faults(FaultPlan.NONE);
        function.csts = csts -> csts;
        assertThat(held.control.delete(BOUND)).isFalse();
        assertThat(function.freedWhileReady).hasValue(0);
        held.close();
    }

    @Test
    void tellsOfAResetWhateverTimesOutBefore() {
        controller.close();
        controller = PcieController.open(
                function, PcieOptions.DEFAULTS.withTimeouts(Duration.ofMillis(1500), Duration.ofMillis(100)));
        controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                states.add(state);
            }
        });
        states.clear();
        var held = new ArrayList<EmulatedRig.Held>();
        for (int i = 0; i < 3; i++) {
            held.add(new EmulatedRig.Held(controller, 1024, 4096, (token, status, result) -> {}));
        }
        faults("io -> drop", "admin opc=0x08 -> drop");
        for (var one : held) {
            while (one.pair.read(EmulatedRig.NULL_NSID, 0, 1, one.data, 0, 0, 0) == 0) {
                one.pair.commit();
            }
            assertThat(one.pair.inFlight()).isEqualTo(1023);
        }

        var deadline = System.nanoTime() + BOUND.toNanos();
        while (held.stream().anyMatch(one -> one.pair.inFlight() > 0) && System.nanoTime() < deadline) {
            held.forEach(one -> one.pair.poll(64));
        }

        assertThat(held).allSatisfy(one -> assertThat(one.pair.inFlight()).isZero());
        await().atMost(BOUND).until(() -> states.size() == 2);
        assertThat(states).containsExactly(ControllerState.RESETTING, ControllerState.READY);
        rig.function.faults(FaultPlan.NONE);
        held.forEach(EmulatedRig.Held::close);
    }

    @Test
    void keepsNothingForAControllerThatLeavesWhileItIsBroughtUp() {
        faults("admin opc=identify after=1 count=1 -> remove");
        long start = System.nanoTime();

        assertThatExceptionOfType(NvmeException.class).isThrownBy(() -> controller.reset("test"));

        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("not the bound of the command")
                .isLessThan(PcieOptions.DEFAULTS.adminTimeout());
        assertThat(controller.state()).isEqualTo(ControllerState.REMOVED);
        controller.close();
        assertThat(function.blocks.get()).as("blocks of memory").isZero();
    }

    @Test
    void keepsNothingForAControllerThatLeavesWhileItIsBroughtUpForTheFirstTime() {
        controller.close();
        rig.function.faults(FaultPlan.parse(1, List.of("admin opc=identify after=1 count=1 -> remove")));
        long start = System.nanoTime();

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> PcieController.open(function, PcieOptions.DEFAULTS));

        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("not the bound of the command")
                .isLessThan(PcieOptions.DEFAULTS.adminTimeout());
        assertThat(function.open).isFalse();
        assertThat(function.blocks.get()).as("blocks of memory").isZero();
    }
}
