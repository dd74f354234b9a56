package io.doorbell.pcie;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.doorbell.driver.BlockFormats;
import io.doorbell.driver.TransferLimits;
import io.doorbell.host.BlockTransfer;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePair;
import io.doorbell.nvme.NvmOpcode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What commands say of metadata and protection information. The longest command moves 64 blocks of 512 bytes. */
class MetadataTest {
    private static final int SEPARATE = 11;
    private static final int EXTENDED = 12;
    private static final int EXTENDED_PROTECTED = 13;
    private static final int SEPARATE_PROTECTED = 14;
    private static final int EXTENDED_MORE = 15;
    private static final int TYPE_3 = 16;
    private static final int STORAGE_TAG = 17;

    private final List<Integer> statuses = new ArrayList<>();
    private final QueuePairRig rig = new QueuePairRig(32, false, (token, status, result) -> statuses.add(status));
    private final DmaRegion metadataRegion = DmaRegion.allocate(rig.access, 16_384);
    private final DmaMemory metadata = new DmaMemory(metadataRegion.view(0, 16_384, rig.arena), metadataRegion.iova());
    private final BlockTransfer transfer = new BlockTransfer();

    MetadataTest() {
        rig.control.own(Thread.currentThread());
        rig.pair.formats(new BlockFormats(List.of(
                QueuePairRig.format(SEPARATE, MetadataFormat.of(16, false), 0),
                QueuePairRig.format(EXTENDED, MetadataFormat.of(8, true), 0),
                QueuePairRig.format(EXTENDED_PROTECTED, MetadataFormat.withProtection(8, true, 1, false), 0),
                QueuePairRig.format(SEPARATE_PROTECTED, MetadataFormat.withProtection(8, false, 1, true), 0),
                QueuePairRig.format(EXTENDED_MORE, MetadataFormat.withProtection(64, true, 2, true), 0),
                QueuePairRig.format(TYPE_3, MetadataFormat.withProtection(8, true, 3, false), 0),
                QueuePairRig.format(STORAGE_TAG, new MetadataFormat(16, true, 1, 16, false, 16), 0))));
    }

    @AfterEach
    void close() {
        rig.close();
        metadataRegion.close();
    }

    private List<RingDevice.Command> fetched() {
        rig.pair.commit();
        return rig.device.fetch();
    }

    @Test
    void pointsAtMetadataInABufferOfItsOwn() {
        rig.pair.transfer(
                NvmOpcode.WRITE,
                transfer.of(SEPARATE, 100, 8).data(rig.data, 512).metadata(metadata, 128),
                1);

        assertThat(fetched()).singleElement().satisfies(command -> {
            assertThat(command.opc()).isEqualTo(NvmOpcode.WRITE);
            assertThat(command.slba()).isEqualTo(100);
            assertThat(command.blockCount()).isEqualTo(8);
            assertThat(command.prp1()).isEqualTo(rig.data.iova() + 512);
            assertThat(command.mptr()).isEqualTo(metadata.iova() + 128);
        });
    }

    @Test
    void advancesDataAndMetadataAndTheReferenceTagFromPartToPart() {
        rig.pair.transfer(
                NvmOpcode.READ,
                transfer.of(SEPARATE_PROTECTED, 1000, 150)
                        .data(rig.data, 0)
                        .metadata(metadata, 0)
                        .ioFlags(QueuePair.CHECK_GUARD | QueuePair.CHECK_REFERENCE_TAG)
                        .referenceTag(0xFFFF_FFF0L)
                        .applicationTag(0x1234, 0xFF00),
                7);

        var commands = fetched();
        assertThat(commands).extracting(RingDevice.Command::blockCount).containsExactly(64, 64, 22);
        assertThat(commands).extracting(RingDevice.Command::slba).containsExactly(1000L, 1064L, 1128L);
        assertThat(commands)
                .extracting(RingDevice.Command::prp1)
                .containsExactly(rig.data.iova(), rig.data.iova() + 64 * 512, rig.data.iova() + 128 * 512);
        assertThat(commands)
                .extracting(RingDevice.Command::mptr)
                .containsExactly(metadata.iova(), metadata.iova() + 64 * 8, metadata.iova() + 128 * 8);
        // It wraps in its 32 bits.
        assertThat(commands).extracting(RingDevice.Command::cdw14).containsExactly(0xFFFF_FFF0, 0x30, 0x70);
        assertThat(commands).extracting(RingDevice.Command::cdw3).containsOnly(0);
        assertThat(commands).extracting(RingDevice.Command::cdw15).containsOnly(0xFF00_1234);
        assertThat(commands)
                .allSatisfy(command -> assertThat(command.cdw12() & 0xFFFF_0000)
                        .isEqualTo(QueuePair.CHECK_GUARD | QueuePair.CHECK_REFERENCE_TAG));
        commands.forEach(rig.device::complete);
        rig.pair.poll(64);
        assertThat(statuses).containsExactly(0);
    }

    @Test
    void countsMetadataThatTravelsInTheDataIntoTheTransfer() {
        rig.pair.transfer(NvmOpcode.WRITE, transfer.of(EXTENDED, 0, 64).data(rig.data, 0), 1);

        // 63 blocks of 520 bytes are what 32 KiB hold.
        var commands = fetched();
        assertThat(commands).extracting(RingDevice.Command::blockCount).containsExactly(63, 1);
        assertThat(commands)
                .extracting(RingDevice.Command::prp1)
                .containsExactly(rig.data.iova(), rig.data.iova() + 63 * 520);
        assertThat(commands).extracting(RingDevice.Command::mptr).containsOnly(0L);
    }

    @Test
    void readsAndWritesExtendedBlocksInThePlainWayToo() {
        assertThat(rig.pair.write(EXTENDED, 5, 2, rig.data, 0, QueuePair.FUA, 1))
                .isZero();

        assertThat(fetched()).singleElement().satisfies(command -> {
            assertThat(command.slba()).isEqualTo(5);
            assertThat(command.cdw12()).isEqualTo(QueuePair.FUA | 1);
        });
        assertThatIllegalArgumentException()
                .as("two blocks of 520 bytes")
                .isThrownBy(() -> rig.pair.write(EXTENDED, 5, 2, rig.data, rig.data.byteSize() - 1036, 0, 1))
                .withMessageContaining("1040 bytes");
    }

    @Test
    void movesBareBlocksWhenTheControllerMakesTheProtectionInformation() {
        int flags = QueuePair.PROTECTION_ACTION;
        rig.pair.transfer(
                NvmOpcode.WRITE,
                transfer.of(EXTENDED_PROTECTED, 0, 2)
                        .data(rig.data, rig.data.byteSize() - 1024)
                        .ioFlags(flags),
                1);
        rig.pair.read(SEPARATE_PROTECTED, 0, 2, rig.data, rig.data.byteSize() - 1024, flags, 2);

        assertThat(fetched()).hasSize(2).allSatisfy(command -> {
            assertThat(command.mptr()).isZero();
            assertThat(command.cdw12()).isEqualTo(flags | 1);
        });
    }

    @Test
    void movesMetadataBesidesTheProtectionInformationThoughTheControllerMakesThat() {
        var tooShort = transfer.of(EXTENDED_MORE, 0, 2)
                .data(rig.data, rig.data.byteSize() - 1024)
                .ioFlags(QueuePair.PROTECTION_ACTION);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.transfer(NvmOpcode.WRITE, tooShort, 1))
                .withMessageContaining("1152 bytes");
    }

    @Test
    void leavesAReferenceTagAloneThatDoesNotCount() {
        rig.pair.transfer(
                NvmOpcode.WRITE, transfer.of(TYPE_3, 0, 100).data(rig.data, 0).referenceTag(42), 1);

        assertThat(fetched())
                .hasSize(2)
                .allSatisfy(command -> assertThat(command.cdw14()).isEqualTo(42));
    }

    @Test
    void countsTheReferenceTagBelowTheStorageTag() {
        rig.pair.transfer(
                NvmOpcode.WRITE,
                transfer.of(STORAGE_TAG, 0, 100).data(rig.data, 0).referenceTag(0x12_3456_FFFFL),
                1);

        var commands = fetched();
        assertThat(commands).extracting(RingDevice.Command::cdw3).containsOnly(0x12);
        assertThat(commands).extracting(RingDevice.Command::cdw14).containsExactly(0x3456_FFFF, 0x3456_003D);
    }

    @Test
    void refusesBlocksWhoseMetadataHasNowhereToGo() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.read(SEPARATE, 0, 8, rig.data, 0, 0, 1))
                .withMessageContaining("namespace 11")
                .withMessageContaining("128 bytes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.transfer(
                        NvmOpcode.READ,
                        transfer.of(SEPARATE, 0, 8).data(rig.data, 0).metadata(metadata, 16_384 - 120),
                        1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.transfer(
                        NvmOpcode.READ,
                        transfer.of(SEPARATE, 0, 8).data(rig.data, 0).metadata(metadata, 2),
                        1));
        assertThat(rig.pair.inFlight()).isZero();
    }

    @Test
    void splitsNothingButReadsWritesAndCompares() {
        int zoneAppend = 0x7D;

        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.transfer(
                        zoneAppend, transfer.of(EXTENDED, 0, 64).data(rig.data, 0), 1))
                .withMessageContaining("cannot be split");
        assertThat(rig.pair.transfer(zoneAppend, transfer.of(EXTENDED, 0, 63).data(rig.data, 0), 1))
                .isZero();
    }

    @Test
    void submitsAnyCommandWithMetadata() {
        var command = new NvmCommand().reset(NvmOpcode.WRITE, SEPARATE);
        command.cdw3 = 9;

        rig.pair.submit(command, rig.data, 0, 512, metadata, 16, 16, 1);

        assertThat(fetched()).singleElement().satisfies(fetched -> {
            assertThat(fetched.mptr()).isEqualTo(metadata.iova() + 16);
            assertThat(fetched.cdw3()).isEqualTo(9);
        });
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rig.pair.submit(command, rig.data, 0, 512, metadata, 16_384, 16, 1));
    }

    @Test
    void doesNotCountMetadataWhereMdtsLeavesItOut() {
        var namespace = new NvmeNamespace(1, 1000, 512, MetadataFormat.of(8, true), 0, "");

        var format = BlockFormats.Format.of(namespace, new TransferLimits(32 * 1024, true, 0));

        assertThat(format.mostBlocks()).isEqualTo(64);
    }

    @Test
    void splitsAtTheStripeOfADeviceWhereTheNamespaceNamesNoBoundary() {
        var limits = new TransferLimits(256 * 1024, false, 128 * 1024);

        assertThat(BlockFormats.Format.of(new NvmeNamespace(1, 1000, 4096, MetadataFormat.NONE, 0, ""), limits)
                        .boundaryBlocks())
                .isEqualTo(32);
        assertThat(BlockFormats.Format.of(new NvmeNamespace(1, 1000, 4096, MetadataFormat.NONE, 8, ""), limits)
                        .boundaryBlocks())
                .isEqualTo(8);
    }
}
