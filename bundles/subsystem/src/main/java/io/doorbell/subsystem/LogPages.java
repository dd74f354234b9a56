package io.doorbell.subsystem;

import static io.doorbell.nvme.CommandsSupportedAndEffects.CCC;
import static io.doorbell.nvme.CommandsSupportedAndEffects.CSUPP;
import static io.doorbell.nvme.CommandsSupportedAndEffects.LBCC;
import static io.doorbell.nvme.CommandsSupportedAndEffects.NCC;
import static io.doorbell.nvme.CommandsSupportedAndEffects.NIC;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CommandsSupportedAndEffects;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.FeaturesSupportedAndEffects;
import io.doorbell.nvme.FirmwareSlotLog;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.ReservationNotificationLog;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.SupportedLogPages;
import io.doorbell.target.ControllerSetup;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

/** The log pages of a controller. NVMe Base 2.1 §5.1.12 "Get Log Page command". */
final class LogPages {
    private static final int[] SUPPORTED = {
        LogPageId.SUPPORTED_LOG_PAGES,
        LogPageId.ERROR_INFORMATION,
        LogPageId.SMART_HEALTH_INFORMATION,
        LogPageId.FIRMWARE_SLOT_INFORMATION,
        LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST,
        LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS,
        LogPageId.DEVICE_SELF_TEST,
        LogPageId.FEATURE_IDENTIFIERS_SUPPORTED_AND_EFFECTS,
        LogPageId.NVME_MI_COMMANDS_SUPPORTED_AND_EFFECTS,
        LogPageId.RESERVATION_NOTIFICATION,
        LogPageId.SANITIZE_STATUS,
        LogPageId.ASYMMETRIC_NAMESPACE_ACCESS
    };

    private static final int NVME_MI_COMMANDS_BYTES = 4096;

    private static final int AVAILABLE_SPARE_PERCENT = 100;
    private static final int SPARE_THRESHOLD_PERCENT = 10;

    private LogPages() {}

    /** Bytes of a page, -1 where there is none. */
    static int size(int lid, NvmController controller) {
        return switch (lid) {
            case LogPageId.ASYMMETRIC_NAMESPACE_ACCESS -> controller.reportsAccess() ? ControllerAccess.LOG_BYTES : -1;
            case LogPageId.SUPPORTED_LOG_PAGES -> SupportedLogPages.SIZE_BYTES;
            case LogPageId.ERROR_INFORMATION -> ErrorLog.ENTRIES * ErrorLogEntry.SIZE_BYTES;
            case LogPageId.SMART_HEALTH_INFORMATION -> SmartLog.SIZE_BYTES;
            case LogPageId.FIRMWARE_SLOT_INFORMATION -> FirmwareSlotLog.SIZE_BYTES;
            case LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST -> 4096;
            case LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS -> CommandsSupportedAndEffects.SIZE_BYTES;
            case LogPageId.FEATURE_IDENTIFIERS_SUPPORTED_AND_EFFECTS -> FeaturesSupportedAndEffects.SIZE_BYTES;
            case LogPageId.NVME_MI_COMMANDS_SUPPORTED_AND_EFFECTS -> NVME_MI_COMMANDS_BYTES;
            case LogPageId.DEVICE_SELF_TEST -> DeviceSelfTestLog.SIZE_BYTES;
            case LogPageId.SANITIZE_STATUS -> SanitizeStatusLog.SIZE_BYTES;
            case LogPageId.RESERVATION_NOTIFICATION -> ReservationNotificationLog.SIZE_BYTES;
            default -> -1;
        };
    }

    static void supportedLogPages(MemorySegment page, NvmController controller) {
        for (int lid : SUPPORTED) {
            if (size(lid, controller) >= 0) {
                SupportedLogPages.entry(page, 0, lid, SupportedLogPages.LSUPP);
            }
        }
    }

    /** With the commands that the transport executes, since a host sees one controller. */
    static void commands(MemorySegment page, ControllerSetup setup, int csi) {
        int[] admin = {
            AdminOpcode.GET_LOG_PAGE,
            AdminOpcode.IDENTIFY,
            AdminOpcode.ABORT,
            AdminOpcode.SET_FEATURES,
            AdminOpcode.GET_FEATURES,
            AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST,
            AdminOpcode.KEEP_ALIVE,
            AdminOpcode.FIRMWARE_IMAGE_DOWNLOAD,
            AdminOpcode.DEVICE_SELF_TEST,
            AdminOpcode.SECURITY_SEND,
            AdminOpcode.SECURITY_RECEIVE
        };
        for (int opcode : admin) {
            CommandsSupportedAndEffects.admin(page, 0, opcode, CSUPP);
        }
        CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.NAMESPACE_MANAGEMENT, CSUPP | NIC);
        CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.NAMESPACE_ATTACHMENT, CSUPP | NIC);
        CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.FORMAT_NVM, CSUPP | LBCC | NCC);
        CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.SANITIZE, CSUPP | LBCC);
        CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.FIRMWARE_COMMIT, CSUPP | CCC);
        if (setup.pci()) {
            CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.CREATE_IO_SUBMISSION_QUEUE, CSUPP);
            CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, CSUPP);
            CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.CREATE_IO_COMPLETION_QUEUE, CSUPP);
            CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.DELETE_IO_COMPLETION_QUEUE, CSUPP);
        }
        if (setup.doorbellBufferConfig()) {
            CommandsSupportedAndEffects.admin(page, 0, AdminOpcode.DOORBELL_BUFFER_CONFIG, CSUPP);
        }
        for (int opcode : new int[] {NvmOpcode.FLUSH, NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY}) {
            CommandsSupportedAndEffects.io(page, 0, opcode, CSUPP);
        }
        if (csi == IdentifyCns.CSI_ZONED) {
            CommandsSupportedAndEffects.io(page, 0, NvmOpcode.ZONE_APPEND, CSUPP | LBCC);
            CommandsSupportedAndEffects.io(page, 0, NvmOpcode.ZONE_MANAGEMENT_SEND, CSUPP | LBCC);
            CommandsSupportedAndEffects.io(page, 0, NvmOpcode.ZONE_MANAGEMENT_RECEIVE, CSUPP);
        }
        int[] reservations = {
            NvmOpcode.RESERVATION_REGISTER,
            NvmOpcode.RESERVATION_REPORT,
            NvmOpcode.RESERVATION_ACQUIRE,
            NvmOpcode.RESERVATION_RELEASE
        };
        for (int opcode : reservations) {
            CommandsSupportedAndEffects.io(page, 0, opcode, CSUPP);
        }
        for (int opcode : new int[] {NvmOpcode.WRITE, NvmOpcode.WRITE_ZEROES, NvmOpcode.DATASET_MANAGEMENT}) {
            CommandsSupportedAndEffects.io(page, 0, opcode, CSUPP | LBCC);
        }
        if (csi != IdentifyCns.CSI_ZONED) {
            // Not where there is a write pointer, of which these know nothing.
            CommandsSupportedAndEffects.io(page, 0, NvmOpcode.WRITE_UNCORRECTABLE, CSUPP | LBCC);
            CommandsSupportedAndEffects.io(page, 0, NvmOpcode.COPY, CSUPP | LBCC);
        }
    }

    static void features(MemorySegment page, NvmController controller) {
        for (int fid = 0; fid <= 0xFF; fid++) {
            boolean ofReservations = ReservationFeatures.isOne(fid);
            if (ofReservations || controller.features().isSupported(fid)) {
                int scope = fid == FeatureId.ERROR_RECOVERY || ofReservations
                        ? FeaturesSupportedAndEffects.SCOPE_NAMESPACE
                        : FeaturesSupportedAndEffects.SCOPE_CONTROLLER;
                FeaturesSupportedAndEffects.entry(page, 0, fid, FeaturesSupportedAndEffects.FSUPP | scope);
            }
        }
    }

    /**
     * Commands and data are those of the controller, since it was made; the rest is of the subsystem's whole life. The temperature is a
     * constant, since there is no sensor.
     */
    static void smart(MemorySegment page, NvmController controller) {
        var counters = controller.wholeUsage();
        var subsystem = controller.subsystem();
        SmartLog.CRITICAL_WARNING.set(page, controller.criticalWarning());
        SmartLog.COMPOSITE_TEMPERATURE.set(page, IdentifyPages.NOMINAL_KELVIN);
        SmartLog.AVAILABLE_SPARE.set(page, AVAILABLE_SPARE_PERCENT);
        SmartLog.AVAILABLE_SPARE_THRESHOLD.set(page, SPARE_THRESHOLD_PERCENT);
        SmartLog.DATA_UNITS_READ.set(page, SmartLog.dataUnits(counters.readBytes()));
        SmartLog.DATA_UNITS_WRITTEN.set(page, SmartLog.dataUnits(counters.writtenBytes()));
        SmartLog.HOST_READ_COMMANDS.set(page, counters.readCommands());
        SmartLog.HOST_WRITE_COMMANDS.set(page, counters.writeCommands());
        SmartLog.CONTROLLER_BUSY_TIME.set(page, TimeUnit.NANOSECONDS.toMinutes(controller.busyNanos()));
        SmartLog.POWER_CYCLES.set(page, subsystem.life().powerCycles());
        SmartLog.POWER_ON_HOURS.set(page, subsystem.life().powerOnHours());
        SmartLog.UNSAFE_SHUTDOWNS.set(page, subsystem.life().unsafeShutdowns());
        SmartLog.MEDIA_ERRORS.set(page, controller.errors().mediaErrors());
        SmartLog.ERROR_LOG_ENTRIES.set(page, controller.errors().count());
    }
}
