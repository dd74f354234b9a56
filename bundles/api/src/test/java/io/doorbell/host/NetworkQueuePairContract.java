package io.doorbell.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * What a queue pair of a controller over a network has to pass, whatever the network: what is written is read, whatever the way of the data, and its
 * lease is taken back as one of rings is. The controller has one more connection, and namespace 1 with blocks of 512 bytes; it takes 128 KiB at once.
 */
public abstract class NetworkQueuePairContract {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int BLOCK_BYTES = 512;
    private static final int ENTRIES = 64;
    private static final int COMMANDS = 16;

    private final int[] statuses = new int[COMMANDS];
    private final int[] ends = new int[COMMANDS];
    private final List<Integer> all = Collections.synchronizedList(new ArrayList<>());

    protected abstract NvmeController controller();

    /** For a message. */
    protected abstract String network();

    /** The target answers nothing until {@link #thaw}. */
    protected abstract void freeze();

    protected abstract void thaw();

    /** Memory of the controller in use. */
    protected abstract long takenBytes();

    /** Connections that the target has. */
    protected abstract int connections();

    /** Randomness that a failed run can be repeated with. */
    protected static Random random(String test) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println(test + ": -Ddoorbell.seed=" + seed);
        return new Random(seed);
    }

    private HeldQueuePair hold(int entries, long dataBytes, CompletionHandler handler) {
        return new HeldQueuePair(controller(), entries, dataBytes, handler, PathOptions.DEFAULTS);
    }

    private HeldQueuePair holdAll() {
        return hold(16, 1 << 16, (token, status, result) -> all.add(status));
    }

    private void ended(long token, int status, long result) {
        ends[(int) token]++;
        statuses[(int) token] = status;
    }

    private void run(HeldQueuePair held, int commands) {
        held.pair.commit();
        HeldQueuePair.awaitEnds(held.pair, () -> Arrays.stream(ends).sum() >= commands);
    }

    @Test
    void isReadAsItWasWritten() {
        new DataRounds(controller()).run(random("data"), 40);
    }

    @Test
    void isSplitWhereTheControllerTakesNoMore() {
        try (var held = hold(ENTRIES, 4 << 20, this::ended)) {
            assertThat(held.pair.maxTransferBytes()).isEqualTo(1 << 17);
            int blocks = 1 << 11;
            for (int i = 0; i < 1 << 20; i += 8) {
                held.data.segment().set(ValueLayout.JAVA_LONG, i, i * 31L);
            }
            assertThat(held.pair.write(1, 3, blocks, held.data, 0, 0, 0)).isZero();
            run(held, 1);
            assertThat(held.pair.read(1, 3, blocks, held.data, 2 << 20, 0, 1)).isZero();
            run(held, 2);

            assertThat(statuses[0]).isZero();
            assertThat(statuses[1]).isZero();
            var data = held.data.segment();
            assertThat(data.asSlice(0, 1 << 20).mismatch(data.asSlice(2 << 20, 1 << 20)))
                    .isEqualTo(-1);
        }
    }

    @Test
    void liesInPiecesWhereItIsWantedSo() {
        try (var held = hold(ENTRIES, 2 << 20, this::ended)) {
            var random = random("pieces");
            for (int blocks : new int[] {2, 8, 40, 600}) {
                var out = pieces(held, random, 0, blocks * BLOCK_BYTES, true);
                assertThat(held.pair.transfer(
                                NvmOpcode.WRITE,
                                new BlockTransfer().of(1, 100, blocks).data(out),
                                0))
                        .isZero();
                Arrays.fill(ends, 0);
                run(held, 1);
                var in = pieces(held, random, 1 << 20, blocks * BLOCK_BYTES, false);
                assertThat(held.pair.transfer(
                                NvmOpcode.READ,
                                new BlockTransfer().of(1, 100, blocks).data(in),
                                1))
                        .isZero();
                run(held, 2);

                assertThat(statuses[0]).isZero();
                assertThat(statuses[1]).isZero();
                assertThat(joined(held, in)).isEqualTo(joined(held, out));
            }
        }
    }

    /** Anywhere, of any length. */
    private static DmaVector pieces(HeldQueuePair held, Random random, int from, int bytes, boolean fill) {
        var vector = new DmaVector(64);
        int at = from;
        int left = bytes;
        while (left > 0) {
            at += 1 + random.nextInt(100);
            int length = vector.count() == 30 ? left : Math.min(left, 1 + random.nextInt(bytes / 4));
            if (fill) {
                var noise = new byte[length];
                random.nextBytes(noise);
                MemorySegment.copy(noise, 0, held.data.segment(), ValueLayout.JAVA_BYTE, at, length);
            }
            vector.add(held.data, at, length);
            at += length;
            left -= length;
        }
        return vector;
    }

    private static byte[] joined(HeldQueuePair held, DmaVector vector) {
        var bytes = new byte[(int) vector.byteSize()];
        int at = 0;
        for (int i = 0; i < vector.count(); i++) {
            long offset = vector.iova(i) - held.data.iova();
            MemorySegment.copy(held.data.segment(), ValueLayout.JAVA_BYTE, offset, bytes, at, (int) vector.length(i));
            at += (int) vector.length(i);
        }
        return bytes;
    }

    @Test
    void isComparedAndWrittenAsOne() {
        try (var held = hold(ENTRIES, 1 << 16, this::ended)) {
            held.data.segment().asSlice(0, 512).fill((byte) 1);
            held.data.segment().asSlice(512, 512).fill((byte) 2);
            assertThat(held.pair.write(1, 9, 1, held.data, 0, 0, 0)).isZero();
            run(held, 1);

            assertThat(held.pair.compareAndWrite(1, 9, 1, held.data, 0, held.data, 512, 1))
                    .isZero();
            run(held, 2);
            assertThat(held.pair.compareAndWrite(1, 9, 1, held.data, 0, held.data, 512, 2))
                    .isZero();
            run(held, 3);

            assertThat(statuses[1]).isZero();
            assertThat(Status.code(statuses[2])).isEqualTo(Status.COMPARE_FAILURE);
        }
    }

    @Test
    void hasNoMetadataInABufferOfItsOwn() {
        try (var held = hold(ENTRIES, 1 << 16, this::ended)) {
            var command = new NvmCommand().reset(NvmOpcode.READ, 1);

            assertThatThrownBy(() -> held.pair.submit(command, held.data, 0, 512, held.data, 4096, 8, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("do not go over " + network());
            assertThat(held.pair.inFlight()).isZero();
        }
    }

    @Test
    void endsNoMoreCommandsInAPollThanIsWanted() {
        try (var held = hold(ENTRIES, 1 << 16, this::ended)) {
            for (int i = 0; i < COMMANDS; i++) {
                assertThat(held.pair.read(1, i, 1, held.data, i * 512L, 0, i)).isZero();
            }
            held.pair.commit();
            while (Arrays.stream(ends).sum() < COMMANDS) {
                int before = Arrays.stream(ends).sum();
                int ended = held.pair.poll(3);
                assertThat(ended).isBetween(0, 3);
                assertThat(Arrays.stream(ends).sum() - before).isEqualTo(ended);
            }
            assertThat(held.pair.poll(3)).isZero();
            assertThat(held.pair.inFlight()).isZero();
        }
    }

    @Test
    void isRefusedWhenTheQueueIsFull() {
        try (var held = hold(8, 1 << 16, this::ended)) {
            for (int i = 0; i < 7; i++) {
                assertThat(held.pair.read(1, i, 1, held.data, 0, 0, i)).isZero();
            }

            assertThat(held.pair.read(1, 9, 1, held.data, 0, 0, 9)).isEqualTo(QueuePair.QUEUE_FULL);
            run(held, 7);
        }
    }

    private void read(HeldQueuePair held, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(held.pair.read(1, i, 8, held.data, i * 4096L, 0, i)).isZero();
        }
    }

    @Test
    void belongsToOneThread() throws Exception {
        try (var held = holdAll()) {
            var thrown = new AtomicReference<Throwable>();
            var other = Thread.ofPlatform().start(() -> {
                try {
                    held.pair.read(1, 0, 1, held.data, 0, 0, 0);
                } catch (RuntimeException e) {
                    thrown.set(e);
                }
            });
            other.join();

            assertThat(thrown.get()).isInstanceOf(WrongThreadException.class);
        }
    }

    @Test
    void drainsWhatIsInFlightWhenItIsStopped() {
        try (var held = holdAll()) {
            read(held, 5);
            held.pair.commit();

            held.control.stopSubmissions();

            assertThat(held.pair.read(1, 0, 1, held.data, 0, 0, 9)).isEqualTo(QueuePair.LEASE_REVOKED);
            HeldQueuePair.awaitEnds(held.pair, () -> all.size() == 5);
            assertThat(all).containsOnly(0);
        }
    }

    @Test
    void sendsWhatWasStagedBeforeItWasStopped() {
        try (var held = holdAll()) {
            read(held, 3);
            held.control.stopSubmissions();
            held.pair.commit();

            HeldQueuePair.awaitEnds(held.pair, () -> all.size() == 3);
            assertThat(all).containsOnly(0);
        }
    }

    @Test
    void endsWhatTheTargetDoesNotAnswerWhenItIsFenced() {
        try (var held = holdAll()) {
            freeze();
            read(held, 7);
            held.pair.commit();

            held.fence();

            assertThatThrownBy(() -> held.pair.read(1, 0, 1, held.data, 0, 0, 9))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(held.pair.poll(4)).isEqualTo(4);
            assertThat(held.pair.poll(16)).isEqualTo(3);
            assertThat(all).hasSize(7).containsOnly(Status.ABORTED_SQ_DELETION);
            assertThatThrownBy(() -> held.pair.poll(1)).isInstanceOf(IllegalStateException.class);
            thaw();
        }
    }

    @Test
    void meetsTheFenceInTheMiddleOfIt() throws Exception {
        var ready = new AtomicReference<HeldQueuePair>();
        var thrown = new AtomicReference<Throwable>();
        var owner = Thread.ofPlatform().start(() -> {
            var held = holdAll();
            ready.set(held);
            try {
                for (long token = 0; ; token++) {
                    held.pair.read(1, token % 64, 8, held.data, 0, 0, token);
                    held.pair.commit();
                    held.pair.poll(8);
                }
            } catch (IllegalStateException fenced) {
                thrown.set(fenced);
            }
            while (held.pair.inFlight() > 0) {
                held.pair.poll(16);
            }
        });
        await().atMost(BOUND).until(() -> all.size() > 500);
        var held = ready.get();

        var changes = new ConcurrentLinkedQueue<ControllerState>();
        var watching = new ControllerListener() {
            @Override
            public void stateChanged(NvmeController changed, ControllerState state, String reason) {
                changes.add(state);
            }
        };
        controller().addListener(watching);

        // Without a word to the owner: as if it were between its check and its call.
        held.control.delete(BOUND);
        MemoryView.close(held.arena, BOUND);
        held.control.fenced("test");
        held.allocation.close();
        assertThat(owner.join(BOUND)).isTrue();
        assertThat(thrown.get()).isNotNull();
        assertThat(held.pair.inFlight()).isZero();
        var counters = held.control.counters();
        assertThat(counters.completed()).isEqualTo(counters.submitted()).isEqualTo(all.size());
        controller().removeListener(watching);
        assertThat(changes).as("it was the end of one queue pair").isEmpty();
    }

    @Test
    void isEndedByTheControlPlaneWhenItsOwnerIsDead() throws Exception {
        var made = new AtomicReference<HeldQueuePair>();
        var owner = Thread.ofPlatform().start(() -> {
            var held = holdAll();
            freeze();
            read(held, 4);
            held.pair.commit();
            made.set(held);
        });
        owner.join();
        var held = made.get();

        held.fence();

        assertThat(held.control.completeRest()).isEqualTo(4);
        assertThat(all).hasSize(4).containsOnly(Status.ABORTED_SQ_DELETION);
        thaw();
    }

    @Test
    void givesItsMemoryAndItsIdBack() {
        long before = takenBytes();
        int id;
        try (var held = holdAll()) {
            id = held.pair.queueId();
            read(held, 3);
            held.pair.commit();
            HeldQueuePair.awaitEnds(held.pair, () -> all.size() == 3);
        }
        assertThat(takenBytes()).isEqualTo(before);
        try (var held = holdAll()) {
            assertThat(held.pair.queueId()).isEqualTo(id);
        }
        await().atMost(BOUND).until(() -> connections() == 1);
    }

    @Test
    void wakesAnOwnerThatSleeps() throws Exception {
        try (var sign = EventFd.create();
                var held = new HeldQueuePair(
                        controller(),
                        16,
                        1 << 16,
                        (token, status, result) -> all.add(status),
                        PathOptions.DEFAULTS.withInterrupt(sign))) {
            assertThat(held.pair.interrupts()).isTrue();
            for (int round = 0; round < 50; round++) {
                all.clear();
                read(held, 3);
                assertThat(held.pair.readyToPark()).as("with commands staged").isFalse();
                held.pair.commit();
                while (all.size() < 3) {
                    if (held.pair.readyToPark()) {
                        assertThat(sign.await(BOUND.toNanos())).isTrue();
                        sign.drain();
                    }
                    held.pair.poll(16);
                }
                assertThat(all).containsOnly(0);
            }
        }
    }
}
