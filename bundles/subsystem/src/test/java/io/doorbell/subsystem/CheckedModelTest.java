package io.doorbell.subsystem;

import static io.doorbell.nvme.ProtectionInformation.PRACT;
import static io.doorbell.nvme.ProtectionInformation.PRCHK;
import static io.doorbell.nvme.ProtectionInformation.PRCHK_APPLICATION_TAG;
import static io.doorbell.nvme.ProtectionInformation.PRCHK_GUARD;
import static io.doorbell.nvme.ProtectionInformation.PRCHK_REFERENCE_TAG;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.FileBackend;
import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.CopyRange;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Everything a host may do with blocks that have metadata, or that Write Uncorrectable has marked, against a model that is as simple as can be. */
class CheckedModelTest {
    private static final int BLOCKS = 48;
    private static final int STEPS = 600;
    private static final int DEAC = 1 << 25;
    private static final long BOUND_NANOS = 60_000_000_000L;

    @TempDir
    Path directory;

    private SplittableRandom random;
    private BlockFormat format;
    private Rig rig;
    private CommandPath path;

    // The model.
    private final byte[][] data = new byte[BLOCKS][];
    private final byte[][] metadata = new byte[BLOCKS][];
    private final boolean[] marked = new boolean[BLOCKS];

    @ParameterizedTest
    @CsvSource({
        "memory, 512",
        "memory, 4096+8",
        "memory, 512+16/extended",
        "memory, 512+8/pi1",
        "memory, 4096+8/pi1/extended",
        "memory, 512+64/pi1",
        "memory, 512+64/pi2/first/extended",
        "memory, 512+16/pi3/first",
        "memory, 512+8/pi2",
        "file, 512",
        "file, 512+8/pi1/extended",
        "file, 4096+64/pi2",
        "file, 512+16/extended"
    })
    void agreesWithTheModel(String kind, String spelled) {
        long seed = Long.getLong("doorbell.seed", System.nanoTime());
        System.out.println("checked session: -Ddoorbell.seed=" + seed);
        random = new SplittableRandom(seed);
        format = BlockFormat.parse(spelled);
        var spec = new NamespaceSpec(
                kind, (long) BLOCKS * format.blockBytes(), format, kind.equals("file") ? "n.img" : "");
        var backend = kind.equals("file") ? new FileBackend(directory, 2) : new MemoryBackend();
        rig = new Rig();
        rig.subsystem.addNamespace(1, backend.open(spec));
        path = rig.controller.openIoPath(rig.reactor);
        for (int i = 0; i < BLOCKS; i++) {
            erase(i);
        }
        try {
            for (int step = 0; step < STEPS; step++) {
                step();
            }
        } finally {
            path.close();
            rig.close();
        }
    }

    private void erase(int block) {
        data[block] = new byte[format.blockBytes()];
        metadata[block] = new byte[format.metadataBytes()];
        if (format.protection() != 0) {
            Arrays.fill(metadata[block], tuple(), tuple() + 8, (byte) 0xFF);
        }
    }

    private int tuple() {
        return format.protectionFirst() ? 0 : format.metadataBytes() - 8;
    }

    private void step() {
        int blocks = 1 + random.nextInt(6);
        int slba = random.nextInt(BLOCKS - blocks + 1);
        int kind = random.nextInt(20);
        switch (kind) {
            case 0, 1, 2, 3, 4, 5 -> transfer(NvmOpcode.WRITE, slba, blocks);
            case 6, 7, 8, 9, 10, 11 -> transfer(NvmOpcode.READ, slba, blocks);
            case 12, 13 -> transfer(NvmOpcode.COMPARE, slba, blocks);
            case 14 -> verify(slba, blocks);
            case 15 -> writeZeroes(slba, blocks);
            case 16 -> markUncorrectable(slba, blocks);
            case 17, 18 -> copy();
            default -> {
                assertThat(run(TestRequest.datasetManagement(true, new long[] {slba, blocks}), null))
                        .isZero();
                for (int i = slba; i < slba + blocks; i++) {
                    erase(i);
                }
            }
        }
    }

    /** A command with what it asks of the protection information, at random but for what is never asked without any. */
    private TestRequest command(int opc, int slba, int blocks) {
        var request = TestRequest.blocks(opc, slba, blocks);
        if (format.protection() != 0) {
            request.cdw12 |= random.nextInt(16) << 26;
            request.cdw14 = random.nextInt(4) == 0 ? random.nextInt(4) : slba;
            request.cdw15 = ProtectionInformation.tagDword(
                    random.nextInt(3) == 0 ? 0xFFFF : 0x1230 + random.nextInt(2), random.nextInt(3) == 0 ? -1 : 0xFFF0);
        }
        return request;
    }

    private int admitted(int cdw12, long slba, int cdw14) {
        boolean reference = format.protection() != 0 && (cdw12 & PRCHK_REFERENCE_TAG) != 0;
        return reference && (format.protection() == 3 || format.protection() == 1 && cdw14 != slba)
                ? Status.INVALID_PROTECTION_INFORMATION
                : Status.SUCCESS;
    }

    private boolean isMarked(int slba, int blocks) {
        for (int i = slba; i < slba + blocks; i++) {
            if (marked[i]) {
                return true;
            }
        }
        return false;
    }

    private int guard(byte[] block, byte[] meta) {
        int guard = ProtectionInformation.guard(MemorySegment.ofArray(block), 0, block.length);
        return ProtectionInformation.guard(guard, MemorySegment.ofArray(meta), 0, tuple());
    }

    private void protect(byte[] block, byte[] meta, int cdw14, int cdw15, int index) {
        int reference = format.protection() == 3 ? cdw14 : cdw14 + index;
        ProtectionInformation.encode(
                MemorySegment.ofArray(meta), tuple(), guard(block, meta), cdw15 & 0xFFFF, reference);
    }

    private int checked(byte[] block, byte[] meta, int cdw12, int cdw14, int cdw15, int index) {
        if (format.protection() == 0 || (cdw12 & PRCHK) == 0) {
            return Status.SUCCESS;
        }
        var segment = MemorySegment.ofArray(meta);
        int application = ProtectionInformation.applicationTag(segment, tuple());
        int reference = ProtectionInformation.referenceTag(segment, tuple());
        if (application == 0xFFFF && (format.protection() != 3 || reference == -1)) {
            return Status.SUCCESS;
        }
        if ((cdw12 & PRCHK_GUARD) != 0 && ProtectionInformation.guard(segment, tuple()) != guard(block, meta)) {
            return Status.GUARD_CHECK_ERROR;
        }
        int mask = cdw15 >>> 16;
        if ((cdw12 & PRCHK_APPLICATION_TAG) != 0 && (application & mask) != (cdw15 & mask)) {
            return Status.APPLICATION_TAG_CHECK_ERROR;
        }
        if ((cdw12 & PRCHK_REFERENCE_TAG) != 0 && format.protection() != 3 && reference != cdw14 + index) {
            return Status.REFERENCE_TAG_CHECK_ERROR;
        }
        return Status.SUCCESS;
    }

    private int storedChecked(int slba, int blocks, int cdw12, int cdw14, int cdw15) {
        for (int i = 0; i < blocks; i++) {
            int status = checked(data[slba + i], metadata[slba + i], cdw12, cdw14, cdw15, i);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        return Status.SUCCESS;
    }

    private void transfer(int opc, int slba, int blocks) {
        var request = command(opc, slba, blocks);
        boolean action = format.protection() != 0 && (request.cdw12 & PRACT) != 0;
        boolean stripped = action && format.metadataBytes() == 8;
        var host = new byte[blocks][format.blockBytes()];
        var beside = new byte[blocks][format.metadataBytes()];
        for (int i = 0; i < blocks; i++) {
            random.nextBytes(host[i]);
            random.nextBytes(beside[i]);
            if (format.protection() != 0 && random.nextInt(8) != 0) {
                protect(host[i], beside[i], request.cdw14, request.cdw15, i);
            }
            if (opc == NvmOpcode.COMPARE && random.nextInt(8) != 0) {
                host[i] = data[slba + i].clone();
                beside[i] = metadata[slba + i].clone();
            }
        }
        var inData = interleave(host, beside, format.extended() && !stripped);
        var separate = format.extended() || stripped ? new byte[0] : concat(beside);
        request.withMetadata(separate);

        int status = run(request, inData);

        int expected = admitted(request.cdw12, slba, request.cdw14);
        if (expected == Status.SUCCESS) {
            expected = switch (opc) {
                case NvmOpcode.WRITE -> written(request, slba, host, beside, action);
                case NvmOpcode.READ -> read(request, slba, blocks);
                default -> compared(request, slba, host, beside, stripped);
            };
        }
        assertThat(Status.code(status))
                .as("%s %d+%d", NvmOpcode.name(opc), slba, blocks)
                .isEqualTo(expected);
        if (opc == NvmOpcode.READ && expected == Status.SUCCESS) {
            var wantedData = Arrays.copyOfRange(data, slba, slba + blocks);
            var wantedMetadata = Arrays.copyOfRange(metadata, slba, slba + blocks);
            assertThat(inData).isEqualTo(interleave(wantedData, wantedMetadata, format.extended() && !stripped));
            if (separate.length > 0) {
                assertThat(separate).isEqualTo(concat(wantedMetadata));
            }
        }
    }

    private int written(TestRequest request, int slba, byte[][] host, byte[][] beside, boolean action) {
        for (int i = 0; i < host.length && !action; i++) {
            int status = checked(host[i], beside[i], request.cdw12, request.cdw14, request.cdw15, i);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        for (int i = 0; i < host.length; i++) {
            if (action) {
                protect(host[i], beside[i], request.cdw14, request.cdw15, i);
            }
            data[slba + i] = host[i].clone();
            metadata[slba + i] = beside[i].clone();
            marked[slba + i] = false;
        }
        return Status.SUCCESS;
    }

    private int read(TestRequest request, int slba, int blocks) {
        return isMarked(slba, blocks)
                ? Status.UNRECOVERED_READ_ERROR
                : storedChecked(slba, blocks, request.cdw12, request.cdw14, request.cdw15);
    }

    private int compared(TestRequest request, int slba, byte[][] host, byte[][] beside, boolean stripped) {
        int status = read(request, slba, host.length);
        if (status != Status.SUCCESS) {
            return status;
        }
        for (int i = 0; i < host.length; i++) {
            boolean equal = Arrays.equals(host[i], data[slba + i])
                    && (stripped || Arrays.equals(beside[i], metadata[slba + i]));
            if (!equal) {
                return Status.COMPARE_FAILURE;
            }
        }
        return Status.SUCCESS;
    }

    private void verify(int slba, int blocks) {
        var request = command(NvmOpcode.VERIFY, slba, blocks);

        int status = run(request, null);

        int expected = admitted(request.cdw12, slba, request.cdw14);
        expected = expected == Status.SUCCESS ? read(request, slba, blocks) : expected;
        assertThat(Status.code(status)).as("Verify").isEqualTo(expected);
    }

    private void writeZeroes(int slba, int blocks) {
        var request = command(NvmOpcode.WRITE_ZEROES, slba, blocks);
        request.cdw12 |= random.nextBoolean() ? DEAC : 0;

        int status = run(request, null);

        int expected = admitted(request.cdw12, slba, request.cdw14);
        assertThat(Status.code(status)).as("Write Zeroes").isEqualTo(expected);
        for (int i = 0; i < blocks && expected == Status.SUCCESS; i++) {
            erase(slba + i);
            marked[slba + i] = false;
            if (format.protection() != 0 && (request.cdw12 & (PRACT | DEAC)) == PRACT) {
                Arrays.fill(metadata[slba + i], (byte) 0);
                protect(data[slba + i], metadata[slba + i], request.cdw14, request.cdw15, i);
            }
        }
    }

    private void markUncorrectable(int slba, int blocks) {
        assertThat(run(TestRequest.blocks(NvmOpcode.WRITE_UNCORRECTABLE, slba, blocks), null))
                .isZero();
        Arrays.fill(marked, slba, slba + blocks, true);
    }

    private void copy() {
        int ranges = 1 + random.nextInt(3);
        var table = MemorySegment.ofArray(new byte[ranges * CopyRange.SIZE_BYTES]);
        int[] first = new int[ranges];
        int[] count = new int[ranges];
        int total = 0;
        for (int i = 0; i < ranges; i++) {
            count[i] = 1 + random.nextInt(3);
            first[i] = random.nextInt(BLOCKS - count[i] + 1);
            total += count[i];
        }
        int target = random.nextInt(BLOCKS - total + 1);
        var request = command(NvmOpcode.COPY, target, 1);
        int prinfo = request.cdw12 & (PRACT | PRCHK);
        request.cdw12 = ranges - 1 | prinfo | (prinfo >>> 26) << 12;
        int tags = request.cdw15;
        for (int i = 0; i < ranges; i++) {
            CopyRange.encode(table, (long) i * CopyRange.SIZE_BYTES, first[i], count[i], first[i], tags);
        }

        int status = Status.code(run(request, (byte[]) table.heapBase().orElseThrow()));

        int expected = admitted(prinfo, target, request.cdw14);
        for (int i = 0; i < ranges && expected == Status.SUCCESS; i++) {
            expected = admitted(prinfo, first[i], first[i]);
        }
        for (int i = 0; i < ranges && expected == Status.SUCCESS; i++) {
            expected = first[i] < target + total && target < first[i] + count[i]
                    ? Status.OVERLAPPING_IO_RANGE
                    : Status.SUCCESS;
        }
        int done = 0;
        for (int i = 0; i < ranges && expected == Status.SUCCESS; i++) {
            expected = copyRange(request, prinfo, first[i], count[i], target + done, done);
            done += count[i];
        }
        assertThat(status).as("Copy").isEqualTo(expected);
    }

    private int copyRange(TestRequest request, int prinfo, int from, int blocks, int to, int done) {
        int status = isMarked(from, blocks)
                ? Status.UNRECOVERED_READ_ERROR
                : storedChecked(from, blocks, prinfo, from, request.cdw15);
        boolean action = (prinfo & PRACT) != 0;
        for (int i = 0; i < blocks && status == Status.SUCCESS && !action; i++) {
            status = checked(data[from + i], metadata[from + i], prinfo, request.cdw14, request.cdw15, done + i);
        }
        for (int i = 0; i < blocks && status == Status.SUCCESS; i++) {
            data[to + i] = data[from + i].clone();
            metadata[to + i] = metadata[from + i].clone();
            marked[to + i] = false;
            if (action) {
                protect(data[to + i], metadata[to + i], request.cdw14, request.cdw15, done + i);
            }
        }
        return status;
    }

    private static byte[] interleave(byte[][] blocks, byte[][] beside, boolean extended) {
        var all = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < blocks.length; i++) {
            all.writeBytes(blocks[i]);
            if (extended) {
                all.writeBytes(beside[i]);
            }
        }
        return all.toByteArray();
    }

    private static byte[] concat(byte[][] parts) {
        return interleave(parts, parts, false);
    }

    private int run(TestRequest request, byte[] content) {
        int status = path.admit(request);
        if (status != Status.SUCCESS) {
            return status;
        }
        if (content != null) {
            assertThat(request.dataBytes).isEqualTo(content.length);
            // In two pieces, as from pages.
            int cut = random.nextInt(content.length);
            request.clearPieces();
            request.addPiece(MemorySegment.ofArray(content), 0, cut);
            request.addPiece(MemorySegment.ofArray(content).asSlice(cut), 0, content.length - cut);
        }
        status = path.execute(request);
        long start = System.nanoTime();
        while (status == NvmRequest.PENDING && request.completions() == 0) {
            rig.reactor.cycle();
            path.poll(System.nanoTime());
            assertThat(System.nanoTime() - start).isLessThan(BOUND_NANOS);
        }
        return status == NvmRequest.PENDING ? request.status() : status;
    }
}
