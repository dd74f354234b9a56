package io.doorbell.pcie;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Metadata and protection information through an emulated controller, whose longest transfer is less than what is moved here. */
class ProtectedBlocksTest {
    private static final int SEPARATE = 3;
    private static final int EXTENDED = 4;
    private static final int BLOCK_BYTES = 512;

    /** More than one command may move. */
    private static final int BLOCKS = 1_500;

    private static final int CHECKS =
            QueuePair.CHECK_GUARD | QueuePair.CHECK_APPLICATION_TAG | QueuePair.CHECK_REFERENCE_TAG;

    private final List<Integer> statuses = new ArrayList<>();
    private final BlockTransfer transfer = new BlockTransfer();
    private final EmulatedRig rig = new EmulatedRig();
    private final PcieController controller;
    private final EmulatedRig.Held held;
    private final DmaMemory data;

    ProtectedBlocksTest() {
        rig.addNamespace(SEPARATE, "memory:16MiB:512+8/pi1");
        rig.addNamespace(EXTENDED, "memory:16MiB:512+8/pi1/extended");
        controller = PcieController.open(rig.function, PcieOptions.DEFAULTS.withMaxTransferBytes(128 * 1024));
        held = new EmulatedRig.Held(controller, 64, 4 << 20, (token, status, result) -> statuses.add(status));
        data = held.data;
    }

    @AfterEach
    void close() {
        held.close();
        controller.close();
        rig.close();
    }

    private int run(int opc) {
        statuses.clear();
        assertThat(held.pair.transfer(opc, transfer, 1)).isZero();
        held.pair.commit();
        held.pollUntil(() -> !statuses.isEmpty());
        return Status.code(statuses.getFirst());
    }

    private MetadataFormat metadata(int nsid) {
        return controller.namespaces().stream()
                .filter(namespace -> namespace.nsid() == nsid)
                .findFirst()
                .orElseThrow()
                .metadata();
    }

    @Test
    void namespacesTellHowTheirMetadataTravels() {
        assertThat(metadata(SEPARATE)).isEqualTo(MetadataFormat.withProtection(8, false, 1, false));
        assertThat(metadata(EXTENDED)).isEqualTo(MetadataFormat.withProtection(8, true, 1, false));
        assertThat(metadata(EmulatedRig.NSID)).isEqualTo(MetadataFormat.NONE);
    }

    @Test
    void theControllerMakesAndChecksWhatTheHostDoesNotCarry() {
        for (int nsid : new int[] {SEPARATE, EXTENDED}) {
            data.segment().asSlice(0, BLOCKS * BLOCK_BYTES).fill((byte) nsid);
            transfer.of(nsid, 7, BLOCKS)
                    .data(data, 0)
                    .ioFlags(QueuePair.PROTECTION_ACTION)
                    .referenceTag(7)
                    .applicationTag(0x55AA, 0xFFFF);
            assertThat(run(NvmOpcode.WRITE)).isZero();

            data.segment().fill((byte) 0);
            transfer.ioFlags(QueuePair.PROTECTION_ACTION | CHECKS);
            assertThat(run(NvmOpcode.READ)).isZero();

            assertThat(data.segment().get(JAVA_BYTE, BLOCKS * BLOCK_BYTES - 1)).isEqualTo((byte) nsid);
            transfer.applicationTag(0x55AB, 0xFFFF);
            assertThat(run(NvmOpcode.READ)).isEqualTo(Status.APPLICATION_TAG_CHECK_ERROR);
        }
    }

    @Test
    void theHostCarriesItInABufferOfItsOwn() {
        long metadataOffset = 2 << 20;
        for (int block = 0; block < BLOCKS; block++) {
            data.segment().asSlice((long) block * BLOCK_BYTES, BLOCK_BYTES).fill((byte) block);
            encode((long) block * BLOCK_BYTES, metadataOffset + block * 8L, 100 + block);
        }
        transfer.of(SEPARATE, 100, BLOCKS)
                .data(data, 0)
                .metadata(data, metadataOffset)
                .ioFlags(CHECKS)
                .referenceTag(100)
                .applicationTag(0x1234, 0xFFFF);
        assertThat(run(NvmOpcode.WRITE)).isZero();

        data.segment().fill((byte) 0);
        assertThat(run(NvmOpcode.READ)).isZero();

        int last = BLOCKS - 1;
        assertThat(ProtectionInformation.referenceTag(data.segment(), metadataOffset + last * 8L))
                .isEqualTo(100 + last);
        assertThat(data.segment().get(JAVA_BYTE, (long) last * BLOCK_BYTES)).isEqualTo((byte) last);
    }

    @Test
    void theHostCarriesItBehindEachBlock() {
        int extended = BLOCK_BYTES + 8;
        for (int block = 0; block < BLOCKS; block++) {
            data.segment().asSlice((long) block * extended, BLOCK_BYTES).fill((byte) block);
            encode((long) block * extended, (long) block * extended + BLOCK_BYTES, block);
        }
        transfer.of(EXTENDED, 0, BLOCKS).data(data, 0).ioFlags(CHECKS).applicationTag(0x1234, 0xFFFF);
        assertThat(run(NvmOpcode.WRITE)).isZero();

        data.segment().fill((byte) 0);
        assertThat(run(NvmOpcode.READ)).isZero();

        int last = BLOCKS - 1;
        assertThat(ProtectionInformation.referenceTag(data.segment(), (long) last * extended + BLOCK_BYTES))
                .isEqualTo(last);
        transfer.referenceTag(1);
        assertThat(run(NvmOpcode.READ))
                .as("type 1: the tag is the address")
                .isEqualTo(Status.INVALID_PROTECTION_INFORMATION);
    }

    private void encode(long blockOffset, long tupleOffset, int referenceTag) {
        int guard = ProtectionInformation.guard(data.segment(), blockOffset, BLOCK_BYTES);
        ProtectionInformation.encode(data.segment(), tupleOffset, guard, 0x1234, referenceTag);
    }
}
