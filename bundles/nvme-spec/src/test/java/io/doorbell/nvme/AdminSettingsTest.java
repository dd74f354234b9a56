package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Dwords typed from the specification's tables. */
class AdminSettingsTest {
    @Test
    void formatSettingsAreDwordTen() {
        var settings = new FormatSettings(0x25, true, 2, true, FormatSettings.USER_DATA_ERASE);

        // LBAFU 13:12 = 2, SES 11:9 = 1, PIL 8, PI 7:5 = 2, MSET 4, LBAFL 3:0 = 5.
        assertThat(settings.cdw10()).isEqualTo(0x2000 | 0x200 | 0x100 | 0x40 | 0x10 | 5);
        assertThat(FormatSettings.ofCdw10(settings.cdw10())).isEqualTo(settings);
        assertThat(FormatSettings.ofIndex(1).withSecureErase(2).cdw10()).isEqualTo(0x401);
        assertThatThrownBy(() -> FormatSettings.ofIndex(64)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void sanitizeSettingsAreDwordsTenAndEleven() {
        var overwrite = SanitizeSettings.overwrite(3, 0xA5A5_5A5A, true)
                .withUnrestricted(true)
                .withNoDeallocate(true);

        assertThat(overwrite.cdw10()).isEqualTo(3 | 1 << 3 | 3 << 4 | 1 << 8 | 1 << 9);
        assertThat(SanitizeSettings.of(overwrite.cdw10(), 0xA5A5_5A5A)).isEqualTo(overwrite);
        assertThat(SanitizeSettings.overwrite(16, 0, false).cdw10())
                .as("16 passes are 0")
                .isEqualTo(3);
        assertThat(SanitizeSettings.of(3, 0).overwritePasses()).isEqualTo(16);
        assertThat(SanitizeSettings.blockErase().cdw10()).isEqualTo(2);
        assertThat(SanitizeSettings.cryptoErase().cdw10()).isEqualTo(4);
        assertThat(SanitizeSettings.exitFailureMode().cdw10()).isEqualTo(1);
        assertThatThrownBy(() -> SanitizeSettings.overwrite(17, 0, false)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void firmwareCommitIsSlotAndAction() {
        int cdw10 = FirmwareCommitAction.cdw10(FirmwareCommitAction.ACTIVATE_NOW, 2, 0);

        assertThat(cdw10).isEqualTo(2 | 3 << 3);
        assertThat(FirmwareCommitAction.slot(cdw10)).isEqualTo(2);
        assertThat(FirmwareCommitAction.action(cdw10)).isEqualTo(3);
        assertThat(FirmwareCommitAction.cdw10(6, 0, 1)).isEqualTo(6 << 3 | 1 << 31);
    }

    @Test
    void selfTestResultsAreTwentyEightBytesEach() {
        assertThat(DeviceSelfTestLog.resultOffset(0)).isEqualTo(4);
        assertThat(DeviceSelfTestLog.resultOffset(19) + 28).isEqualTo(DeviceSelfTestLog.SIZE_BYTES);
        assertThatThrownBy(() -> DeviceSelfTestLog.resultOffset(20)).isInstanceOf(IllegalArgumentException.class);
        assertThat(DeviceSelfTestLog.SC.offset()).isEqualTo(25);
    }

    @Test
    void sanitizeStatusIsStatePassesAndGlobalDataErased() {
        var page = MemorySegment.ofArray(new byte[SanitizeStatusLog.SIZE_BYTES]);
        SanitizeStatusLog.SSTAT.set(page, SanitizeStatusLog.sstat(SanitizeStatusLog.SUCCEEDED, 5, true));

        assertThat(SanitizeStatusLog.SSTAT.get(page)).isEqualTo(1 | 5 << 3 | 1 << 8);
        assertThat(SanitizeStatusLog.state(page)).isEqualTo(SanitizeStatusLog.SUCCEEDED);
        assertThat(SanitizeStatusLog.passesCompleted(page)).isEqualTo(5);
        assertThat(SanitizeStatusLog.globalDataErased(page)).isTrue();
    }

    @Test
    void powerStatesScaleTheirWatts() {
        var page = MemorySegment.ofArray(new byte[IdentifyController.SIZE_BYTES]);
        int second = 2048 + 32;
        Field.u16(second).set(page, 900);
        Field.u8(second + 3).set(page, 2); // Non-operational, hundredths of a watt.
        Field.u32(second + 4).set(page, 5000);
        Field.u32(second + 8).set(page, 7000);
        Field.u8(second + 15).set(page, 3);
        Field.u16(second + 16).set(page, 50);
        Field.u8(second + 18).set(page, 1 << 6); // 0.0001 W

        var state = PowerState.of(page, 1);

        assertThat(state).isEqualTo(new PowerState(9.0, false, 5000, 7000, 0, 0, 0, 3, 0.005, 0));
    }
}
