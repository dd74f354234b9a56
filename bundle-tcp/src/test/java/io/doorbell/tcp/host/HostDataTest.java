package io.doorbell.tcp.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaVector;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.tcp.Node;
import io.doorbell.tcp.Seed;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is written is read, whatever the way of the data. */
class HostDataTest {
    private static final int BLOCK_BYTES = 512;
    private static final int NAMESPACE_BLOCKS = 4096;
    private static final int MOST_BLOCKS = 700;
    private static final int ENTRIES = 64;
    private static final int BUFFERS = 16;
    private static final int BUFFER_BYTES = MOST_BLOCKS * BLOCK_BYTES;

    private final int[] statuses = new int[BUFFERS];
    private final int[] ends = new int[BUFFERS];

    @ParameterizedTest(name = "header digest {0}, data digest {1}, {2} bytes in capsules")
    @CsvSource({"false,false,8192", "true,true,8192", "true,false,0", "false,true,4096"})
    void isReadAsItWasWritten(boolean headerDigest, boolean dataDigest, int inCapsuleBytes) {
        try (var node = new Node(Node.settings(0, inCapsuleBytes, 16, true));
                var rig = new HostRig(
                        node.target.address(),
                        Node.NQN,
                        HostRig.OPTIONS,
                        TcpHostSettings.DEFAULTS.withDigests(headerDigest, dataDigest));
                var held = rig.hold(ENTRIES, (long) BUFFERS * BUFFER_BYTES, this::ended)) {
            var random = Seed.random("host data");
            var written = new byte[NAMESPACE_BLOCKS * BLOCK_BYTES];
            clear(held, written);
            for (int round = 0; round < 60; round++) {
                round(held, random, written);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DhchapHash.class,
            names = {"SHA_256", "SHA_384"})
    void isReadAsItWasWrittenOverTls(DhchapHash hash, @TempDir Path folder) throws IOException {
        var keys = TestKeys.in(folder, hash);
        try (var node = new Node(Node.secured())) {
            keys.addTo(node, true);
            try (var rig = new HostRig(
                            node.target.address(),
                            Node.NQN,
                            HostRig.OPTIONS.withKeys(keys.host("host", "controller", "tls")),
                            TcpHostSettings.DEFAULTS.withDigests(hash == DhchapHash.SHA_384, false));
                    var held = rig.hold(ENTRIES, (long) BUFFERS * BUFFER_BYTES, this::ended)) {
                var random = Seed.random("host data over TLS");
                var written = new byte[NAMESPACE_BLOCKS * BLOCK_BYTES];
                clear(held, written);
                for (int round = 0; round < 20; round++) {
                    round(held, random, written);
                }
            }
        }
    }

    /** The first blocks of the namespace are zero, whoever wrote them before. */
    private void clear(HostRig.Held held, byte[] written) {
        Arrays.fill(written, (byte) 0);
        for (int slba = 0; slba < NAMESPACE_BLOCKS; slba += 256) {
            ends[0] = 0;
            assertThat(held.pair.write(1, slba, 256, held.data, 0, 0, 0)).isZero();
            run(held, 1);
            assertThat(statuses[0]).isZero();
        }
    }

    /** As many commands at once as there are buffers, no two writes on the same blocks, then all looked at. */
    private void round(HostRig.Held held, Random random, byte[] written) {
        int share = NAMESPACE_BLOCKS / BUFFERS;
        var first = new int[BUFFERS];
        var count = new int[BUFFERS];
        var writes = new boolean[BUFFERS];
        for (int i = 0; i < BUFFERS; i++) {
            count[i] = 1 + (random.nextInt(4) == 0 ? random.nextInt(share) : random.nextInt(20));
            first[i] = i * share + random.nextInt(share - count[i] + 1);
            writes[i] = random.nextBoolean();
            var buffer = buffer(held, i).asSlice(0, (long) count[i] * BLOCK_BYTES);
            if (writes[i]) {
                var bytes = new byte[count[i] * BLOCK_BYTES];
                random.nextBytes(bytes);
                MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
                System.arraycopy(bytes, 0, written, first[i] * BLOCK_BYTES, bytes.length);
            } else {
                buffer.fill((byte) 0x5A);
            }
            long at = (long) i * BUFFER_BYTES;
            int staged = writes[i]
                    ? held.pair.write(1, first[i], count[i], held.data, at, 0, i)
                    : held.pair.read(1, first[i], count[i], held.data, at, 0, i);
            assertThat(staged).isZero();
            if (random.nextInt(3) == 0) {
                held.pair.commit();
            }
        }
        Arrays.fill(ends, 0);
        run(held, BUFFERS);
        for (int i = 0; i < BUFFERS; i++) {
            assertThat(ends[i]).isEqualTo(1);
            assertThat(statuses[i]).isZero();
            var buffer = buffer(held, i).asSlice(0, (long) count[i] * BLOCK_BYTES);
            var expected = MemorySegment.ofArray(written)
                    .asSlice((long) first[i] * BLOCK_BYTES, (long) count[i] * BLOCK_BYTES);
            assertThat(buffer.mismatch(expected))
                    .as("command %d, %s", i, writes[i] ? "write" : "read")
                    .isEqualTo(-1);
        }
    }

    private static MemorySegment buffer(HostRig.Held held, int index) {
        return held.data.segment().asSlice((long) index * BUFFER_BYTES, BUFFER_BYTES);
    }

    private void ended(long token, int status, long result) {
        ends[(int) token]++;
        statuses[(int) token] = status;
    }

    private void run(HostRig.Held held, int commands) {
        held.pair.commit();
        HostRig.awaitEnds(held.pair, () -> Arrays.stream(ends).sum() >= commands);
    }

    @Test
    void isSplitWhereTheControllerTakesNoMore() {
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = rig.hold(ENTRIES, 4 << 20, this::ended)) {
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
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(
                        node.target.address(),
                        Node.NQN,
                        HostRig.OPTIONS,
                        TcpHostSettings.DEFAULTS.withDigests(true, true));
                var held = rig.hold(ENTRIES, 2 << 20, this::ended)) {
            var random = Seed.random("pieces");
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
    private static DmaVector pieces(HostRig.Held held, Random random, int from, int bytes, boolean fill) {
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

    private static byte[] joined(HostRig.Held held, DmaVector vector) {
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
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = rig.hold(ENTRIES, 1 << 16, this::ended)) {
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
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = rig.hold(ENTRIES, 1 << 16, this::ended)) {
            var command = new NvmCommand().reset(NvmOpcode.READ, 1);

            assertThatThrownBy(() -> held.pair.submit(command, held.data, 0, 512, held.data, 4096, 8, 0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("do not go over TCP");
            assertThat(held.pair.inFlight()).isZero();
        }
    }

    @Test
    void endsNoMoreCommandsInAPollThanIsWanted() {
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = rig.hold(ENTRIES, 1 << 16, this::ended)) {
            for (int i = 0; i < BUFFERS; i++) {
                assertThat(held.pair.read(1, i, 1, held.data, i * 512L, 0, i)).isZero();
            }
            held.pair.commit();
            while (Arrays.stream(ends).sum() < BUFFERS) {
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
        try (var node = new Node(Node.settings(0, 8192, 16, true));
                var rig = new HostRig(node.target.address(), Node.NQN, HostRig.OPTIONS, TcpHostSettings.DEFAULTS);
                var held = rig.hold(8, 1 << 16, this::ended)) {
            for (int i = 0; i < 7; i++) {
                assertThat(held.pair.read(1, i, 1, held.data, 0, 0, i)).isZero();
            }

            assertThat(held.pair.read(1, 9, 1, held.data, 0, 0, 9)).isEqualTo(QueuePair.QUEUE_FULL);
            run(held, 7);
        }
    }
}
