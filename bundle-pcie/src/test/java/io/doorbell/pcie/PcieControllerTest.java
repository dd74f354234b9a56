package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.BlockFormats;
import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import io.doorbell.pci.PciException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PcieControllerTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    private EmulatedRig rig;
    private PcieController controller;
    private final ArrayList<Long> tokens = new ArrayList<>();
    private int lastStatus;

    @BeforeEach
    void open() {
        rig = new EmulatedRig();
        controller = PcieController.open(rig.function, PcieOptions.DEFAULTS);
    }

    @AfterEach
    void close() {
        controller.close();
        rig.close();
    }

    private EmulatedRig.Held hold(int entries) {
        return new EmulatedRig.Held(controller, entries, 4 << 20, (token, status, result) -> {
            tokens.add(token);
            lastStatus = status;
        });
    }

    private int run(EmulatedRig.Held held, int staged) {
        assertThat(staged).isGreaterThanOrEqualTo(0);
        held.pair.commit();
        int before = tokens.size();
        held.pollUntil(() -> tokens.size() > before);
        return lastStatus;
    }

    @Test
    void bringsTheControllerUpAndIdentifiesIt() {
        assertThat(controller.state()).isEqualTo(ControllerState.READY);
        assertThat(controller.transportId()).isEqualTo(TransportId.emulated("nvme0"));
        var info = controller.info();
        assertThat(info.serial()).isEqualTo("SERIAL1");
        assertThat(info.model()).isEqualTo("Doorbell test");
        assertThat(info.ioQueuePairs()).isEqualTo(EmulatorSettings.DEFAULT_IO_QUEUE_PAIRS);
        assertThat(info.maxQueueEntries()).isEqualTo(EmulatorSettings.DEFAULT_MAX_QUEUE_ENTRIES);
        assertThat(info.maxTransferBytes()).isEqualTo(EmulatorSettings.DEFAULT_MAX_TRANSFER_BYTES);
        assertThat(info.shadowDoorbells()).isTrue();
        assertThat(controller.namespaces()).hasSize(2);
        var first = controller.namespaces().getFirst();
        assertThat(first.nsid()).isEqualTo(EmulatedRig.NSID);
        assertThat(first.byteSize()).isEqualTo(16 << 20);
        assertThat(first.blockBytes()).isEqualTo(512);
        assertThat(first.nguid()).isNotEmpty();
    }

    @Test
    void readsBackWhatItWroteAtAnySizeAndAlignment() {
        var random = Seed.random("read back");
        try (var held = hold(64)) {
            var data = held.data.segment();
            for (int i = 0; i < 100; i++) {
                int blocks = 1 + random.nextInt(random.nextInt(10) == 0 ? 3000 : 40);
                long slba = random.nextInt(32768 - blocks);
                long from = (random.nextInt(512) & ~3) + 4096L * random.nextInt(8);
                long to = (2 << 20) + (random.nextInt(512) & ~3) + 4096L * random.nextInt(8);
                var written = data.asSlice(from, blocks * 512L);
                fill(written, random);

                assertThat(run(held, held.pair.write(EmulatedRig.NSID, slba, blocks, held.data, from, 0, i)))
                        .isZero();
                assertThat(run(held, held.pair.read(EmulatedRig.NSID, slba, blocks, held.data, to, 0, i)))
                        .isZero();

                assertThat(data.asSlice(to, blocks * 512L).mismatch(written)).isEqualTo(-1);
            }
        }
    }

    private static void fill(MemorySegment segment, Random random) {
        for (long at = 0; at < segment.byteSize(); at += 4) {
            segment.set(ValueLayout.JAVA_INT, at, random.nextInt());
        }
    }

    @Test
    void runsTheOtherCommandsToo() {
        try (var held = hold(16)) {
            var data = held.data.segment();
            data.asSlice(0, 512).fill((byte) 7);
            data.asSlice(4096, 512).fill((byte) 9);
            assertThat(run(held, held.pair.write(EmulatedRig.NSID, 5, 1, held.data, 0, QueuePair.FUA, 1)))
                    .isZero();
            assertThat(run(held, held.pair.submit(new NvmCommand().reset(NvmOpcode.FLUSH, 1), null, 0, 0, 2)))
                    .isZero();
            assertThat(run(held, held.pair.compareAndWrite(EmulatedRig.NSID, 5, 1, held.data, 0, held.data, 4096, 3)))
                    .isZero();
            assertThat(Status.code(run(
                            held, held.pair.compareAndWrite(EmulatedRig.NSID, 5, 1, held.data, 0, held.data, 0, 4))))
                    .isEqualTo(Status.COMPARE_FAILURE);
            var compare =
                    new NvmCommand().reset(NvmOpcode.COMPARE, EmulatedRig.NSID).slba(5);
            assertThat(run(held, held.pair.submit(compare, held.data, 4096, 512, 5)))
                    .isZero();
            var zeroes = new NvmCommand()
                    .reset(NvmOpcode.WRITE_ZEROES, EmulatedRig.NSID)
                    .slba(5);
            assertThat(run(held, held.pair.submit(zeroes, null, 0, 0, 6))).isZero();
            assertThat(run(held, held.pair.read(EmulatedRig.NSID, 5, 1, held.data, 8192, 0, 7)))
                    .isZero();
            assertThat(data.get(ValueLayout.JAVA_INT, 8192)).isZero();
            assertThat(Status.code(run(held, held.pair.read(EmulatedRig.NSID, 1 << 20, 1, held.data, 0, 0, 8))))
                    .isEqualTo(Status.LBA_OUT_OF_RANGE);
        }
        assertThat(tokens).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
    }

    @Test
    void drivesAControllerWithoutShadowDoorbells() {
        controller.close();
        controller = PcieController.open(rig.function, PcieOptions.DEFAULTS.withShadowDoorbells(false));
        assertThat(controller.info().shadowDoorbells()).isFalse();

        readsBackWhatItWroteAtAnySizeAndAlignment();
    }

    @Test
    void tellsTheControllerWhoTheHostIs() {
        var id = UUID.fromString("01234567-89ab-cdef-0123-456789abcdef");
        controller.close();
        controller = PcieController.open(rig.function, PcieOptions.DEFAULTS.withHostId(id));
        var data = MemorySegment.ofArray(new byte[16]);
        var command = new NvmCommand().reset(AdminOpcode.GET_FEATURES, 0);
        command.cdw10 = FeatureId.HOST_IDENTIFIER;
        command.cdw11 = 1;

        controller.admin(command, data, BOUND);

        assertThat(HexFormat.of().formatHex(data.toArray(ValueLayout.JAVA_BYTE)))
                .isEqualTo("0123456789abcdef0123456789abcdef");
    }

    @Test
    void wakesADeviceThatSleeps() {
        try (var held = hold(16)) {
            for (int i = 0; i < 5; i++) {
                await().atMost(BOUND)
                        .until(() -> rig.function.reactor().statistics().parked());
                assertThat(run(held, held.pair.read(EmulatedRig.NULL_NSID, i, 1, held.data, 0, 0, i)))
                        .isZero();
            }
        }
    }

    @Test
    void keepsManyCommandsInFlightAndEndsEachOnce() {
        var ended = new int[50_000];
        try (var held = new EmulatedRig.Held(controller, 256, 1 << 20, (token, status, result) -> {
            assertThat(status).isZero();
            ended[(int) token]++;
        })) {
            int next = 0;
            int done = 0;
            while (done < ended.length) {
                while (next < ended.length
                        && held.pair.read(EmulatedRig.NULL_NSID, next, 1, held.data, 0, 0, next) >= 0) {
                    next++;
                }
                held.pair.commit();
                done += held.pair.poll(64);
            }
            assertThat(held.pair.inFlight()).isZero();
        }
        assertThat(ended).containsOnly(1);
    }

    // ------ admin commands

    @Test
    void executesAdminCommandsFromManyThreads() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var results = new ArrayList<Future<String>>();
            for (int i = 0; i < 200; i++) {
                results.add(threads.submit(() -> {
                    var data = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
                    var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, 0);
                    command.cdw10 = IdentifyCns.CONTROLLER;
                    controller.admin(command, data, BOUND);
                    return IdentifyController.SN.get(data);
                }));
            }
            for (var result : results) {
                assertThat(result.get()).isEqualTo("SERIAL1");
            }
        }
    }

    @Test
    void saysWhatFailedWhenAnAdminCommandFails() {
        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> controller.admin(new NvmCommand().reset(0xC1, 0), null, BOUND))
                .withMessageContaining("nvme0")
                .withMessageContaining("Admin Opcode C1h")
                .withMessageContaining("Invalid Command Opcode");
        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> controller.admin(
                        new NvmCommand().reset(AdminOpcode.IDENTIFY, 0),
                        MemorySegment.ofArray(new byte[AdminQueue.MAX_DATA_BYTES + 1]),
                        BOUND))
                .withMessageContaining("at most " + AdminQueue.MAX_DATA_BYTES);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> controller.admin(
                        new NvmCommand().reset(AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, 0), null, BOUND));
    }

    // ------ queue pairs

    @Test
    void givesNoMoreQueuePairsThanGrantedAndReusesTheirIds() {
        var held = new ArrayList<EmulatedRig.Held>();
        for (int i = 0; i < controller.info().ioQueuePairs(); i++) {
            held.add(hold(4));
        }
        assertThat(held).extracting(h -> h.pair.queueId()).doesNotHaveDuplicates();

        var arena = Arena.ofShared();
        var wanted = new QueuePairOptions(4, (token, status, result) -> {}, "one too many");
        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> controller.createQueuePair(wanted, arena))
                .withMessageContaining("one too many")
                .withMessageContaining("all 31 are in use");
        arena.close();

        held.get(7).close();
        held.set(7, hold(4));
        assertThat(held.get(7).pair.queueId()).isEqualTo(8);
        assertThat(run(held.get(7), held.get(7).pair.read(EmulatedRig.NSID, 0, 1, held.get(7).data, 0, 0, 1)))
                .isZero();
        held.forEach(EmulatedRig.Held::close);
    }

    @Test
    void leavesNothingBehindWhenAQueuePairCannotBeMade() {
        var arena = Arena.ofShared();
        arena.close();

        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() ->
                        controller.createQueuePair(new QueuePairOptions(4, (token, status, result) -> {}, "x"), arena));

        try (var held = hold(4)) {
            assertThat(held.pair.queueId()).isEqualTo(1);
        }
    }

    @Test
    void abortsAreHarmlessWhenEverythingHasEnded() {
        try (var held = hold(16)) {
            held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1);
            held.pair.commit();
            held.control.abort(Duration.ofMillis(200));
            held.pollUntil(() -> tokens.size() == 1);
        }
    }

    @Test
    void boundsTheMemoryForData() {
        controller.close();
        controller = PcieController.open(rig.function, PcieOptions.DEFAULTS.withMaxDmaBytes(1 << 20));
        try (var arena = Arena.ofShared()) {
            var first = controller.allocateDma(1 << 19, arena);
            assertThat(first.memory().byteSize()).isEqualTo(1 << 19);
            assertThatExceptionOfType(NvmeException.class)
                    .isThrownBy(() -> controller.allocateDma((1 << 19) + 1, arena))
                    .withMessageContaining("524288 of 1048576 are in use");
        }
    }

    @Test
    void remembersSomeOfTheNamespacesThatWent() {
        var formats = BlockFormats.NONE;
        for (int nsid = 1; nsid <= 5 * BlockFormats.MOST_GONE; nsid++) {
            formats = BlockFormats.of(List.of(QueuePairRig.format(nsid, MetadataFormat.NONE, 0)), formats);
            assertThat(formats.of(nsid)).isNotNull();
        }
        var last = formats;

        long known = IntStream.rangeClosed(1, 5 * BlockFormats.MOST_GONE)
                .filter(nsid -> last.of(nsid) != null)
                .count();

        assertThat(known).isEqualTo(BlockFormats.MOST_GONE + 1);
    }

    // ------ reset, events, end

    @Test
    void losesItsQueuePairsInAResetAndEndsWhatWasInFlight() {
        var states = new CopyOnWriteArrayList<ControllerState>();
        controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                assertThat(reason).contains("test");
                states.add(state);
            }
        });
        var held = hold(64);
        for (int i = 0; i < 63; i++) {
            held.pair.read(EmulatedRig.NSID, i, 1, held.data, 0, 0, i);
        }

        controller.reset("test");

        assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 99)).isEqualTo(QueuePair.NOT_CONNECTED);
        held.pair.commit();
        assertThat(held.pair.poll(100)).isEqualTo(63);
        assertThat(lastStatus).isEqualTo(Status.ABORTED_BY_HOST);
        assertThat(held.pair.poll(100)).isZero();
        assertThat(controller.state()).isEqualTo(ControllerState.READY);
        try (var other = hold(16)) {
            assertThat(other.pair.queueId())
                    .as("an id is not used again before its fence")
                    .isEqualTo(2);
            assertThat(run(other, other.pair.read(EmulatedRig.NSID, 0, 1, other.data, 0, 0, 1)))
                    .isZero();
        }
        held.close();
        await().atMost(BOUND).until(() -> states.size() == 2);
        assertThat(states).containsExactly(ControllerState.RESETTING, ControllerState.READY);
    }

    @Test
    void survivesResetsUnderLoad() throws Exception {
        var failures = new ConcurrentLinkedQueue<Throwable>();
        var threads = new ArrayList<Thread>();
        for (int t = 0; t < 3; t++) {
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    for (int i = 0; i < 6; i++) {
                        loadUntilLost();
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        for (int resets = 0; threads.stream().anyMatch(Thread::isAlive); resets++) {
            controller.reset("test");
            // Longer and longer: on a busy machine a queue pair is not made in a few milliseconds.
            Thread.sleep(5 + resets / 4);
        }
        assertThat(failures).isEmpty();
        assertThat(controller.state()).isEqualTo(ControllerState.READY);
    }

    /** Makes a queue pair, submits until it is lost, and checks that each command has ended once. */
    private void loadUntilLost() {
        var ended = new int[1_000_000];
        EmulatedRig.Held held = null;
        while (held == null) {
            try {
                held = new EmulatedRig.Held(controller, 32, 1 << 20, (token, status, result) -> ended[(int) token]++);
            } catch (NvmeException resetting) {
                Thread.yield();
            }
        }
        int next = 0;
        int staged = 0;
        while (staged != QueuePair.NOT_CONNECTED && next < ended.length) {
            staged = held.pair.read(EmulatedRig.NSID, next % 1000, 1, held.data, 0, 0, next);
            if (staged >= 0) {
                next++;
            } else {
                held.pair.commit();
                held.pair.poll(16);
            }
        }
        var lost = held;
        lost.pollUntil(() -> lost.pair.inFlight() == 0);
        for (int token = 0; token < ended.length; token++) {
            assertThat(ended[token]).isEqualTo(token < next ? 1 : 0);
        }
        held.close();
    }

    @Test
    void readsNamespacesAnewWhenTheControllerSaysTheyChanged() {
        var changes = new CopyOnWriteArrayList<Integer>();
        controller.addListener(new ControllerListener() {
            @Override
            public void namespacesChanged(NvmeController changed) {
                changes.add(changed.namespaces().size());
            }
        });

        try (var held = hold(16)) {
            assertThatIllegalArgumentException().isThrownBy(() -> held.pair.read(7, 0, 1, held.data, 0, 0, 1));

            rig.addNamespace(7, "memory:1MiB:4096");

            await().atMost(BOUND).until(() -> changes.contains(3));
            assertThat(run(held, held.pair.read(7, 0, 1, held.data, 0, 0, 1))).isZero();
            rig.subsystem.removeNamespace(7);
            await().atMost(BOUND).until(() -> changes.contains(2));
            assertThat(Status.code(run(held, held.pair.read(7, 0, 1, held.data, 0, 0, 1))))
                    .isEqualTo(Status.INVALID_FIELD);
        }
    }

    @Test
    void givesTheFunctionBackWhenClosed() {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> PcieController.open(rig.function, PcieOptions.DEFAULTS))
                .withMessageContaining("claimed by bundle-pcie");
        var held = hold(16);
        held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1);

        controller.close();
        controller.close();

        assertThat(controller.state()).isEqualTo(ControllerState.REMOVED);
        assertThat(held.pair.poll(8)).isEqualTo(1);
        assertThat(lastStatus).isEqualTo(Status.ABORTED_BY_HOST);
        held.close();
        assertThatExceptionOfType(NvmeException.class)
                .isThrownBy(() -> controller.admin(new NvmCommand().reset(AdminOpcode.GET_FEATURES, 0), null, BOUND))
                .withMessageContaining("REMOVED");
        assertThatExceptionOfType(NvmeException.class).isThrownBy(() -> controller.reset("again"));
        controller = PcieController.open(rig.function, PcieOptions.DEFAULTS);
        try (var again = hold(16)) {
            assertThat(run(again, again.pair.read(EmulatedRig.NSID, 0, 1, again.data, 0, 0, 1)))
                    .isZero();
        }
    }

    @Test
    void endsEveryCommandWhenTheFunctionIsRemoved() {
        var states = new CopyOnWriteArrayList<ControllerState>();
        controller.addListener(new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                states.add(state);
            }
        });
        var held = hold(64);
        for (int i = 0; i < 63; i++) {
            held.pair.read(EmulatedRig.NSID, i, 1, held.data, 0, 0, i);
        }

        rig.function.remove("pulled");

        held.pair.commit();
        assertThat(held.pair.poll(100)).isEqualTo(63);
        assertThat(lastStatus).isEqualTo(Status.HOST_PATHING_ERROR);
        assertThat(held.pair.read(EmulatedRig.NSID, 0, 1, held.data, 0, 0, 1)).isEqualTo(QueuePair.NOT_CONNECTED);
        assertThat(controller.state()).isEqualTo(ControllerState.REMOVED);
        await().atMost(BOUND).until(() -> List.of(ControllerState.REMOVED).equals(states));
        assertThat(held.control.delete(Duration.ofSeconds(1))).isFalse();
        held.close();
        controller.close();
    }
}
