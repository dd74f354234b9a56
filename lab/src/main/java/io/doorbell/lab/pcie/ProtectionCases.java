package io.doorbell.lab.pcie;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePair;
import io.doorbell.lab.Case;
import io.doorbell.lab.guest.Guest;
import io.doorbell.lab.guest.Lane;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ProtectionInformation;
import io.doorbell.nvme.Status;
import java.io.IOException;
import java.util.List;

/** Metadata and protection information: what the controller makes of it, checks and refuses. */
final class ProtectionCases {
    private static final int METADATA_ONLY = 1;
    private static final int TYPE_1 = 2;
    private static final int TYPE_2 = 3;
    private static final int TYPE_3 = 4;
    private static final int IN_DATA = 5;
    private static final int FIRST_OF_SIXTEEN = 6;

    /** More than one command takes, so that tags are counted up from part to part. */
    private static final int BLOCKS = 1500;

    /**
     * QEMU 7.2 loses metadata without protection where that of a command is not a whole number of 512 bytes: it keeps the odd
     * bytes and drops the others. These give none.
     */
    private static final int EVEN_BLOCKS = 1504;

    private static final long SLBA = 77;
    private static final int APPLICATION_TAG = 0x1234;
    private static final long METADATA_OFFSET = 1 << 20;
    private static final int ALL_BITS = 0xFFFF;
    private static final int DAMAGED = 1300;

    private ProtectionCases() {}

    static List<Case> cases() {
        return List.of(
                Case.of("metadata-beside-the-data", ProtectionCases::metadata),
                Case.of("protection-type-1", guest -> protection(TYPE_1)),
                Case.of("protection-type-2", guest -> protection(TYPE_2)),
                Case.of("protection-type-3", guest -> protection(TYPE_3)),
                Case.of("protection-first-in-metadata", guest -> protection(FIRST_OF_SIXTEEN)),
                Case.of("protection-in-the-data", guest -> protection(IN_DATA)));
    }

    private static void metadata(Guest guest) throws IOException {
        try (var ours = Controllers.open(Slot.META);
                var lane = new Lane(ours)) {
            var namespace = Controllers.namespace(ours, METADATA_ONLY);
            assertThat(namespace.metadataBytes()).isEqualTo(16);
            int dataBytes = EVEN_BLOCKS * namespace.blockBytes();
            int metadataBytes = EVEN_BLOCKS * namespace.metadataBytes();
            lane.fill(1, 0, dataBytes);
            lane.fill(2, METADATA_OFFSET, metadataBytes);
            assertThat(lane.transfer(NvmOpcode.WRITE, lane.blocks(namespace, SLBA, EVEN_BLOCKS, METADATA_OFFSET)))
                    .isZero();
            lane.memory().segment().fill((byte) 0);

            assertThat(lane.transfer(NvmOpcode.READ, lane.blocks(namespace, SLBA, EVEN_BLOCKS, METADATA_OFFSET)))
                    .isZero();

            lane.requirePattern(1, 0, dataBytes);
            lane.requirePattern(2, METADATA_OFFSET, metadataBytes);
        }
    }

    private static void protection(int nsid) throws IOException {
        try (var ours = Controllers.open(Slot.META);
                var lane = new Lane(ours)) {
            var blocks = new ProtectedBlocks(lane, Controllers.namespace(ours, nsid));
            blocks.madeByTheController();
            blocks.madeByUs();
            blocks.damaged();
        }
    }

    /** The same blocks in three ways. */
    private static final class ProtectedBlocks {
        private final Lane lane;
        private final NvmeNamespace namespace;
        private final int checks;

        ProtectedBlocks(Lane lane, NvmeNamespace namespace) {
            this.lane = lane;
            this.namespace = namespace;
            assertThat(namespace.metadata().isProtected()).isTrue();
            int tags = QueuePair.CHECK_GUARD | QueuePair.CHECK_APPLICATION_TAG;
            // Of type 3 nobody knows what the reference tag counts.
            checks = namespace.metadata().countsBlocks() ? tags | QueuePair.CHECK_REFERENCE_TAG : tags;
        }

        private int transfer(int opc, int ioFlags, int applicationTag) {
            var transfer = lane.blocks(namespace, SLBA, BLOCKS, METADATA_OFFSET)
                    .ioFlags(ioFlags)
                    .referenceTag(SLBA)
                    .applicationTag(applicationTag, ALL_BITS);
            return lane.transfer(opc, transfer);
        }

        /** PRACT writes what another read, without it, shows us. */
        void madeByTheController() {
            fillData(1);
            assertThat(transfer(NvmOpcode.WRITE, QueuePair.PROTECTION_ACTION, APPLICATION_TAG))
                    .as("write with PRACT")
                    .isZero();
            lane.memory().segment().fill((byte) 0);

            assertThat(transfer(NvmOpcode.READ, checks, APPLICATION_TAG))
                    .as("read")
                    .isZero();

            for (int block = 0; block < BLOCKS; block++) {
                assertThat(applicationTag(block)).isEqualTo(APPLICATION_TAG);
                assertThat(referenceTag(block)).isEqualTo(expectedReferenceTag(block));
                assertThat(guard(block)).as("guard of block " + block).isEqualTo(computedGuard(block));
            }
            assertThat(transfer(NvmOpcode.READ, checks, APPLICATION_TAG ^ 1))
                    .as("read with another application tag")
                    .isEqualTo(Status.APPLICATION_TAG_CHECK_ERROR);
        }

        /** The controller checks what we made, when it is written and when it is read. */
        void madeByUs() {
            fillData(2);
            for (int block = 0; block < BLOCKS; block++) {
                encode(block, computedGuard(block));
            }
            assertThat(transfer(NvmOpcode.WRITE, checks, APPLICATION_TAG))
                    .as("write")
                    .isZero();
            long first = computedGuard(0);
            lane.memory().segment().fill((byte) 0);

            assertThat(transfer(NvmOpcode.READ, checks | QueuePair.PROTECTION_ACTION, APPLICATION_TAG))
                    .as("read with PRACT")
                    .isZero();

            if (namespace.metadata().vanishesWithAction()) {
                // The data has no room between its blocks then.
                assertThat(ProtectionInformation.guard(lane.memory().segment(), 0, namespace.blockBytes()))
                        .isEqualTo((int) first);
            } else {
                assertThat(computedGuard(0)).isEqualTo((int) first);
            }
        }

        /** One guard of many is wrong. */
        void damaged() {
            fillData(3);
            for (int block = 0; block < BLOCKS; block++) {
                encode(block, computedGuard(block) ^ (block == DAMAGED ? 1 : 0));
            }
            assertThat(transfer(NvmOpcode.WRITE, checks, APPLICATION_TAG))
                    .as("write of a wrong guard")
                    .isEqualTo(Status.GUARD_CHECK_ERROR);
            assertThat(transfer(NvmOpcode.WRITE, 0, APPLICATION_TAG))
                    .as("write of a wrong guard that nobody checks")
                    .isZero();
            assertThat(transfer(NvmOpcode.READ, QueuePair.CHECK_GUARD, APPLICATION_TAG))
                    .as("read of a wrong guard")
                    .isEqualTo(Status.GUARD_CHECK_ERROR);
            assertThat(transfer(NvmOpcode.READ, 0, APPLICATION_TAG))
                    .as("read of a wrong guard that nobody checks")
                    .isZero();
            assertThat(guard(DAMAGED)).isEqualTo(computedGuard(DAMAGED) ^ 1);
        }

        /** Metadata between the blocks is overwritten by {@link #encode}. */
        private void fillData(long seed) {
            lane.memory().segment().fill((byte) 0);
            for (int block = 0; block < BLOCKS; block++) {
                lane.fill(seed + block, dataOffset(block), namespace.blockBytes());
            }
        }

        private long dataOffset(int block) {
            return (long) block * namespace.transferBlockBytes();
        }

        private long metadataOffset(int block) {
            return namespace.metadata().extended()
                    ? dataOffset(block) + namespace.blockBytes()
                    : METADATA_OFFSET + (long) block * namespace.metadataBytes();
        }

        /** Of the tuple: the metadata's beginning or end. */
        private long tupleOffset(int block) {
            int before = namespace.metadataBytes() - ProtectionInformation.SIZE_BYTES;
            return metadataOffset(block) + (namespace.metadata().protectionFirst() ? 0 : before);
        }

        /** Over the data, and over the metadata before the tuple if there is any. */
        private int computedGuard(int block) {
            var memory = lane.memory().segment();
            int guard = ProtectionInformation.guard(memory, dataOffset(block), namespace.blockBytes());
            return ProtectionInformation.guard(
                    guard, memory, metadataOffset(block), tupleOffset(block) - metadataOffset(block));
        }

        private int expectedReferenceTag(int block) {
            return (int) SLBA + (namespace.metadata().countsBlocks() ? block : 0);
        }

        private void encode(int block, int guard) {
            ProtectionInformation.encode(
                    lane.memory().segment(), tupleOffset(block), guard, APPLICATION_TAG, expectedReferenceTag(block));
        }

        private int guard(int block) {
            return ProtectionInformation.guard(lane.memory().segment(), tupleOffset(block));
        }

        private int applicationTag(int block) {
            return ProtectionInformation.applicationTag(lane.memory().segment(), tupleOffset(block));
        }

        private int referenceTag(int block) {
            return ProtectionInformation.referenceTag(lane.memory().segment(), tupleOffset(block));
        }
    }
}
