package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.platform.Descriptor;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.platform.PeerMemory;
import io.doorbell.platform.UnixSocket;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Controllers that do not do what they should: each ends in a message that says what, and in a state one can go on from. */
class StubbornControllerTest {
    private static final PcieOptions IMPATIENT =
            PcieOptions.DEFAULTS.withTimeouts(Duration.ofMillis(300), Duration.ofMillis(300));

    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int READY = ControllerStatus.NOT_READY.withRdy(true).raw();
    private static final int FATAL = ControllerStatus.NOT_READY.withCfs(true).raw();
    private static final int GONE = -1;

    /** Half a second for CSTS.RDY: for controllers that never get there. */
    static final LongUnaryOperator QUICK = cap -> new ControllerCapabilities(cap)
            .withTimeoutMillis(500)
            .withCrwms(false)
            .withCrims(false)
            .raw();

    private final EmulatedRig rig = new EmulatedRig();
    private final WrappedFunction function = new WrappedFunction(rig.function);

    @BeforeEach
    void beQuick() {
        function.cap = QUICK;
    }

    @AfterEach
    void close() {
        rig.close();
    }

    /** Opens a controller that does what it should, in the time that this machine takes for it. */
    private PcieController opens() {
        function.cap = LongUnaryOperator.identity();
        return PcieController.open(function, PcieOptions.DEFAULTS);
    }

    private NvmeException bringUpFails(String... messages) {
        var thrown = new NvmeException[1];
        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> PcieController.open(function, IMPATIENT))
                .satisfies(e ->
                        assertThat(e.getMessage()).contains("nvme0, bring-up").contains(messages))
                .satisfies(e -> thrown[0] = e);
        assertThat(function.open).as("the claim is given back").isFalse();
        return thrown[0];
    }

    @Test
    void saysSoWhenTheControllerDoesNotBecomeReady() {
        function.csts = csts -> csts & ~READY;

        bringUpFails("enabling", "expected CSTS.RDY 1 after CC.EN was set", "CSTS[not ready", "CC[enabled");

        function.csts = csts -> csts;
        opens().close();
    }

    @Test
    void doesNotWaitAsLongAsTheControllerSays() {
        function.cap = cap -> new ControllerCapabilities(QUICK.applyAsLong(cap))
                .withTimeoutMillis(127_500)
                .raw();
        function.csts = csts -> csts & ~READY;
        var options = IMPATIENT.withReadyTimeout(Duration.ofMillis(600));

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> PcieController.open(function, options))
                .withMessageContaining("within 600 ms");
    }

    @Test
    void saysSoWhenTheControllerStaysReady() {
        function.csts = csts -> csts | READY;

        bringUpFails("disabling", "expected CSTS.RDY 0 after CC.EN was cleared", "CSTS[ready");
    }

    @Test
    void saysSoWhenTheControllerBecomesFatal() {
        var enabled = new AtomicInteger();
        function.csts = csts -> (csts & READY) != 0 && enabled.incrementAndGet() > 0 ? csts & ~READY | FATAL : csts;

        bringUpFails("enabling", "fatal status", "fatal");
    }

    @Test
    void saysSoWhenTheRegistersReadAllOnes() {
        function.cap = cap -> -1;

        assertThat(bringUpFails("reading capabilities", "CAP reads all ones").kind())
                .isEqualTo(NvmeException.Kind.GIVE_UP);
    }

    @Test
    void refusesAControllerItCannotDrive() {
        function.cap = cap -> new ControllerCapabilities(QUICK.applyAsLong(cap))
                .withMpsmax(2)
                .withMpsmin(1)
                .raw();
        bringUpFails("smallest memory page has 8192 bytes");

        function.cap = cap -> new ControllerCapabilities(QUICK.applyAsLong(cap))
                .withCss(ControllerCapabilities.CSS_ADMIN_ONLY)
                .raw();
        bringUpFails("no NVM command set");

        function.cap = cap -> new ControllerCapabilities(QUICK.applyAsLong(cap))
                .withMaxQueueEntries(4)
                .raw();
        bringUpFails("at most 4 entries");
    }

    @Test
    void saysSoWhenTheAdminQueueIsNotServed() {
        try (var nowhere = NativeMemory.allocate(64 * 1024, MappingOptions.ORDINARY)) {
            function.doorbells = nowhere.segment();

            bringUpFails(
                    "identifying the controller", "Identify Controller (cid", "no answer", "Abort was not answered");
        }
    }

    @Test
    void resetsAControllerThatBecomesFatal() {
        try (var controller = opens()) {
            var states = new CopyOnWriteArrayList<ControllerState>();
            controller.addListener(new ControllerListener() {
                @Override
                public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                    assertThat(reason).contains("fatal status");
                    states.add(state);
                }
            });
            var once = new AtomicBoolean(true);
            function.csts = csts -> once.getAndSet(false) ? csts | FATAL : csts;

            await().atMost(BOUND).until(() -> states.size() == 2);

            assertThat(states).containsExactly(ControllerState.RESETTING, ControllerState.READY);
            controller.admin(numberOfQueues(), null, BOUND);
        }
    }

    private static NvmCommand numberOfQueues() {
        var command = new NvmCommand().reset(AdminOpcode.GET_FEATURES, 0);
        command.cdw10 = 7;
        return command;
    }

    @Test
    void knowsThatAControllerIsGoneByItsRegisters() {
        var statuses = new AtomicInteger();
        try (var controller = opens()) {
            var held = new EmulatedRig.Held(controller, 8, 4096, (token, status, result) -> statuses.set(status));
            held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1);

            function.csts = csts -> GONE;

            await().atMost(BOUND).until(() -> controller.state() == ControllerState.REMOVED);
            held.pollUntil(() -> statuses.get() != 0);
            assertThat(statuses.get()).isEqualTo(Status.HOST_PATHING_ERROR);
            assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 2))
                    .isEqualTo(QueuePair.NOT_CONNECTED);
            held.close();
        }
    }

    @Test
    void takesItsMemoryFromAControllerThatCannotBeDisabled() {
        var statuses = new AtomicInteger();
        var controller = opens();
        var held = new EmulatedRig.Held(controller, 8, 4096, (token, status, result) -> statuses.set(status));
        held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1);
        function.cap = QUICK;
        function.csts = csts -> csts | READY;

        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> controller.reset("test"))
                .withMessageContaining("expected CSTS.RDY 0");

        assertThat(controller.state()).isEqualTo(ControllerState.FAILED);
        assertThat(function.open).as("the claim, and with it all mappings").isFalse();
        assertThat(held.pair.poll(8)).isEqualTo(1);
        assertThat(statuses.get()).isEqualTo(Status.ABORTED_BY_HOST);
        assertThatExceptionOfType(NvmeException.class).isThrownBy(() -> controller.reset("again"));
        held.close();
        controller.close();
    }

    @Test
    void canBeResetAgainWhenABringUpFailed() {
        try (var controller = opens()) {
            function.cap = cap -> new ControllerCapabilities(QUICK.applyAsLong(cap))
                    .withMaxQueueEntries(4)
                    .raw();
            assertThatExceptionOfType(NvmeException.class).isThrownBy(() -> controller.reset("test"));
            assertThat(controller.state()).isEqualTo(ControllerState.FAILED);

            function.cap = LongUnaryOperator.identity();
            controller.reset("test");

            assertThat(controller.state()).isEqualTo(ControllerState.READY);
            controller.admin(numberOfQueues(), null, BOUND);
        }
    }

    @Test
    void refusesDoorbellsFartherApartThanThereIsRoomFor() {
        function.cap = cap ->
                new ControllerCapabilities(QUICK.applyAsLong(cap)).withDstrd(15).raw();

        bringUpFails("its doorbells, 131072 bytes apart, do not lie in the");

        assertThat(function.blocks.get()).as("blocks of memory").isZero();
    }

    @Test
    void saysSoWhenTheDoorbellsHaveNoPagesAnyMore(@TempDir Path directory) throws IOException {
        var path = Files.write(directory.resolve("doorbells"), new byte[8192]);
        try (var file = new RandomAccessFile(path.toFile(), "rw");
                var descriptor = passed(path);
                var memory = PeerMemory.map(descriptor, 0, 8192)) {
            function.doorbells = memory.segment();
            file.setLength(0);

            bringUpFails("identifying the controller", "storing to an admin doorbell failed");

            assertThat(function.blocks.get()).as("blocks of memory").isZero();
        }
    }

    /** A file that this process has open, as a peer gets it. */
    private static Descriptor passed(Path file) throws IOException {
        var ends = UnixSocket.pair();
        try (var descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"));
                var one = ends.get(0);
                var other = ends.get(1)) {
            for (var descriptor : descriptors) {
                if (leadsTo(descriptor, file)) {
                    var received = new ArrayList<Descriptor>();
                    int fd = Integer.parseInt(descriptor.getFileName().toString());
                    one.send(MemorySegment.ofArray(new byte[1]), 1_000_000_000, fd);
                    other.receive(MemorySegment.ofArray(new byte[1]), received, 1_000_000_000);
                    return received.getFirst();
                }
            }
        }
        throw new AssertionError(file + " is not open");
    }

    /** One that another thread closes while we look does not. */
    private static boolean leadsTo(Path descriptor, Path file) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).equals(file.toRealPath());
        } catch (NoSuchFileException closed) {
            return false;
        }
    }
}
