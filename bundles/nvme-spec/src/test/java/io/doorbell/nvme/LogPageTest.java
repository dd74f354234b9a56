package io.doorbell.nvme;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class LogPageTest {
    private final MemorySegment page = MemorySegment.ofArray(new byte[4096]).fill((byte) 0xFF);

    @Test
    void errorEntriesAreWrittenWhole() {
        int status = Status.LBA_OUT_OF_RANGE | Status.DNR;

        ErrorLogEntry.encode(page, 64, 7, 1, 0x0102, status, 3, 0x1122_3344_5566_7788L, NvmOpcode.READ);

        assertThat(hex(60, 72))
                .isEqualTo("ffffffff"
                        + "0700000000000000" + "0100" + "0201" + "0081" + "ffff" + "8877665544332211" + "03000000"
                        + "00" + "00" + "00" + "02" + "00".repeat(31) + "01"
                        + "ffffffff");
        assertThat(ErrorLogEntry.status(page, 64)).isEqualTo(status);
        assertThat(ErrorLogEntry.ERROR_COUNT.get(page, 64)).isEqualTo(7);
        assertThat(ErrorLogEntry.LBA.get(page, 64)).isEqualTo(0x1122_3344_5566_7788L);
    }

    @Test
    void countsDataUnitsRoundedUp() {
        assertThat(SmartLog.dataUnits(0)).isZero();
        assertThat(SmartLog.dataUnits(1)).isEqualTo(1);
        assertThat(SmartLog.dataUnits(512_000)).isEqualTo(1);
        assertThat(SmartLog.dataUnits(512_001)).isEqualTo(2);
        assertThat(SmartLog.dataUnits(-1)).isEqualTo(36_028_797_018_964L);
    }

    @Test
    void firmwareSlotsAreSevenOfEightCharacters() {
        page.fill((byte) 0);
        FirmwareSlotLog.AFI.set(page, 1);
        FirmwareSlotLog.frs(1).set(page, "0.1.0");
        FirmwareSlotLog.frs(7).set(page, "old");

        assertThat(hex(0, 16)).isEqualTo("0100000000000000" + "302e312e30202020");
        assertThat(hex(56, 8)).isEqualTo("6f6c642020202020");
        assertThat(FirmwareSlotLog.frs(1).get(page)).isEqualTo("0.1.0");
        assertThatThrownBy(() -> FirmwareSlotLog.frs(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FirmwareSlotLog.frs(8)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void effectsOfAdminAndIoCommandsStandApart() {
        page.fill((byte) 0);
        CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.IDENTIFY, CommandsSupportedAndEffects.CSUPP);
        CommandsSupportedAndEffects.io(page, 0, NvmOpcode.WRITE, 3);
        CommandsSupportedAndEffects.io(page, 0, 255, 0x1234_5678);

        assertThat(hex(24, 4)).isEqualTo("01000000");
        assertThat(hex(1024 + 4, 4)).isEqualTo("03000000");
        assertThat(hex(2044, 8)).isEqualTo("78563412" + "00000000");
        assertThat(CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.IDENTIFY))
                .isEqualTo(1);
        assertThat(CommandsSupportedAndEffects.io(page, 0, NvmOpcode.WRITE)).isEqualTo(3);
        assertThat(CommandsSupportedAndEffects.io(page, 0, NvmOpcode.READ)).isZero();
        assertThatThrownBy(() -> CommandsSupportedAndEffects.admin(page, 0, 256))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void rangesOfDatasetManagementRoundTrip() {
        DatasetManagementRange.encode(page, 16, 5, -1, 0x1122_3344_5566_7788L);

        assertThat(hex(16, 17)).isEqualTo("05000000" + "ffffffff" + "8877665544332211" + "ff");
        assertThat(DatasetManagementRange.cattr(page, 16)).isEqualTo(5);
        assertThat(DatasetManagementRange.blockCount(page, 16)).isEqualTo(0xFFFF_FFFFL);
        assertThat(DatasetManagementRange.slba(page, 16)).isEqualTo(0x1122_3344_5566_7788L);
    }

    @Test
    void sglDescriptorsRoundTripAtAnyByte() {
        SglDescriptor.encode(
                page, 5, SglDescriptor.identifier(SglDescriptor.TYPE_SEGMENT, 0), 0x0102_0304L, 0x8000_0010);

        assertThat(hex(4, 18)).isEqualTo("ff" + "0403020100000000" + "10000080" + "000000" + "20" + "ff");
        assertThat(SglDescriptor.address(page, 5)).isEqualTo(0x0102_0304L);
        assertThat(SglDescriptor.length(page, 5)).isEqualTo(0x8000_0010L);
        assertThat(SglDescriptor.type(page, 5)).isEqualTo(SglDescriptor.TYPE_SEGMENT);
    }

    @Test
    void keyedSglDescriptorsHaveAShorterLengthAndAKey() {
        SglDescriptor.encodeKeyed(page, 1, SglDescriptor.SUBTYPE_INVALIDATE_KEY, -2, 0x0012_3456, 0xA1B2_C3D4);

        assertThat(hex(0, 18)).isEqualTo("ff" + "feffffffffffffff" + "563412" + "d4c3b2a1" + "4f" + "ff");
        assertThat(SglDescriptor.keyedLength(page, 1)).isEqualTo(0x0012_3456);
        assertThat(SglDescriptor.key(page, 1)).isEqualTo(0xA1B2_C3D4);
        assertThat(SglDescriptor.type(page, 1)).isEqualTo(SglDescriptor.TYPE_KEYED_DATA_BLOCK);
        assertThat(SglDescriptor.subtype(page, 1)).isEqualTo(SglDescriptor.SUBTYPE_INVALIDATE_KEY);
    }

    private String hex(long from, long length) {
        return HexFormat.of().formatHex(page.asSlice(from, length).toArray(JAVA_BYTE));
    }
}
