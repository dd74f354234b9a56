package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Metadata pointers of commands: a range of addresses, or an SGL segment, through the table of what the host mapped. */
class MetadataTest {
    private static final int PRINFO = ProtectionInformation.PRACT | ProtectionInformation.PRCHK;
    private static final int SGL_METADATA = SubmissionEntry.flags(0, SubmissionEntry.PSDT_SGL_METADATA_SGL);

    private final ReactorPool reactors = new ReactorPool(new ReactorOptions(false, 200, 20));
    private final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:test", "SERIAL1", "Doorbell test");
    private EmulatedFunction function;
    private RawHost host;
    private RawHost.Queue queue;
    private MemorySegment data;
    private MemorySegment metadata;
    private MemorySegment list;

    @BeforeEach
    void open() {
        subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512+16")));
        subsystem.addNamespace(2, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512+8/pi1")));
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
        host = new RawHost(function, 1 << 20);
        host.enable();
        queue = host.createQueue(1, 16);
        data = host.pages(2);
        metadata = host.pages(2);
        list = host.pages(1);
    }

    @AfterEach
    void close() {
        host.close();
        function.close();
        subsystem.close();
        reactors.close();
    }

    private int io(int opc, int nsid, int flags, long prp1, long prp2, long mptr, int slba, int blocks, int prinfo) {
        int tail = queue.tail;
        queue.stage(opc, flags, nsid, prp1, prp2, slba, 0, blocks - 1 | prinfo);
        long entry = (long) tail * SubmissionEntry.SIZE_BYTES;
        SubmissionEntry.mptr(queue.submissions, entry, mptr);
        queue.submissions.set(java.lang.foreign.ValueLayout.JAVA_INT, entry + 56, slba);
        queue.ring();
        return Status.code(queue.await().status());
    }

    private int io(int opc, int nsid, long mptr, int slba, int blocks, int prinfo) {
        return io(opc, nsid, 0, data.address(), 0, mptr, slba, blocks, prinfo);
    }

    private static void pattern(MemorySegment segment, int bytes, int seed) {
        for (int i = 0; i < bytes; i++) {
            segment.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + seed));
        }
    }

    private static byte[] bytes(MemorySegment segment, int offset, int count) {
        return segment.asSlice(offset, count).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    @Test
    void metadataGoesAndComesBackFromAnyDword() {
        pattern(data, 2048, 1);
        pattern(metadata, 4096 + 64, 2);
        var sent = bytes(metadata, 4092, 64);

        int written = io(NvmOpcode.WRITE, 1, metadata.address() + 4092, 7, 4, 0);
        data.fill((byte) 0);
        metadata.fill((byte) 0);
        int read = io(NvmOpcode.READ, 1, metadata.address() + 4, 7, 4, 0);

        assertThat(written).isZero();
        assertThat(read).isZero();
        assertThat(bytes(metadata, 4, 64)).isEqualTo(sent);
        assertThat(bytes(metadata, 68, 16)).containsOnly(0);
    }

    @Test
    void refusesMetadataPointersThatLeadNowhere() {
        assertThat(io(NvmOpcode.WRITE, 1, 0x1000, 0, 1, 0)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(io(NvmOpcode.READ, 1, -16, 0, 1, 0)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(io(NvmOpcode.READ, 1, metadata.address() + 2, 0, 1, 0)).isEqualTo(Status.INVALID_FIELD);
        var memory = host.memory.segment();
        long end = memory.address() + memory.byteSize();
        assertThat(io(NvmOpcode.READ, 1, end - 16, 0, 1, 0)).isZero();
        assertThat(io(NvmOpcode.READ, 1, end - 16, 0, 2, 0)).isEqualTo(Status.DATA_TRANSFER_ERROR);
    }

    @Test
    void protectionInformationIsMadeAndStrippedWithoutAPointer() {
        pattern(data, 1024, 3);
        var sent = bytes(data, 0, 1024);

        assertThat(io(NvmOpcode.WRITE, 2, 0x1000, 9, 2, PRINFO)).isZero();
        data.fill((byte) 0);
        assertThat(io(NvmOpcode.READ, 2, 0x1000, 9, 2, PRINFO)).isZero();
        assertThat(bytes(data, 0, 1024)).isEqualTo(sent);

        assertThat(io(NvmOpcode.READ, 2, metadata.address(), 9, 2, ProtectionInformation.PRCHK))
                .isZero();
        assertThat(ProtectionInformation.guard(metadata, 8)).isEqualTo(ProtectionInformation.guard(data, 512, 512));
        assertThat(ProtectionInformation.referenceTag(metadata, 8)).isEqualTo(10);
    }

    @Test
    void aWrongGuardIsNotWritten() {
        pattern(data, 512, 4);
        ProtectionInformation.encode(metadata, 0, 1 + ProtectionInformation.guard(data, 0, 512), 0, 5);

        assertThat(io(NvmOpcode.WRITE, 2, metadata.address(), 5, 1, ProtectionInformation.PRCHK))
                .isEqualTo(Status.GUARD_CHECK_ERROR);
        assertThat(io(NvmOpcode.READ, 2, metadata.address(), 5, 1, 0)).isZero();
        assertThat(bytes(data, 0, 512)).containsOnly(0);
        assertThat(bytes(metadata, 0, 8)).containsOnly(-1);
    }

    @Test
    void metadataMayBeScatteredByAnSglSegment() {
        pattern(data, 1024, 5);
        pattern(metadata, 8192, 6);
        var expected = new byte[32];
        System.arraycopy(bytes(metadata, 100, 20), 0, expected, 0, 20);
        System.arraycopy(bytes(metadata, 5000, 12), 0, expected, 20, 12);
        int block = SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, 0);
        int last = SglDescriptor.identifier(SglDescriptor.TYPE_LAST_SEGMENT, 0);
        SglDescriptor.encode(list, 0, last, list.address() + 64, 32);
        SglDescriptor.encode(list, 64, block, metadata.address() + 100, 20);
        SglDescriptor.encode(list, 80, block, metadata.address() + 5000, 12);
        long sgl = (long) block << 56 | 1024;

        assertThat(io(NvmOpcode.WRITE, 1, SGL_METADATA, data.address(), sgl, list.address(), 3, 2, 0))
                .isZero();
        assertThat(io(NvmOpcode.READ, 1, metadata.address(), 3, 2, 0)).isZero();
        assertThat(bytes(metadata, 0, 32)).isEqualTo(expected);
    }

    @Test
    void refusesMetadataSglsThatAreWrong() {
        int block = SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, 0);
        int keyed = SglDescriptor.identifier(SglDescriptor.TYPE_KEYED_DATA_BLOCK, 0);
        long sgl = (long) block << 56 | 512;
        int[] identifiers = {block, block, keyed, block};
        int[] lengths = {15, 17, 16, 16};
        long[] addresses = {metadata.address(), metadata.address(), metadata.address(), 0x1000};
        int[] statuses = {
            Status.METADATA_SGL_LENGTH_INVALID,
            Status.METADATA_SGL_LENGTH_INVALID,
            Status.SGL_DESCRIPTOR_TYPE_INVALID,
            Status.DATA_TRANSFER_ERROR
        };

        for (int i = 0; i < identifiers.length; i++) {
            SglDescriptor.encode(list, 0, identifiers[i], addresses[i], lengths[i]);
            assertThat(io(NvmOpcode.READ, 1, SGL_METADATA, data.address(), sgl, list.address(), 0, 1, 0))
                    .as("case %d", i)
                    .isEqualTo(statuses[i]);
        }
        assertThat(io(NvmOpcode.READ, 1, SGL_METADATA, data.address(), sgl, list.address() + 4, 0, 1, 0))
                .isEqualTo(Status.INVALID_SGL_SEGMENT_DESCRIPTOR);
        assertThat(io(NvmOpcode.READ, 1, SGL_METADATA, data.address(), sgl, 0x1000, 0, 1, 0))
                .isEqualTo(Status.DATA_TRANSFER_ERROR);
    }
}
