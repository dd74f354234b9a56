package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaVector;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePair;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.pcie.PcieController;
import io.doorbell.pcie.PcieOptions;
import io.doorbell.platform.EventFd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/** What one driver writes, the other reads; and the shapes that data takes on its way. */
final class DataCases {
    /** Longer than one command takes, and not a multiple of anything larger than a block. */
    private static final int BLOCKS = 2055;

    private static final int FIRST_BLOCK = 101;
    private static final int BLOCK_BYTES = 512;
    private static final int QUEUE_PAIRS = 64;
    private static final int LOAD_COMMANDS = 2000;

    /** Sleeps end long before, also where the machine is busy. */
    private static final long SLEEP_NANOS = 30_000_000_000L;

    private static final int ROUNDS = 50;

    /** What the lists of a slot have room for. */
    private static final int PIECES = 63;

    private DataCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("write-then-the-kernel-reads", DataCases::kernelReads),
                Case.of("the-kernel-writes-then-read", DataCases::kernelWrites),
                Case.of("several-namespaces", DataCases::namespaces),
                Case.of("transfers-split-at-mdts", DataCases::split),
                Case.of("data-in-scattered-pieces", DataCases::pieces),
                Case.of("shadow-doorbells-on", guest -> load(PcieOptions.DEFAULTS, true)),
                Case.of("shadow-doorbells-off", guest -> load(PcieOptions.DEFAULTS.withShadowDoorbells(false), false)),
                Case.of("many-queue-pairs", DataCases::manyQueuePairs),
                Case.of("interrupts", guest -> interrupts(Slot.PLAIN, 1)),
                Case.of("interrupts-of-more-queues-than-vectors", guest -> interrupts(Slot.MANY, 5)));
    }

    private static void kernelReads(Guest guest) throws Exception {
        int bytes = BLOCKS * BLOCK_BYTES;
        try (var ours = Controllers.open(Slot.PLAIN);
                var lane = new Lane(ours)) {
            lane.fill(1, 0, bytes);
            assertThat(lane.write(Controllers.namespace(ours, 1), FIRST_BLOCK, BLOCKS, 0))
                    .isZero();
            assertThat(lane.flush(Controllers.namespace(ours, 1))).isZero();
        }
        Bus.toKernel(Slot.PLAIN);

        Lane.requirePattern(1, kernelRead(guest, Bus.disk(Slot.PLAIN), FIRST_BLOCK, BLOCKS));
    }

    private static byte[] kernelRead(Guest guest, String disk, int firstBlock, int blocks) throws Exception {
        return guest.run(
                "dd",
                "if=" + disk,
                "bs=" + BLOCK_BYTES * blocks,
                "iflag=direct,skip_bytes",
                "skip=" + firstBlock * BLOCK_BYTES,
                "count=1",
                "status=none");
    }

    private static void kernelWrites(Guest guest) throws Exception {
        int bytes = BLOCKS * BLOCK_BYTES;
        Bus.toKernel(Slot.PLAIN);
        var file = Files.write(Files.createTempFile("lab", null), Lane.pattern(2, bytes));
        guest.run(
                "dd",
                "if=" + file,
                "of=" + Bus.disk(Slot.PLAIN),
                "bs=" + bytes,
                "oflag=direct,seek_bytes",
                "seek=" + FIRST_BLOCK * BLOCK_BYTES,
                "conv=fsync,notrunc",
                "status=none");

        try (var ours = Controllers.open(Slot.PLAIN);
                var lane = new Lane(ours)) {
            assertThat(lane.read(Controllers.namespace(ours, 1), FIRST_BLOCK, BLOCKS, 0))
                    .isZero();
            lane.requirePattern(2, 0, bytes);
        }
    }

    /** Each has its own size of block and its own blocks. */
    private static void namespaces(Guest guest) throws IOException {
        try (var ours = Controllers.open(Slot.MANY);
                var lane = new Lane(ours)) {
            assertThat(ours.namespaces()).extracting(NvmeNamespace::nsid).containsExactly(1, 2, 5);
            assertThat(ours.namespaces()).extracting(NvmeNamespace::blockBytes).containsExactly(512, 4096, 4096);
            for (var namespace : ours.namespaces()) {
                lane.fill(namespace.nsid(), 0, 64L * namespace.blockBytes());
                assertThat(lane.write(namespace, 3, 64, 0)).isZero();
            }
            for (var namespace : ours.namespaces()) {
                int bytes = 64 * namespace.blockBytes();
                assertThat(lane.read(namespace, 3, 64, 0)).isZero();
                lane.requirePattern(namespace.nsid(), 0, bytes);
            }
        }
    }

    private static void split(Guest guest) throws Exception {
        int blocks = 777;
        try (var ours = Controllers.open(Slot.SMALL);
                var lane = new Lane(ours)) {
            assertThat(ours.info().maxTransferBytes()).isEqualTo(8192);
            assertThat(lane.queuePair().maxTransferBytes()).isEqualTo(8192);
            var namespace = Controllers.namespace(ours, 1);
            // Neither the block nor the memory begins at a page.
            lane.fill(3, 516, (long) blocks * BLOCK_BYTES);
            assertThat(lane.write(namespace, 7, blocks, 516)).isZero();
            lane.fill(4, 516, (long) blocks * BLOCK_BYTES);
            assertThat(lane.read(namespace, 7, blocks, 4)).isZero();
            lane.requirePattern(3, 4, blocks * BLOCK_BYTES);
        }
        Bus.toKernel(Slot.SMALL);
        Lane.requirePattern(3, kernelRead(guest, Bus.disk(Slot.SMALL), 7, blocks));
    }

    /** Pieces of odd lengths at odd places, as only an SGL can name them; read back in one piece, which takes PRPs. */
    private static void pieces(Guest guest) {
        int blocks = 64;
        int bytes = blocks * BLOCK_BYTES;
        try (var ours = Controllers.open(Slot.PLAIN);
                var lane = new Lane(ours)) {
            var namespace = Controllers.namespace(ours, 1);
            var pieces = new DmaVector(PIECES);
            var pattern = MemorySegment.ofArray(Lane.pattern(6, bytes));
            long place = 0;
            for (int done = 0; done < bytes; ) {
                int length = pieceBytes(done, bytes);
                MemorySegment.copy(pattern, done, lane.memory().segment(), place, length);
                pieces.add(lane.memory(), place, length);
                done += length;
                place += length + 8;
            }
            var transfer = new BlockTransfer().of(1, 500, blocks).data(pieces);
            assertThat(pieces.count()).isGreaterThan(8);
            assertThat(lane.transfer(NvmOpcode.WRITE, transfer)).isZero();
            assertThat(lane.read(namespace, 500, blocks, 1 << 20)).isZero();
            lane.requirePattern(6, 1 << 20, bytes);

            lane.memory().segment().fill((byte) 0);
            assertThat(lane.transfer(NvmOpcode.READ, transfer)).isZero();
            place = 0;
            for (int done = 0; done < bytes; ) {
                int length = pieceBytes(done, bytes);
                var piece = lane.memory().segment().asSlice(place, length);
                assertThat(piece.mismatch(pattern.asSlice(done, length))).isEqualTo(-1);
                assertThat(lane.bytes(place + length, 8))
                        .as("what lies between")
                        .containsOnly(0);
                done += length;
                place += length + 8;
            }
        }
    }

    /** Dwords, of all sorts of counts. */
    private static int pieceBytes(int done, int bytes) {
        return Math.min(bytes - done, 4 + done % 3000 / 4 * 4);
    }

    /** Many at once, each to a place of its own, then read back; the queue is full and wraps again and again. */
    private static void load(PcieOptions options, boolean shadows) throws IOException {
        try (var ours = Controllers.open(Slot.PLAIN, options);
                var lane = new Lane(ours, 17)) {
            assertThat(ours.info().shadowDoorbells()).isEqualTo(shadows);
            var namespace = Controllers.namespace(ours, 1);
            int memoryBlocks = (int) (lane.memory().byteSize() / BLOCK_BYTES);
            lane.fill(5, 0, lane.memory().byteSize());
            var pair = lane.queuePair();
            runAll(
                    lane,
                    index -> pair.write(
                            namespace.nsid(),
                            index,
                            1,
                            lane.memory(),
                            (long) (index % memoryBlocks) * BLOCK_BYTES,
                            0,
                            index));
            lane.memory().segment().fill((byte) 0);
            runAll(
                    lane,
                    index -> pair.read(
                            namespace.nsid(),
                            index,
                            1,
                            lane.memory(),
                            (long) (index % memoryBlocks) * BLOCK_BYTES,
                            0,
                            index));

            lane.requirePattern(5, 0, LOAD_COMMANDS * BLOCK_BYTES);
        }
    }

    /** Stages one command; the index says which. */
    @FunctionalInterface
    private interface Staging {
        int stage(int index);
    }

    private static void runAll(Lane lane, Staging staging) {
        int before = lane.ended();
        for (int index = 0; index < LOAD_COMMANDS; ) {
            int staged = staging.stage(index);
            if (staged >= 0) {
                index++;
                continue;
            }
            assertThat(staged).isEqualTo(QueuePair.QUEUE_FULL);
            lane.queuePair().commit();
            lane.pollUntil(lane.ended() + 1);
        }
        lane.queuePair().commit();
        lane.pollUntil(before + LOAD_COMMANDS);
        assertThat(lane.failed()).isZero();
    }

    /** All that the controller has, each used, all at once. */
    private static void manyQueuePairs(Guest guest) throws IOException {
        var lanes = new ArrayList<Lane>();
        try (var ours = Controllers.open(Slot.PLAIN)) {
            assertThat(ours.info().ioQueuePairs()).isEqualTo(QUEUE_PAIRS);
            try {
                for (int index = 0; index < QUEUE_PAIRS; index++) {
                    lanes.add(new Lane(ours, 4));
                }
                useAll(ours, lanes);
            } finally {
                lanes.forEach(Lane::close);
            }
        }
    }

    private static void useAll(PcieController ours, List<Lane> lanes) {
        var namespace = Controllers.namespace(ours, 1);
        for (int index = 0; index < lanes.size(); index++) {
            lanes.get(index).fill(index, 0, 4096);
            assertThat(lanes.get(index).write(namespace, 8L * index, 8, 0)).isZero();
        }
        for (int index = 0; index < lanes.size(); index++) {
            // By another one than wrote it.
            var lane = lanes.get(lanes.size() - 1 - index);
            assertThat(lane.read(namespace, 8L * index, 8, 4096)).isZero();
            lane.requirePattern(index, 4096, 4096);
        }
        assertThat(lanes).extracting(lane -> lane.queuePair().queueId()).doesNotHaveDuplicates();
    }

    /** Each owner sleeps until its own completion wakes it; a sleep that times out would be a lost interrupt. */
    private static void interrupts(Slot slot, int lanes) throws IOException {
        try (var ours = Controllers.open(slot)) {
            var awake = new ArrayList<InterruptedLane>();
            try {
                for (int index = 0; index < lanes; index++) {
                    awake.add(new InterruptedLane(ours));
                }
                int sleeps = 0;
                for (int round = 0; round < ROUNDS; round++) {
                    for (var one : awake) {
                        sleeps += one.readOnce(Controllers.namespace(ours, 1), round);
                    }
                }
                assertThat(sleeps).as("sleeps").isPositive();
            } finally {
                awake.forEach(InterruptedLane::close);
            }
        }
    }

    /** A queue pair whose owner sleeps on a sign of its own. */
    private static final class InterruptedLane implements AutoCloseable {
        private final EventFd sign = EventFd.create();
        private final Lane lane;

        InterruptedLane(PcieController controller) {
            lane = new Lane(controller, 8, PathOptions.DEFAULTS.withInterrupt(sign));
            assertThat(lane.queuePair().interrupts()).isTrue();
        }

        /** @return how often the owner slept */
        int readOnce(NvmeNamespace namespace, int slba) {
            var pair = lane.queuePair();
            assertThat(pair.read(namespace.nsid(), slba, 1, lane.memory(), 0, 0, 0))
                    .isZero();
            pair.commit();
            int sleeps = 0;
            while (pair.poll(1) == 0) {
                if (pair.readyToPark()) {
                    sleeps++;
                    assertThat(sign.await(SLEEP_NANOS)).as("an interrupt").isTrue();
                    sign.drain();
                }
            }
            assertThat(lane.failed()).isZero();
            return sleeps;
        }

        @Override
        public void close() {
            lane.close();
            sign.close();
        }
    }
}
