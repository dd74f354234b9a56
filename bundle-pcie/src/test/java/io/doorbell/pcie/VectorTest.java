package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.doorbell.driver.BlockFormats;
import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.DmaVector;
import io.doorbell.host.MetadataFormat;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How data is described to the device: in pieces, unaligned, long. */
class VectorTest {
    private static final int SEPARATE = 21;
    private static final SglSupport DWORDS = SglSupport.of(2, 0);
    private static final SglSupport BYTES = SglSupport.of(1, 16 * 1024);
    private static final SglSupport METADATA_BY_DESCRIPTOR = SglSupport.of(1 | 1 << 19, 0);
    private static final SglSupport METADATA_BY_ADDRESS = SglSupport.of(1 | 1 << 17, 0);

    private final BlockTransfer transfer = new BlockTransfer();
    private final DmaVector vector = new DmaVector(256);
    private QueuePairRig rig;

    private void rig(SglSupport sgl) {
        rig = new QueuePairRig(
                sgl, 64, (token, status, result) -> assertThat(status).isZero());
        rig.control.own(Thread.currentThread());
        rig.pair.formats(new BlockFormats(List.of(
                QueuePairRig.format(QueuePairRig.NSID, MetadataFormat.NONE, 0),
                QueuePairRig.format(SEPARATE, MetadataFormat.of(8, false), 0))));
    }

    @AfterEach
    void close() {
        if (rig != null) {
            rig.close();
        }
    }

    private RingDevice.Command write(int blocks) {
        assertThat(rig.pair.transfer(
                        NvmOpcode.WRITE,
                        transfer.of(QueuePairRig.NSID, 0, blocks).data(vector),
                        1))
                .isZero();
        return fetch().getFirst();
    }

    private List<RingDevice.Command> fetch() {
        rig.pair.commit();
        var commands = rig.device.fetch();
        commands.forEach(rig.device::complete);
        rig.pair.poll(64);
        return commands;
    }

    private DmaVector add(long offset, long bytes) {
        return vector.add(rig.data, offset, bytes);
    }

    /** The bytes a command moves, as ranges of the data. */
    private List<String> ranges(RingDevice.Command command, long bytes) {
        var ranges = new ArrayList<String>();
        if (command.psdt() == SubmissionEntry.PSDT_PRP) {
            long left = bytes;
            long page = command.prp1();
            int index = 0;
            while (left > 0) {
                long length = Math.min(left, 4096 - (page & 4095));
                ranges.add(range(page, length));
                left -= length;
                if (left > 0) {
                    page = index == 0 && left <= 4096 ? command.prp2() : memory(command.prp2(), index * 8L);
                    index++;
                }
            }
        } else if ((int) (command.prp2() >>> 60) == SglDescriptor.TYPE_DATA_BLOCK) {
            ranges.add(range(command.prp1(), command.prp2() & 0xFFFF_FFFFL));
        } else {
            assertThat((int) (command.prp2() >>> 60)).isEqualTo(SglDescriptor.TYPE_LAST_SEGMENT);
            for (long at = 0; at < (command.prp2() & 0xFFFF_FFFFL); at += 16) {
                ranges.add(range(memory(command.prp1(), at), memory(command.prp1(), at + 8)));
            }
        }
        return ranges;
    }

    private String range(long iova, long length) {
        return iova - rig.data.iova() + "+" + length;
    }

    /** Of the lists: their IOVA is their address here, and so is that of the data. */
    private long memory(long iova, long offset) {
        return lists().get(ValueLayout.JAVA_LONG_UNALIGNED, iova - rig.memory.listIova() + offset);
    }

    private MemorySegment lists() {
        return rig.memory.prpLists(rig.arena).segment();
    }

    @Test
    void usesPrpsWherePiecesMeetOnPages() {
        rig(DWORDS);
        add(8192 - 1024, 1024);
        add(40_960, 8192);
        add(16_384, 512);

        var command = write(19);

        assertThat(command.psdt()).isEqualTo(SubmissionEntry.PSDT_PRP);
        assertThat(ranges(command, 19 * 512)).containsExactly("7168+1024", "40960+4096", "45056+4096", "16384+512");
    }

    @Test
    void usesPrpOneAndTwoForTwoPages() {
        rig(SglSupport.NONE);
        add(4096, 4096);
        add(16_384, 4096);

        assertThat(ranges(write(16), 8192)).containsExactly("4096+4096", "16384+4096");
    }

    @Test
    void usesAnSglForOtherPieces() {
        rig(DWORDS);
        add(100 * 4, 512);
        add(20_000, 1024);

        var command = write(3);

        assertThat(command.psdt()).isEqualTo(SubmissionEntry.PSDT_SGL);
        assertThat(ranges(command, 1536)).containsExactly("400+512", "20000+1024");
    }

    @Test
    void takesNoMoreOfTheVectorThanTheBlocksNeed() {
        rig(DWORDS);
        add(400, 700);
        add(20_000, 10_000);

        assertThat(ranges(write(2), 1024)).containsExactly("400+700", "20000+324");
    }

    @Test
    void refusesPiecesThatTheControllerCannotTake() {
        rig(SglSupport.NONE);
        add(0, 512);
        add(8192, 512);
        assertThatIllegalArgumentException().isThrownBy(() -> write(2)).withMessageContaining("no SGLs");
        assertThatIllegalArgumentException().isThrownBy(() -> write(3)).withMessageContaining("1024 together");
        rig.close();

        rig(DWORDS);
        vector.clear();
        add(0, 510);
        add(8192, 514);
        assertThatIllegalArgumentException().isThrownBy(() -> write(2)).withMessageContaining("whole dwords");
        vector.clear();
        for (int i = 0; i < 64; i++) {
            add(i * 1024L, 512);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> write(64)).withMessageContaining("at most 63");
        assertThat(rig.pair.inFlight()).isZero();
    }

    @Test
    void describesUnalignedDataWhereAnyByteWillDo() {
        rig(BYTES);
        rig.pair.write(QueuePairRig.NSID, 0, 1, rig.data, 3, 0, 1);
        assertThat(ranges(fetch().getFirst(), 512)).containsExactly("3+512");
        rig.close();

        rig(DWORDS);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.write(QueuePairRig.NSID, 0, 1, rig.data, 3, 0, 1))
                .withMessageContaining("dword aligned");
    }

    @Test
    void describesLongDataByOneDescriptor() {
        rig(BYTES);
        rig.pair.write(QueuePairRig.NSID, 0, 31, rig.data, 4096, 0, 1);
        rig.pair.write(QueuePairRig.NSID, 0, 32, rig.data, 4096, 0, 1);
        rig.pair.compareAndWrite(QueuePairRig.NSID, 0, 32, rig.data, 0, rig.data, 32_768, 1);

        var commands = fetch();

        assertThat(commands).extracting(RingDevice.Command::psdt).containsExactly(0, 1, 1, 1);
        assertThat(commands).extracting(RingDevice.Command::fuse).containsExactly(0, 0, 1, 2);
        assertThat(ranges(commands.get(1), 16_384)).containsExactly("4096+16384");
        assertThat(ranges(commands.get(3), 16_384)).containsExactly("32768+16384");
    }

    @Test
    void pointsAtMetadataAsTheControllerTakesItWithAnSgl() {
        for (var sgl : List.of(METADATA_BY_ADDRESS, METADATA_BY_DESCRIPTOR)) {
            rig(sgl);
            vector.clear();
            add(4, 512);
            add(20_000, 512);
            rig.pair.transfer(
                    NvmOpcode.WRITE, transfer.of(SEPARATE, 0, 2).data(vector).metadata(rig.data, 65_536), 1);
            var command = fetch().getFirst();
            if (sgl.metadataAddress()) {
                assertThat(command.psdt()).isEqualTo(SubmissionEntry.PSDT_SGL);
                assertThat(range(command.mptr(), 16)).isEqualTo("65536+16");
            } else {
                assertThat(command.psdt()).isEqualTo(SubmissionEntry.PSDT_SGL_METADATA_SGL);
                assertThat(range(memory(command.mptr(), 0), memory(command.mptr(), 8)))
                        .isEqualTo("65536+16");
            }
            rig.close();
        }
        rig(DWORDS);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.transfer(
                        NvmOpcode.WRITE,
                        transfer.of(SEPARATE, 0, 2).data(vector).metadata(rig.data, 65_536),
                        1))
                .withMessageContaining("metadata");
    }

    @Test
    void describesEachByteOnceWhateverThePieces() {
        var random = Seed.random("vectors");
        rig(BYTES);
        for (int round = 0; round < 2_000; round++) {
            vector.clear();
            int blocks = 1 + random.nextInt(200);
            boolean pages = random.nextBoolean();
            for (long left = blocks * 512L; left > 0; ) {
                long most = pages ? 4096 * (1 + random.nextInt(8)) : 1 + random.nextInt(20_000);
                long length = Math.max(Math.min(left, most), left / 20);
                length = pages ? Math.min(left, length + 4095 & -4096) : length;
                long offset = random.nextInt(200) * 4096L + (pages ? 0 : random.nextInt(4096));
                add(offset, length);
                left -= length;
            }
            int accepted = rig.pair.transfer(
                    NvmOpcode.READ, transfer.of(QueuePairRig.NSID, 0, blocks).data(vector), 1);
            assertThat(accepted).isZero();

            long total = 0;
            var starts = new ArrayList<String>();
            for (var command : fetch()) {
                for (var range : ranges(command, command.blockCount() * 512L)) {
                    starts.add(range);
                    total += Long.parseLong(range.substring(range.indexOf('+') + 1));
                }
            }
            assertThat(total).as("round %d", round).isEqualTo(blocks * 512L);
            assertThat(merged(starts)).as("round %d", round).isEqualTo(merged(pieces()));
        }
    }

    private List<String> pieces() {
        var pieces = new ArrayList<String>();
        for (int i = 0; i < vector.count(); i++) {
            pieces.add(range(vector.iova(i), vector.length(i)));
        }
        return pieces;
    }

    private static List<String> merged(List<String> ranges) {
        var merged = new ArrayList<String>();
        long start = -1;
        long end = -1;
        for (var range : ranges) {
            int plus = range.indexOf('+');
            long from = Long.parseLong(range.substring(0, plus));
            if (from != end) {
                merged.add(start + "-" + end);
                start = from;
            }
            end = from + Long.parseLong(range.substring(plus + 1));
        }
        merged.add(start + "-" + end);
        return merged;
    }

    @Test
    void readsBackInOnePieceWhatWasWrittenInMany() {
        var random = Seed.random("vectors read back");
        var ended = new ArrayList<Integer>();
        try (var emulated = new EmulatedRig();
                var controller = PcieController.open(emulated.function, PcieOptions.DEFAULTS);
                var held =
                        new EmulatedRig.Held(controller, 64, 1 << 20, (token, status, result) -> ended.add(status))) {
            var pattern = new byte[1 << 19];
            random.nextBytes(pattern);
            MemorySegment.copy(pattern, 0, held.data.segment(), ValueLayout.JAVA_BYTE, 0, pattern.length);
            var expected = new byte[256 * 512];
            int at = 0;
            while (at < expected.length) {
                int offset = random.nextInt(pattern.length - 8192);
                int length = Math.min(expected.length - at, 4000 + random.nextInt(4000));
                vector.add(held.data, offset, length);
                System.arraycopy(pattern, offset, expected, at, length);
                at += length;
            }

            held.pair.transfer(
                    NvmOpcode.WRITE, transfer.of(EmulatedRig.NSID, 8, 256).data(vector), 1);
            held.pair.commit();
            held.pollUntil(() -> ended.size() == 1);
            held.pair.read(EmulatedRig.NSID, 8, 256, held.data, (1 << 19) + 1, 0, 2);
            held.pair.commit();
            held.pollUntil(() -> ended.size() == 2);

            assertThat(ended).containsOnly(0);
            assertThat(held.data
                            .segment()
                            .asSlice((1 << 19) + 1, expected.length)
                            .toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(expected);
        }
    }

    @Test
    void aVectorIsReusedAndBounded() {
        rig(BYTES);
        var two = new DmaVector(2);
        two.add(rig.data, 0, 100).add(rig.data, 100, 100).add(rig.data, 400, 100);
        assertThat(two.count()).isEqualTo(2);
        assertThat(two.byteSize()).isEqualTo(300);
        assertThatIllegalStateException().isThrownBy(() -> two.add(rig.data, 1000, 1));
        assertThat(two.clear().byteSize()).isZero();
        var small = new DmaMemory(rig.data.segment().asSlice(0, 64), rig.data.iova());
        assertThatIllegalArgumentException().isThrownBy(() -> two.add(small, 60, 5));
        assertThatIllegalArgumentException().isThrownBy(() -> two.add(small, -1, 5));
        assertThatIllegalArgumentException().isThrownBy(() -> two.add(small, 0, 0));
    }
}
