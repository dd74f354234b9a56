package io.doorbell.nvme;

/**
 * Asynchronous events: dword 0 of the completion of an Asynchronous Event Request. NVMe Base 2.1 §5.1.2 "Asynchronous
 * Event Request command".
 */
public record AsyncEvent(int dw0) {
    /** Event types, bits 2:0. */
    public static final int TYPE_ERROR = 0;

    public static final int TYPE_SMART = 1;
    public static final int TYPE_NOTICE = 2;
    public static final int TYPE_IMMEDIATE = 3;
    public static final int TYPE_ONE_SHOT = 4;
    public static final int TYPE_COMMAND_SET = 6;
    public static final int TYPE_VENDOR = 7;

    /** What happened, bits 15:8, when the type is an error. */
    public static final int ERROR_INVALID_DOORBELL_REGISTER = 0;

    public static final int ERROR_INVALID_DOORBELL_VALUE = 1;
    public static final int ERROR_DIAGNOSTIC_FAILURE = 2;
    public static final int ERROR_PERSISTENT_INTERNAL = 3;
    public static final int ERROR_TRANSIENT_INTERNAL = 4;
    public static final int ERROR_FIRMWARE_IMAGE_LOAD = 5;

    /** What happened when the type is SMART / health status. */
    public static final int SMART_RELIABILITY = 0;

    public static final int SMART_TEMPERATURE_THRESHOLD = 1;
    public static final int SMART_SPARE_BELOW_THRESHOLD = 2;

    /** What happened when the type is a notice. */
    public static final int NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED = 0;

    public static final int NOTICE_FIRMWARE_ACTIVATION_STARTING = 1;
    public static final int NOTICE_TELEMETRY_LOG_CHANGED = 2;
    public static final int NOTICE_ANA_CHANGE = 3;
    public static final int NOTICE_DISCOVERY_LOG_CHANGE = 0xF0;

    /** What happened when the type is one of the I/O command set. */
    public static final int COMMAND_SET_RESERVATION_LOG_AVAILABLE = 0;

    public static final int COMMAND_SET_SANITIZE_COMPLETED = 1;

    /**
     * Bits of the Asynchronous Event Configuration feature, dword 11, and (from bit 8 on) of OAES in Identify
     * Controller: which events a host wants, which a controller has. Bits 7:0 are the SMART critical warnings.
     */
    public static final int CONFIG_NAMESPACE_ATTRIBUTE_NOTICES = 1 << 8;

    public static final int CONFIG_FIRMWARE_ACTIVATION_NOTICES = 1 << 9;
    public static final int CONFIG_TELEMETRY_LOG_NOTICES = 1 << 10;
    public static final int CONFIG_ANA_CHANGE_NOTICES = 1 << 11;
    public static final int CONFIG_DISCOVERY_LOG_CHANGE_NOTICES = 1 << 31;

    /** Reading the log page {@code lid} clears the event, and only then may another of this type come. */
    public static AsyncEvent of(int type, int info, int lid) {
        return new AsyncEvent(dw0(type, info, lid));
    }

    public static int dw0(int type, int info, int lid) {
        return type & 7 | (info & 0xFF) << 8 | (lid & 0xFF) << 16;
    }

    public int type() {
        return dw0 & 7;
    }

    public int info() {
        return dw0 >> 8 & 0xFF;
    }

    /** Log page that says more, and whose reading clears the event. */
    public int lid() {
        return dw0 >> 16 & 0xFF;
    }

    /** As in {@code notice 00h, log page Changed Attached Namespace List}. */
    @Override
    public String toString() {
        var type = switch (type()) {
            case TYPE_ERROR -> "error";
            case TYPE_SMART -> "SMART / health";
            case TYPE_NOTICE -> "notice";
            case TYPE_IMMEDIATE -> "immediate";
            case TYPE_ONE_SHOT -> "one-shot";
            case TYPE_COMMAND_SET -> "I/O command set";
            case TYPE_VENDOR -> "vendor specific";
            default -> "type " + type();
        };
        return String.format("%s %02Xh, log page %s", type, info(), LogPageId.name(lid()));
    }
}
