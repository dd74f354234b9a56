package io.doorbell.admin;

import io.doorbell.admin.Report.Builder;
import io.doorbell.admin.Report.Cell;
import io.doorbell.admin.Report.Section;
import io.doorbell.host.admin.SelfTest;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CommandsSupportedAndEffects;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.Field.U128;
import io.doorbell.nvme.FirmwareSlotLog;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SanitizeSettings;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** Log pages. NVMe Base 2.1 §5.1.12 "Get Log Page command". */
final class LogSections {
    private static final Bits WARNINGS = Bits.of(
            0, "available spare is below its threshold",
            1, "temperature is beyond a threshold",
            2, "reliability is degraded",
            3, "media is read only",
            4, "volatile memory backup failed",
            5, "persistent memory region is unreliable");

    /** Errors that are shown; the page may have more. */
    private static final int MOST_ERRORS = 16;

    private LogSections() {}

    static Section smart(MemorySegment page) {
        var builder = new Builder("smart", "Health (SMART)")
                .flags("critical_warning", "Critical warning", "", SmartLog.CRITICAL_WARNING.get(page), 2, WARNINGS)
                .value(
                        "temperature",
                        "Temperature",
                        "",
                        SmartLog.COMPOSITE_TEMPERATURE.get(page),
                        Words.kelvin(SmartLog.COMPOSITE_TEMPERATURE.get(page)))
                .value(
                        "available_spare",
                        "Available spare",
                        "",
                        SmartLog.AVAILABLE_SPARE.get(page),
                        percent(SmartLog.AVAILABLE_SPARE.get(page)))
                .value(
                        "available_spare_threshold",
                        "Available spare threshold",
                        "",
                        SmartLog.AVAILABLE_SPARE_THRESHOLD.get(page),
                        percent(SmartLog.AVAILABLE_SPARE_THRESHOLD.get(page)))
                .value(
                        "percentage_used",
                        "Endurance used",
                        "",
                        SmartLog.PERCENTAGE_USED.get(page),
                        percent(SmartLog.PERCENTAGE_USED.get(page)));
        units(builder, page, "data_units_read", "Data read", SmartLog.DATA_UNITS_READ);
        units(builder, page, "data_units_written", "Data written", SmartLog.DATA_UNITS_WRITTEN);
        count(builder, page, "host_read_commands", "Read commands", SmartLog.HOST_READ_COMMANDS, "");
        count(builder, page, "host_write_commands", "Write commands", SmartLog.HOST_WRITE_COMMANDS, "");
        count(builder, page, "controller_busy_minutes", "Controller busy", SmartLog.CONTROLLER_BUSY_TIME, " min");
        count(builder, page, "power_cycles", "Power cycles", SmartLog.POWER_CYCLES, "");
        count(builder, page, "power_on_hours", "Power on", SmartLog.POWER_ON_HOURS, " h");
        count(builder, page, "unsafe_shutdowns", "Unsafe shutdowns", SmartLog.UNSAFE_SHUTDOWNS, "");
        count(builder, page, "media_errors", "Media errors", SmartLog.MEDIA_ERRORS, "");
        count(builder, page, "error_log_entries", "Errors ever", SmartLog.ERROR_LOG_ENTRIES, "");
        return builder.value(
                        "warning_temperature_minutes",
                        "Above the warning temperature",
                        "",
                        SmartLog.WARNING_TEMPERATURE_TIME.unsigned(page),
                        SmartLog.WARNING_TEMPERATURE_TIME.unsigned(page) + " min")
                .value(
                        "critical_temperature_minutes",
                        "Above the critical temperature",
                        "",
                        SmartLog.CRITICAL_TEMPERATURE_TIME.unsigned(page),
                        SmartLog.CRITICAL_TEMPERATURE_TIME.unsigned(page) + " min")
                .build();
    }

    private static String percent(int value) {
        return value + " %";
    }

    private static void count(Builder builder, MemorySegment page, String key, String label, U128 field, String unit) {
        var value = field.get(page);
        builder.value(key, label, "", value, Words.count(value) + unit);
    }

    private static void units(Builder builder, MemorySegment page, String key, String label, U128 field) {
        var value = field.get(page);
        builder.value(
                key,
                label,
                "",
                value,
                Words.count(value) + " units, "
                        + Words.bytes(value.multiply(BigInteger.valueOf(SmartLog.DATA_UNIT_BYTES))));
    }

    static Section errors(MemorySegment page) {
        var rows = new ArrayList<List<Cell>>();
        for (long at = 0; at < page.byteSize() && rows.size() < MOST_ERRORS; at += ErrorLogEntry.SIZE_BYTES) {
            long count = ErrorLogEntry.ERROR_COUNT.get(page, at);
            if (count == 0) {
                break;
            }
            int sqid = ErrorLogEntry.SQID.get(page, at);
            int cid = ErrorLogEntry.CID.get(page, at);
            rows.add(List.of(
                    Cell.of(Words.unsigned(count)),
                    new Cell(sqid, sqid == ErrorLogEntry.NO_COMMAND ? "-" : String.valueOf(sqid)),
                    new Cell(cid, cid == ErrorLogEntry.NO_COMMAND ? "-" : Words.hex(cid, 4)),
                    Cell.of(ErrorLogEntry.NSID.unsigned(page, at)),
                    Cell.of(Words.unsigned(ErrorLogEntry.LBA.get(page, at))),
                    Cell.of(new Status(ErrorLogEntry.status(page, at)).toString())));
        }
        var builder = new Builder("errors", rows.isEmpty() ? "Errors: none" : "Errors, the newest first");
        return builder.table(new Report.Table(
                        "entries",
                        List.of("count", "sqid", "cid", "nsid", "lba", "status"),
                        List.of("count", "queue", "command", "nsid", "LBA", "status"),
                        rows))
                .build();
    }

    static Section firmware(MemorySegment page) {
        int afi = FirmwareSlotLog.AFI.get(page);
        int active = afi & 7;
        int next = afi >> 4 & 7;
        var rows = new ArrayList<List<Cell>>();
        for (int slot = 1; slot <= FirmwareSlotLog.MAX_SLOTS; slot++) {
            var revision = Words.clean(FirmwareSlotLog.frs(slot).get(page));
            if (!revision.isEmpty()) {
                rows.add(List.of(
                        Cell.of(slot),
                        Cell.of(revision),
                        Cell.of(slot == active ? "runs" : slot == next ? "runs after the next reset" : "")));
            }
        }
        return new Builder("firmware", "Firmware slots")
                .table(new Report.Table(
                        "slots", List.of("slot", "revision", "state"), List.of("slot", "revision", ""), rows))
                .build();
    }

    static Section selfTest(MemorySegment page) {
        var report = SelfTest.report(page);
        var rows = new ArrayList<List<Cell>>();
        for (var result : report.results()) {
            rows.add(List.of(
                    Cell.of(DeviceSelfTestLog.codeName(result.code())),
                    Cell.of(DeviceSelfTestLog.resultName(result.result())
                            + (result.segment() == 0 ? "" : ", segment " + result.segment())),
                    Cell.of(Words.unsigned(result.powerOnHours())),
                    Cell.of(
                            result.nsid().isPresent()
                                    ? Integer.toUnsignedString(result.nsid().getAsInt())
                                    : "")));
        }
        var builder = new Builder("self_test", "Self-tests" + (rows.isEmpty() ? ": none" : ", the newest first"));
        if (report.running() != 0) {
            builder.value(
                    "running",
                    "Running",
                    "",
                    report.running(),
                    DeviceSelfTestLog.codeName(report.running()) + ", " + report.percent() + " % done");
        }
        return builder.table(new Report.Table(
                        "results",
                        List.of("test", "result", "power_on_hours", "nsid"),
                        List.of("test", "result", "at hour", "nsid"),
                        rows))
                .build();
    }

    static Section sanitize(MemorySegment page) {
        int state = SanitizeStatusLog.state(page);
        int cdw10 = SanitizeStatusLog.SCDW10.get(page);
        var builder = new Builder("sanitize", "Sanitize")
                .value("state", "Last operation", "SSTAT", state, state(state, cdw10));
        if (state == SanitizeStatusLog.IN_PROGRESS) {
            int progress = SanitizeStatusLog.SPROG.get(page);
            builder.value("progress", "Progress", "SPROG", progress, progress * 100 / 65_536 + " %");
        }
        boolean erased = SanitizeStatusLog.globalDataErased(page);
        return builder.value("global_data_erased", "Nothing written since", "SSTAT", erased, Words.yes(erased))
                .build();
    }

    private static String state(int state, int cdw10) {
        var name = SanitizeSettings.name(cdw10 & 7);
        return switch (state) {
            case SanitizeStatusLog.NEVER -> "never sanitized";
            case SanitizeStatusLog.SUCCEEDED -> name + " succeeded";
            case SanitizeStatusLog.IN_PROGRESS -> name + " is in progress";
            case SanitizeStatusLog.FAILED -> name + " failed";
            case SanitizeStatusLog.SUCCEEDED_DEALLOCATED -> name + " succeeded, and deallocated";
            default -> "state " + state;
        };
    }

    static Section effects(int csi, MemorySegment page) {
        var rows = new ArrayList<List<Cell>>();
        for (int opcode = 0; opcode <= 0xFF; opcode++) {
            effects(
                    rows,
                    "admin",
                    opcode,
                    AdminOpcode.name(opcode),
                    CommandsSupportedAndEffects.admin(page, 0, opcode));
        }
        for (int opcode = 0; opcode <= 0xFF; opcode++) {
            effects(rows, "I/O", opcode, NvmOpcode.name(opcode), CommandsSupportedAndEffects.io(page, 0, opcode));
        }
        return new Builder(
                        csi == IdentifyCns.CSI_NVM ? "commands" : "commands_of_set_" + csi,
                        csi == IdentifyCns.CSI_NVM ? "Commands" : "Commands of command set " + csi)
                .table(new Report.Table(
                        "supported",
                        List.of("set", "opcode", "name", "effects"),
                        List.of("set", "opcode", "command", "changes"),
                        rows))
                .build();
    }

    private static void effects(List<List<Cell>> rows, String set, int opcode, String name, int effects) {
        if ((effects & CommandsSupportedAndEffects.CSUPP) == 0) {
            return;
        }
        var words = new ArrayList<String>();
        if ((effects & CommandsSupportedAndEffects.LBCC) != 0) {
            words.add("data");
        }
        if ((effects & CommandsSupportedAndEffects.NCC) != 0) {
            words.add("namespace capabilities");
        }
        if ((effects & CommandsSupportedAndEffects.NIC) != 0) {
            words.add("namespace inventory");
        }
        if ((effects & CommandsSupportedAndEffects.CCC) != 0) {
            words.add("controller capabilities");
        }
        rows.add(List.of(
                Cell.of(set),
                new Cell(opcode, Words.hex(opcode, 2)),
                Cell.of(name),
                Cell.of(String.join(", ", words))));
    }
}
