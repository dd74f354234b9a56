package io.doorbell.subsystem;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CommandsSupportedAndEffects;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.FeaturesSupportedAndEffects;
import io.doorbell.nvme.FirmwareSlotLog;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SupportedLogPages;
import io.doorbell.storage.TestRequest;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LogPageTest {
    private final Rig rig = new Rig().memory(1, 512, 4096).enabled();

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void everyPageThatIsListedCanBeReadAndNoOther() {
        var supported = rig.logPage(LogPageId.SUPPORTED_LOG_PAGES, SupportedLogPages.SIZE_BYTES);

        for (int lid = 0; lid <= 0xFF; lid++) {
            int status = rig.admin(rig.getLogPage(lid, 512, 0, true));
            boolean listed = SupportedLogPages.entry(supported, 0, lid) != 0;
            assertThat(status)
                    .as(LogPageId.name(lid))
                    .isEqualTo(listed ? Status.SUCCESS : Status.INVALID_LOG_PAGE | Status.DNR);
        }
    }

    @Test
    void smartCountsWhatHostsDid() {
        rig.nothing(2, 4096, 1 << 20);
        var path = rig.controller.openIoPath(rig.reactor);
        for (int i = 0; i < 3; i++) {
            assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.WRITE, 0, 100)))
                    .isZero();
        }
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 0, 1))).isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.COMPARE, 3000, 1)))
                .isZero();
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.FLUSH, 0, 1))).isZero();
        var other = rig.controller.openIoPath(rig.reactor);
        var large = TestRequest.blocks(NvmOpcode.READ, 0, 32);
        large.nsid = 2;
        for (int i = 0; i < 8; i++) {
            assertThat(rig.run(other, large)).isZero();
        }
        path.close(); // What a path did counts when it is gone too.

        var page = rig.logPage(LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES);

        assertThat(SmartLog.HOST_WRITE_COMMANDS.low(page)).isEqualTo(3);
        assertThat(SmartLog.HOST_READ_COMMANDS.low(page)).isEqualTo(1 + 1 + 8);
        assertThat(SmartLog.DATA_UNITS_WRITTEN.low(page)).as("153,600 bytes").isEqualTo(1);
        assertThat(SmartLog.DATA_UNITS_READ.low(page)).as("1,049,600 bytes").isEqualTo(3);
        assertThat(SmartLog.COMPOSITE_TEMPERATURE.get(page)).isEqualTo(IdentifyPages.NOMINAL_KELVIN);
        assertThat(SmartLog.CRITICAL_WARNING.get(page)).isZero();
        other.close();
    }

    @Test
    void smartDoesNotCountWhatWasRefused() {
        var path = rig.controller.openIoPath(rig.reactor);
        assertThat(rig.run(path, TestRequest.blocks(NvmOpcode.READ, 5000, 1))).isNotZero();
        var compare = TestRequest.blocks(NvmOpcode.COMPARE, 0, 1);
        var other = new byte[512];
        other[5] = 1;
        assertThat(Status.code(rig.run(path, compare, other))).isEqualTo(Status.COMPARE_FAILURE);

        var page = rig.logPage(LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES);

        assertThat(SmartLog.HOST_READ_COMMANDS.low(page)).isZero();
        path.close();
    }

    @Test
    void smartTellsHoursAndErrors() {
        rig.clock.now = rig.clock.now.plus(Duration.ofMinutes(150));
        rig.controller.error(1, 7, Status.UNRECOVERED_READ_ERROR, 99, 1);
        rig.controller.error(1, 8, Status.INVALID_FIELD, 0, 1);

        var page = rig.logPage(LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES);

        assertThat(SmartLog.POWER_ON_HOURS.low(page)).isEqualTo(2);
        assertThat(SmartLog.MEDIA_ERRORS.low(page)).isEqualTo(1);
        assertThat(SmartLog.ERROR_LOG_ENTRIES.low(page)).isEqualTo(2);
    }

    @Test
    void smartIsOfTheControllerOnly() {
        var request = rig.getLogPage(LogPageId.SMART_HEALTH_INFORMATION, 512, 0, true);
        request.nsid = 1;

        assertThat(rig.admin(request)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
    }

    @Test
    void warnsWhenAThresholdIsPassed() {
        rig.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 300);

        var page = rig.logPage(LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES);

        assertThat(SmartLog.CRITICAL_WARNING.get(page)).isEqualTo(SmartLog.WARNING_TEMPERATURE);
    }

    @Test
    void keepsTheLastErrorsTheNewestFirst() {
        for (int i = 1; i <= ErrorLog.ENTRIES + 5; i++) {
            rig.controller.error(2, i, Status.LBA_OUT_OF_RANGE | Status.DNR, 1000 + i, 1);
        }

        var page = rig.logPage(LogPageId.ERROR_INFORMATION, ErrorLog.ENTRIES * ErrorLogEntry.SIZE_BYTES);

        assertThat(ErrorLogEntry.ERROR_COUNT.get(page, 0)).isEqualTo(ErrorLog.ENTRIES + 5);
        assertThat(ErrorLogEntry.CID.get(page, 0)).isEqualTo(ErrorLog.ENTRIES + 5);
        assertThat(ErrorLogEntry.SQID.get(page, 0)).isEqualTo(2);
        assertThat(ErrorLogEntry.status(page, 0)).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);
        assertThat(ErrorLogEntry.LBA.get(page, 0)).isEqualTo(1000 + ErrorLog.ENTRIES + 5);
        long last = (ErrorLog.ENTRIES - 1L) * ErrorLogEntry.SIZE_BYTES;
        assertThat(ErrorLogEntry.ERROR_COUNT.get(page, last)).isEqualTo(6);
    }

    @Test
    void tellsItsOneFirmware() {
        var page = rig.logPage(LogPageId.FIRMWARE_SLOT_INFORMATION, FirmwareSlotLog.SIZE_BYTES);

        assertThat(FirmwareSlotLog.AFI.get(page)).isEqualTo(1);
        assertThat(FirmwareSlotLog.frs(1).get(page)).isEqualTo(NvmSubsystem.FIRMWARE_REVISION);
    }

    @Test
    void everyIoCommandThatIsListedIsAdmittedAndNoOther() {
        var page = rig.logPage(LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS, CommandsSupportedAndEffects.SIZE_BYTES);
        var path = rig.controller.openIoPath(rig.reactor);

        for (int opc = 0; opc <= 0xFF; opc++) {
            int status = path.admit(TestRequest.blocks(opc, 0, 1));
            boolean listed = CommandsSupportedAndEffects.io(page, 0, opc) != 0;
            assertThat(status)
                    .as(NvmOpcode.name(opc))
                    .isEqualTo(listed ? Status.SUCCESS : Status.INVALID_OPCODE | Status.DNR);
        }
        path.close();
    }

    @Test
    void everyFeatureThatIsListedCanBeAskedForAndNoOther() {
        var page = rig.logPage(
                LogPageId.FEATURE_IDENTIFIERS_SUPPORTED_AND_EFFECTS, FeaturesSupportedAndEffects.SIZE_BYTES);

        for (int fid = 0; fid <= 0xFF; fid++) {
            int cdw10 = fid | FeatureId.Select.SUPPORTED_CAPABILITIES << 8;
            int status = rig.admin(Rig.command(AdminOpcode.GET_FEATURES, 0, cdw10, 0));
            boolean listed = FeaturesSupportedAndEffects.entry(page, 0, fid) != 0;
            assertThat(status == 0).as(FeatureId.name(fid)).isEqualTo(listed);
        }
    }

    @Test
    void readsAPageFromAnOffsetAndZeroesBehindIt() {
        var whole = rig.logPage(LogPageId.FIRMWARE_SLOT_INFORMATION, 512).toArray(JAVA_BYTE);

        assertThat(rig.run(
                        rig.controller.adminPath(),
                        rig.getLogPage(LogPageId.FIRMWARE_SLOT_INFORMATION, 1024, 8, false),
                        filled(1024)))
                .isZero();

        assertThat(Arrays.copyOf(rig.data, 504)).isEqualTo(Arrays.copyOfRange(whole, 8, 512));
        assertThat(Arrays.copyOfRange(rig.data, 504, 1024)).containsOnly(0);
    }

    private static byte[] filled(int bytes) {
        var data = new byte[bytes];
        MemorySegment.ofArray(data).fill((byte) 0xEE);
        return data;
    }

    @Test
    void refusesOffsetsAndLengthsThatCannotBe() {
        int smart = LogPageId.SMART_HEALTH_INFORMATION;
        for (long offset : new long[] {516, 2, -4, 1L << 40}) {
            assertThat(rig.admin(rig.getLogPage(smart, 512, offset, true)))
                    .as("offset " + offset)
                    .isEqualTo(Status.INVALID_FIELD | Status.DNR);
        }
        assertThat(rig.admin(rig.getLogPage(smart, 4, 512, true)))
                .as("just behind")
                .isZero();
        var byIndex = rig.getLogPage(smart, 512, 0, true);
        byIndex.cdw14 = 1 << 23;
        assertThat(rig.admin(byIndex)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
        assertThat(rig.admin(rig.getLogPage(smart, Rig.MAX_TRANSFER_PAGES * 4096 + 4, 0, true)))
                .as("longer than a transfer")
                .isEqualTo(Status.INVALID_FIELD | Status.DNR);
        var longest = rig.getLogPage(smart, 4, 0, true);
        longest.cdw10 |= 0xFFFF << 16;
        longest.cdw11 = 0xFFFF;
        assertThat(rig.admin(longest)).isEqualTo(Status.INVALID_FIELD | Status.DNR);
    }
}
