package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.doorbell.emulator.FaultPlan;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the emulator does wrong, and what becomes of it: each command ends once, and the controller can be used again. */
class FaultsTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** Short enough for a test, and longer than a machine that has much else to do stands still. */
    private static final PcieOptions OPTIONS =
            PcieOptions.DEFAULTS.withTimeouts(Duration.ofMillis(1500), Duration.ofMillis(700));

    /** Where it does no harm when something is late that should not be. */
    private static final PcieOptions IMPATIENT =
            PcieOptions.DEFAULTS.withTimeouts(Duration.ofMillis(300), Duration.ofMillis(150));

    private final List<String> states = new CopyOnWriteArrayList<>();
    private final int[] ended = new int[100_000];
    private int endedCount;
    private int lastStatus;
    private EmulatedRig rig;
    private PcieController controller;
    private EmulatedRig.Held held;

    @BeforeEach
    void open() {
        rig = new EmulatedRig();
        open(OPTIONS);
    }

    private void open(PcieOptions options) {
        controller = PcieController.open(rig.function, options);
        controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                states.add(state + ": " + reason);
            }
        });
        held = hold();
    }

    private EmulatedRig.Held hold() {
        return new EmulatedRig.Held(controller, 32, 1 << 20, (token, status, result) -> {
            ended[(int) token]++;
            endedCount++;
            lastStatus = status;
        });
    }

    @AfterEach
    void close() {
        rig.function.faults(FaultPlan.NONE);
        held.close();
        controller.close();
        rig.close();
    }

    private void openAnew(PcieOptions options) {
        held.close();
        controller.close();
        states.clear();
        open(options);
    }

    private void faults(String... rules) {
        rig.function.faults(FaultPlan.parse(1, List.of(rules)));
    }

    private int run(long token) {
        assertThat(held.pair.read(EmulatedRig.NSID, token % 1000, 1, held.data, 0, 0, token))
                .isZero();
        held.pair.commit();
        int before = endedCount;
        held.pollUntil(() -> endedCount > before);
        assertThat(ended[(int) token]).isEqualTo(1);
        return lastStatus;
    }

    private void replaceQueuePair() {
        held.close();
        held = hold();
    }

    @Test
    void abortsACommandThatTakesTooLong() {
        faults("io opc=read count=1 -> delay=20s");

        assertThat(Status.code(run(1))).isEqualTo(Status.ABORTED_BY_REQUEST);

        assertThat(run(2)).isZero();
        assertThat(states).isEmpty();
    }

    @Test
    void givesUpWaitingForAnAbortAtTheBound() {
        faults("admin opc=0x08 -> drop", "io opc=read -> delay=20s");
        held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1);
        held.pair.commit();
        long start = System.nanoTime();

        held.control.abort(Duration.ofMillis(200));

        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("not until the command ends")
                .isBetween(Duration.ofMillis(200), Duration.ofSeconds(9));
        assertThat(states).as("who had little time does not ask for a reset").isEmpty();
        rig.function.faults(FaultPlan.NONE);
        held.control.stopSubmissions();
        assertThat(held.control.delete(BOUND)).isTrue();
        held.close();
        held = hold();
    }

    @Test
    void resetsAControllerThatForgotACommand() {
        faults("io opc=read count=1 -> drop");

        assertThat(run(1)).isEqualTo(Status.ABORTED_BY_HOST);

        await().atMost(BOUND).until(() -> states.size() == 2);
        assertThat(states.getFirst()).contains("RESETTING", "did not end after an Abort");
        assertThat(states.getLast()).startsWith("READY");
        assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 2)).isEqualTo(QueuePair.NOT_CONNECTED);
        replaceQueuePair();
        assertThat(run(3)).isZero();
    }

    @Test
    void abortsALateCommandWhileAListenerTakesItsTimeOverAnEvent() throws Exception {
        var begun = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        controller.addListener(new ControllerListener() {
            @Override
            public void event(NvmeController from, AsyncEvent event, MemorySegment page) {
                begun.countDown();
                try {
                    goOn.await(BOUND.toSeconds(), TimeUnit.SECONDS);
                } catch (InterruptedException closing) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        rig.subsystem.removeNamespace(EmulatedRig.NULL_NSID);
        assertThat(begun.await(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
        faults("io opc=read count=1 -> delay=20s");

        assertThat(Status.code(run(1))).isEqualTo(Status.ABORTED_BY_REQUEST);

        goOn.countDown();
        assertThat(states).isEmpty();
    }

    @Test
    void readsNamespacesAnewAgainWhenThatFails() {
        faults("admin opc=identify count=1 -> status=0x4006");

        rig.addNamespace(3, "memory:1MiB:512");

        await().atMost(BOUND).until(() -> controller.namespaces().size() == 3);
        assertThat(rig.function.faultsApplied()).isEqualTo(1);
    }

    @Test
    void doesNotReadNamespacesForEver() {
        openAnew(IMPATIENT);
        for (int nsid = 3; nsid <= 42; nsid++) {
            rig.addNamespace(nsid, "memory:1MiB:512");
        }
        faults("admin opc=0x06 -> delay=60ms");

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(controller::refreshNamespaces)
                .withMessageContaining("not all read within 1800 ms");
    }

    @Test
    void endsWhatIsInFlightWhenACompletionComesTwice() {
        failsTheQueuePairAlone("io opc=read after=5 count=1 -> duplicate", "no command is in flight there");
    }

    @Test
    void endsWhatIsInFlightWhenACompletionHasAnotherId() {
        failsTheQueuePairAlone("io opc=read after=5 count=1 -> cid=^0x4000", "that is not the command in flight");
        failsTheQueuePairAlone("io opc=read after=5 count=1 -> cid=0xffff", "cid FFFFh");
    }

    private void failsTheQueuePairAlone(String rule, String message) {
        var failures = new CopyOnWriteArrayList<String>();
        held.control.onFailure(failures::add);
        Arrays.fill(ended, 0);
        endedCount = 0;
        faults(rule);

        int accepted = 0;
        while (held.pair.read(EmulatedRig.NULL_NSID, 0, 1, held.data, 0, 0, accepted) == 0) {
            accepted++;
        }
        held.pair.commit();
        int all = accepted;
        held.pollUntil(() -> endedCount == all);

        await().atMost(BOUND).until(() -> failures.size() == 1);
        assertThat(failures.getFirst()).contains(message);
        for (int token = 0; token < accepted; token++) {
            assertThat(ended[token]).isEqualTo(1);
        }
        assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 0)).isEqualTo(QueuePair.NOT_CONNECTED);
        replaceQueuePair();
        assertThat(run(50_000 + accepted)).isZero();
        assertThat(states).as("no reset").isEmpty();
    }

    @Test
    void handsTheDevicesStatusOn() {
        faults("io opc=read count=1 -> status=0x4281");

        assertThat(run(1)).isEqualTo(Status.UNRECOVERED_READ_ERROR | Status.DNR);
        assertThat(run(2)).isZero();
    }

    @Test
    void resetsAControllerThatBecomesFatalUnderLoad() {
        faults("io after=2000 count=1 -> fatal");

        int accepted = loadUntilLost();

        await().atMost(BOUND).until(() -> states.size() == 2);
        assertThat(states.getFirst()).contains("fatal status");
        assertThat(states.getLast()).startsWith("READY");
        assertThat(accepted).isGreaterThan(2000);
        replaceQueuePair();
        assertThat(run(99_999)).isZero();
    }

    @Test
    void endsEveryCommandWhenTheDeviceIsRemovedUnderLoad() {
        faults("io after=2000 count=1 -> remove");

        loadUntilLost();

        assertThat(lastStatus).isEqualTo(Status.HOST_PATHING_ERROR);
        await().atMost(BOUND).until(() -> states.size() == 1);
        assertThat(controller.state()).isEqualTo(ControllerState.REMOVED);
    }

    /** Returns how many commands were accepted, each of which has ended once. */
    private int loadUntilLost() {
        int accepted = 0;
        int staged = 0;
        while (staged != QueuePair.NOT_CONNECTED) {
            staged = held.pair.read(EmulatedRig.NULL_NSID, 0, 1, held.data, 0, 0, accepted);
            if (staged == 0) {
                accepted++;
                // The array's end is not to be met while the control plane has no CPU.
                accepted = Math.min(accepted, 99_000);
            } else {
                held.pair.commit();
                held.pair.poll(8);
            }
        }
        held.pollUntil(() -> held.pair.inFlight() == 0);
        for (int token = 0; token < Math.min(accepted, 99_000); token++) {
            assertThat(ended[token]).isEqualTo(1);
        }
        return accepted;
    }

    // ------ admin commands

    private static NvmCommand identify() {
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, 0);
        command.cdw10 = IdentifyCns.CONTROLLER;
        return command;
    }

    private void identifyController(Duration bound) {
        controller.admin(identify(), MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]), bound);
    }

    @Test
    void abortsAnAdminCommandThatTakesTooLong() {
        faults("admin opc=identify count=1 -> delay=20s");

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> identifyController(Duration.ofMillis(200)))
                .satisfies(e -> assertThat(e.status().map(status -> Status.code(status.raw())))
                        .contains(Status.ABORTED_BY_REQUEST));

        identifyController(BOUND);
        assertThat(states).isEmpty();
    }

    @Test
    void resetsAControllerThatForgotAnAdminCommand() {
        faults("admin opc=identify count=1 -> drop");

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> identifyController(Duration.ofMillis(200)))
                .withMessageContaining("Identify Controller")
                .withMessageContaining("Abort did not end it");

        await().atMost(BOUND).until(() -> states.size() == 2);
        identifyController(BOUND);
        assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 2)).isEqualTo(QueuePair.NOT_CONNECTED);
    }

    @Test
    void resetsAControllerWhoseAdminCompletionsAreWrong() {
        faults("admin opc=identify count=1 -> cid=+1");

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> identifyController(Duration.ofSeconds(10)))
                .withMessageContaining("no such command is in flight");

        await().atMost(BOUND).until(() -> states.size() == 2);
        identifyController(BOUND);
    }

    @Test
    void resetsAControllerThatDoesNotDeleteAQueue() {
        faults("admin opc=0x00 count=1 -> drop");
        held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 0);

        assertThat(held.control.delete(Duration.ofSeconds(2))).isFalse();

        assertThat(held.pair.poll(8)).isEqualTo(1);
        assertThat(lastStatus).isEqualTo(Status.ABORTED_BY_HOST);
        await().atMost(BOUND).until(() -> states.size() == 2);
        replaceQueuePair();
        assertThat(run(1)).isZero();
    }

    @Test
    void resetsAControllerThatDoesNotAnswerKeepAlive() {
        held.close();
        controller.close();
        controller = PcieController.open(rig.function, OPTIONS.withKeepAlive(Duration.ofMillis(400)));
        var reasons = new CopyOnWriteArrayList<String>();
        controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                reasons.add(reason);
            }
        });
        held = hold();

        faults("admin opc=0x18 after=2 count=1 -> drop");

        await().atMost(BOUND).until(() -> reasons.size() >= 2);
        assertThat(reasons.getFirst()).contains("Keep Alive was not answered");
        await().atMost(BOUND).until(() -> controller.state() == ControllerState.READY);
    }

    @Test
    void undoesAQueuePairThatCannotBeMade() {
        faults("admin opc=0x01 count=1 -> status=0x4102");

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(this::hold)
                .withMessageContaining("Create I/O Submission Queue 2")
                .withMessageContaining("Invalid Queue Size");

        try (var other = hold()) {
            assertThat(other.pair.queueId()).isEqualTo(2);
        }
        assertThat(states).isEmpty();
    }

    @Test
    void failsTheBringUpAndTriesAgainWhenAsked() {
        faults("admin opc=identify count=1 -> status=0x4006");
        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> controller.reset("test"))
                .withMessageContaining("bring-up, identifying the controller")
                .withMessageContaining("Internal Error");
        assertThat(controller.state()).isEqualTo(ControllerState.FAILED);

        controller.reset("again");

        assertThat(controller.state()).isEqualTo(ControllerState.READY);
    }

    @Test
    void endsEachCommandOnceWhateverTheDeviceDoes() {
        openAnew(IMPATIENT);
        var random = Seed.random("faults");
        for (int round = 0; round < 8; round++) {
            long seed = random.nextLong();
            rig.function.faults(FaultPlan.parse(
                    seed,
                    List.of(
                            "io chance=0.0005 -> drop",
                            "io chance=0.0005 -> duplicate",
                            "io chance=0.0005 -> cid=^0x0101",
                            "io chance=0.001 -> delay=1ms..400ms",
                            "io chance=0.01 -> status=0x286",
                            "io after=500 chance=0.0005 count=1 -> fatal",
                            "admin chance=0.05 -> delay=1ms..30ms")));
            Arrays.fill(ended, 0);

            int accepted = loadUntilLostOr(20_000);

            rig.function.faults(FaultPlan.NONE);
            for (int token = 0; token < ended.length; token++) {
                assertThat(ended[token])
                        .as("token %d of %d, round %d", token, accepted, round)
                        .isEqualTo(token < accepted ? 1 : 0);
            }
            await().atMost(Duration.ofSeconds(60)).until(() -> controller.state() == ControllerState.READY);
            replaceQueuePairWhenItCan();
        }
    }

    private int loadUntilLostOr(int most) {
        int accepted = 0;
        int staged = 0;
        while (staged != QueuePair.NOT_CONNECTED && accepted < most) {
            staged = held.pair.read(EmulatedRig.NSID, accepted % 1000, 1, held.data, 0, 0, accepted);
            if (staged == 0) {
                accepted++;
            } else {
                held.pair.commit();
                held.pair.poll(8);
            }
        }
        held.pair.commit();
        held.pollUntil(() -> held.pair.inFlight() == 0);
        return accepted;
    }

    private void replaceQueuePairWhenItCan() {
        held.close();
        await().atMost(BOUND).ignoreException(NvmeException.class).until(() -> {
            held = hold();
            return true;
        });
        held.control.own(Thread.currentThread());
    }
}
