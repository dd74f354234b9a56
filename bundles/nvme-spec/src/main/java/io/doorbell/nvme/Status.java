package io.doorbell.nvme;

/**
 * The status field of a completion without its phase tag: SC bits 7:0, SCT 10:8, CRD 12:11, M 13, DNR 14. NVMe Base 2.1
 * §4.2.3 "Status Field Definition".
 *
 * <p>On the I/O path a status is the bare {@code int}, and the constants below are compared with it after
 * {@link #code} has taken CRD, M and DNR away. The record is for everything else: it keeps values nobody has a name
 * for, and prints all of them.
 */
public record Status(int raw) {
    /** More: the error log page has an entry on this command. */
    public static final int MORE = 1 << 13;

    /** Do Not Retry: the same command will fail again. */
    public static final int DNR = 1 << 14;

    private static final int RAW_MASK = 0x7FFF;
    private static final int CODE_MASK = 0x7FF;
    private static final int VENDOR_SPECIFIC_SC = 0xC0;
    private static final int VENDOR_SPECIFIC_SCT = 7;

    /** Status Code Type 0h: generic command status. */
    public static final int SUCCESS = 0x000;

    public static final int INVALID_OPCODE = 0x001;
    public static final int INVALID_FIELD = 0x002;
    public static final int COMMAND_ID_CONFLICT = 0x003;
    public static final int DATA_TRANSFER_ERROR = 0x004;
    public static final int ABORTED_POWER_LOSS = 0x005;
    public static final int INTERNAL_ERROR = 0x006;
    public static final int ABORTED_BY_REQUEST = 0x007;
    public static final int ABORTED_SQ_DELETION = 0x008;
    public static final int ABORTED_FAILED_FUSED = 0x009;
    public static final int ABORTED_MISSING_FUSED = 0x00A;
    public static final int INVALID_NAMESPACE_OR_FORMAT = 0x00B;
    public static final int COMMAND_SEQUENCE_ERROR = 0x00C;
    public static final int INVALID_SGL_SEGMENT_DESCRIPTOR = 0x00D;
    public static final int INVALID_NUMBER_OF_SGL_DESCRIPTORS = 0x00E;
    public static final int DATA_SGL_LENGTH_INVALID = 0x00F;
    public static final int METADATA_SGL_LENGTH_INVALID = 0x010;
    public static final int SGL_DESCRIPTOR_TYPE_INVALID = 0x011;
    public static final int INVALID_USE_OF_CONTROLLER_MEMORY_BUFFER = 0x012;
    public static final int PRP_OFFSET_INVALID = 0x013;
    public static final int ATOMIC_WRITE_UNIT_EXCEEDED = 0x014;
    public static final int OPERATION_DENIED = 0x015;
    public static final int SGL_OFFSET_INVALID = 0x016;
    public static final int HOST_IDENTIFIER_INCONSISTENT_FORMAT = 0x018;
    public static final int KEEP_ALIVE_TIMER_EXPIRED = 0x019;
    public static final int KEEP_ALIVE_TIMEOUT_INVALID = 0x01A;
    public static final int ABORTED_PREEMPT = 0x01B;
    public static final int SANITIZE_FAILED = 0x01C;
    public static final int SANITIZE_IN_PROGRESS = 0x01D;
    public static final int SGL_DATA_BLOCK_GRANULARITY_INVALID = 0x01E;
    public static final int COMMAND_NOT_SUPPORTED_FOR_QUEUE_IN_CMB = 0x01F;
    public static final int NAMESPACE_IS_WRITE_PROTECTED = 0x020;
    public static final int COMMAND_INTERRUPTED = 0x021;
    public static final int TRANSIENT_TRANSPORT_ERROR = 0x022;
    public static final int PROHIBITED_BY_LOCKDOWN = 0x023;
    public static final int ADMIN_COMMAND_MEDIA_NOT_READY = 0x024;
    public static final int LBA_OUT_OF_RANGE = 0x080;
    public static final int CAPACITY_EXCEEDED = 0x081;
    public static final int NAMESPACE_NOT_READY = 0x082;
    public static final int RESERVATION_CONFLICT = 0x083;
    public static final int FORMAT_IN_PROGRESS = 0x084;

    /** Status Code Type 1h: command specific status. From 80h on, those of the NVM command set. */
    public static final int COMPLETION_QUEUE_INVALID = 0x100;

    public static final int INVALID_QUEUE_IDENTIFIER = 0x101;
    public static final int INVALID_QUEUE_SIZE = 0x102;
    public static final int ABORT_COMMAND_LIMIT_EXCEEDED = 0x103;
    public static final int ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED = 0x105;
    public static final int INVALID_FIRMWARE_SLOT = 0x106;
    public static final int INVALID_FIRMWARE_IMAGE = 0x107;
    public static final int INVALID_INTERRUPT_VECTOR = 0x108;
    public static final int INVALID_LOG_PAGE = 0x109;
    public static final int INVALID_FORMAT = 0x10A;
    public static final int FIRMWARE_NEEDS_CONVENTIONAL_RESET = 0x10B;
    public static final int INVALID_QUEUE_DELETION = 0x10C;
    public static final int FEATURE_NOT_SAVEABLE = 0x10D;
    public static final int FEATURE_NOT_CHANGEABLE = 0x10E;
    public static final int FEATURE_NOT_NAMESPACE_SPECIFIC = 0x10F;
    public static final int FIRMWARE_NEEDS_SUBSYSTEM_RESET = 0x110;
    public static final int FIRMWARE_NEEDS_CONTROLLER_RESET = 0x111;
    public static final int FIRMWARE_NEEDS_MAXIMUM_TIME_VIOLATION = 0x112;
    public static final int FIRMWARE_ACTIVATION_PROHIBITED = 0x113;
    public static final int OVERLAPPING_RANGE = 0x114;
    public static final int NAMESPACE_INSUFFICIENT_CAPACITY = 0x115;
    public static final int NAMESPACE_IDENTIFIER_UNAVAILABLE = 0x116;
    public static final int NAMESPACE_ALREADY_ATTACHED = 0x118;
    public static final int NAMESPACE_IS_PRIVATE = 0x119;
    public static final int NAMESPACE_NOT_ATTACHED = 0x11A;
    public static final int THIN_PROVISIONING_NOT_SUPPORTED = 0x11B;
    public static final int CONTROLLER_LIST_INVALID = 0x11C;
    public static final int DEVICE_SELF_TEST_IN_PROGRESS = 0x11D;
    public static final int BOOT_PARTITION_WRITE_PROHIBITED = 0x11E;
    public static final int INVALID_CONTROLLER_IDENTIFIER = 0x11F;
    public static final int INVALID_SECONDARY_CONTROLLER_STATE = 0x120;
    public static final int INVALID_NUMBER_OF_CONTROLLER_RESOURCES = 0x121;
    public static final int INVALID_RESOURCE_IDENTIFIER = 0x122;
    public static final int SANITIZE_PROHIBITED_WHILE_PMR_ENABLED = 0x123;
    public static final int ANA_GROUP_IDENTIFIER_INVALID = 0x124;
    public static final int ANA_ATTACH_FAILED = 0x125;
    public static final int INSUFFICIENT_CAPACITY = 0x126;
    public static final int NAMESPACE_ATTACHMENT_LIMIT_EXCEEDED = 0x127;
    public static final int PROHIBITION_NOT_SUPPORTED = 0x128;
    public static final int IO_COMMAND_SET_NOT_SUPPORTED = 0x129;
    public static final int IO_COMMAND_SET_NOT_ENABLED = 0x12A;
    public static final int IO_COMMAND_SET_COMBINATION_REJECTED = 0x12B;
    public static final int INVALID_IO_COMMAND_SET = 0x12C;
    public static final int IDENTIFIER_UNAVAILABLE = 0x12D;
    public static final int CONFLICTING_ATTRIBUTES = 0x180;
    public static final int INVALID_PROTECTION_INFORMATION = 0x181;
    public static final int WRITE_TO_READ_ONLY_RANGE = 0x182;
    public static final int COMMAND_SIZE_LIMIT_EXCEEDED = 0x183;
    public static final int OVERLAPPING_IO_RANGE = 0x187;
    public static final int ZONE_BOUNDARY_ERROR = 0x1B8;
    public static final int ZONE_IS_FULL = 0x1B9;
    public static final int ZONE_IS_READ_ONLY = 0x1BA;
    public static final int ZONE_IS_OFFLINE = 0x1BB;
    public static final int ZONE_INVALID_WRITE = 0x1BC;
    public static final int TOO_MANY_ACTIVE_ZONES = 0x1BD;
    public static final int TOO_MANY_OPEN_ZONES = 0x1BE;
    public static final int INVALID_ZONE_STATE_TRANSITION = 0x1BF;

    /** Status Code Type 2h: media and data integrity errors. */
    public static final int WRITE_FAULT = 0x280;

    public static final int UNRECOVERED_READ_ERROR = 0x281;
    public static final int GUARD_CHECK_ERROR = 0x282;
    public static final int APPLICATION_TAG_CHECK_ERROR = 0x283;
    public static final int REFERENCE_TAG_CHECK_ERROR = 0x284;
    public static final int COMPARE_FAILURE = 0x285;
    public static final int ACCESS_DENIED = 0x286;
    public static final int DEALLOCATED_OR_UNWRITTEN_BLOCK = 0x287;
    public static final int STORAGE_TAG_CHECK_ERROR = 0x288;

    /** Status Code Type 3h: path related status. */
    public static final int INTERNAL_PATH_ERROR = 0x300;

    public static final int ASYMMETRIC_ACCESS_PERSISTENT_LOSS = 0x301;
    public static final int ASYMMETRIC_ACCESS_INACCESSIBLE = 0x302;
    public static final int ASYMMETRIC_ACCESS_TRANSITION = 0x303;
    public static final int CONTROLLER_PATHING_ERROR = 0x360;
    public static final int HOST_PATHING_ERROR = 0x370;
    public static final int ABORTED_BY_HOST = 0x371;

    public Status {
        if ((raw & ~RAW_MASK) != 0) {
            throw new IllegalArgumentException(
                    "a status has 15 bits, without the phase tag: 0x" + Integer.toHexString(raw));
        }
    }

    /** SCT and SC alone: what the constants of this class are compared with. */
    public static int code(int raw) {
        return raw & CODE_MASK;
    }

    /** The specification's name of {@code raw}, whatever its CRD, M and DNR. */
    public static String name(int raw) {
        var name = switch (raw >> 8 & 7) {
            case 0 -> genericName(raw & CODE_MASK);
            case 1 -> commandSpecificName(raw & CODE_MASK);
            case 2 -> mediaName(raw & CODE_MASK);
            case 3 -> pathName(raw & CODE_MASK);
            default -> null;
        };
        if (name != null) {
            return name;
        }
        var vendorSpecific = (raw >> 8 & 7) == VENDOR_SPECIFIC_SCT || (raw & 0xFF) >= VENDOR_SPECIFIC_SC;
        return vendorSpecific ? "Vendor Specific Status" : "Unknown Status";
    }

    /** Status Code. */
    public int sc() {
        return raw & 0xFF;
    }

    /** Status Code Type. */
    public int sct() {
        return raw >> 8 & 7;
    }

    /** Command Retry Delay: 0 for none, else which CRDT of Identify Controller tells how long to wait. */
    public int crd() {
        return raw >> 11 & 3;
    }

    public boolean more() {
        return (raw & MORE) != 0;
    }

    public boolean dnr() {
        return (raw & DNR) != 0;
    }

    public int code() {
        return code(raw);
    }

    public boolean isSuccess() {
        return code() == SUCCESS;
    }

    public String name() {
        return name(raw);
    }

    /** As in {@code LBA Out of Range (sct 0, sc 80h, DNR)}. */
    @Override
    public String toString() {
        return name()
                + " (sct " + sct() + String.format(", sc %02Xh", sc())
                + (crd() == 0 ? "" : ", crd " + crd())
                + (more() ? ", more" : "")
                + (dnr() ? ", DNR)" : ")");
    }

    private static String genericName(int code) {
        return switch (code) {
            case SUCCESS -> "Successful Completion";
            case INVALID_OPCODE -> "Invalid Command Opcode";
            case INVALID_FIELD -> "Invalid Field in Command";
            case COMMAND_ID_CONFLICT -> "Command ID Conflict";
            case DATA_TRANSFER_ERROR -> "Data Transfer Error";
            case ABORTED_POWER_LOSS -> "Commands Aborted due to Power Loss Notification";
            case INTERNAL_ERROR -> "Internal Error";
            case ABORTED_BY_REQUEST -> "Command Abort Requested";
            case ABORTED_SQ_DELETION -> "Command Aborted due to SQ Deletion";
            case ABORTED_FAILED_FUSED -> "Command Aborted due to Failed Fused Command";
            case ABORTED_MISSING_FUSED -> "Command Aborted due to Missing Fused Command";
            case INVALID_NAMESPACE_OR_FORMAT -> "Invalid Namespace or Format";
            case COMMAND_SEQUENCE_ERROR -> "Command Sequence Error";
            case INVALID_SGL_SEGMENT_DESCRIPTOR -> "Invalid SGL Segment Descriptor";
            case INVALID_NUMBER_OF_SGL_DESCRIPTORS -> "Invalid Number of SGL Descriptors";
            case DATA_SGL_LENGTH_INVALID -> "Data SGL Length Invalid";
            case METADATA_SGL_LENGTH_INVALID -> "Metadata SGL Length Invalid";
            case SGL_DESCRIPTOR_TYPE_INVALID -> "SGL Descriptor Type Invalid";
            case INVALID_USE_OF_CONTROLLER_MEMORY_BUFFER -> "Invalid Use of Controller Memory Buffer";
            case PRP_OFFSET_INVALID -> "PRP Offset Invalid";
            case ATOMIC_WRITE_UNIT_EXCEEDED -> "Atomic Write Unit Exceeded";
            case OPERATION_DENIED -> "Operation Denied";
            case SGL_OFFSET_INVALID -> "SGL Offset Invalid";
            case HOST_IDENTIFIER_INCONSISTENT_FORMAT -> "Host Identifier Inconsistent Format";
            case KEEP_ALIVE_TIMER_EXPIRED -> "Keep Alive Timer Expired";
            case KEEP_ALIVE_TIMEOUT_INVALID -> "Keep Alive Timeout Invalid";
            case ABORTED_PREEMPT -> "Command Aborted due to Preempt and Abort";
            case SANITIZE_FAILED -> "Sanitize Failed";
            case SANITIZE_IN_PROGRESS -> "Sanitize In Progress";
            case SGL_DATA_BLOCK_GRANULARITY_INVALID -> "SGL Data Block Granularity Invalid";
            case COMMAND_NOT_SUPPORTED_FOR_QUEUE_IN_CMB -> "Command Not Supported for Queue in CMB";
            case NAMESPACE_IS_WRITE_PROTECTED -> "Namespace is Write Protected";
            case COMMAND_INTERRUPTED -> "Command Interrupted";
            case TRANSIENT_TRANSPORT_ERROR -> "Transient Transport Error";
            case PROHIBITED_BY_LOCKDOWN -> "Command Prohibited by Command and Feature Lockdown";
            case ADMIN_COMMAND_MEDIA_NOT_READY -> "Admin Command Media Not Ready";
            case LBA_OUT_OF_RANGE -> "LBA Out of Range";
            case CAPACITY_EXCEEDED -> "Capacity Exceeded";
            case NAMESPACE_NOT_READY -> "Namespace Not Ready";
            case RESERVATION_CONFLICT -> "Reservation Conflict";
            case FORMAT_IN_PROGRESS -> "Format In Progress";
            default -> null;
        };
    }

    private static String commandSpecificName(int code) {
        return switch (code) {
            case COMPLETION_QUEUE_INVALID -> "Completion Queue Invalid";
            case INVALID_QUEUE_IDENTIFIER -> "Invalid Queue Identifier";
            case INVALID_QUEUE_SIZE -> "Invalid Queue Size";
            case ABORT_COMMAND_LIMIT_EXCEEDED -> "Abort Command Limit Exceeded";
            case ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED -> "Asynchronous Event Request Limit Exceeded";
            case INVALID_FIRMWARE_SLOT -> "Invalid Firmware Slot";
            case INVALID_FIRMWARE_IMAGE -> "Invalid Firmware Image";
            case INVALID_INTERRUPT_VECTOR -> "Invalid Interrupt Vector";
            case INVALID_LOG_PAGE -> "Invalid Log Page";
            case INVALID_FORMAT -> "Invalid Format";
            case FIRMWARE_NEEDS_CONVENTIONAL_RESET -> "Firmware Activation Requires Conventional Reset";
            case INVALID_QUEUE_DELETION -> "Invalid Queue Deletion";
            case FEATURE_NOT_SAVEABLE -> "Feature Identifier Not Saveable";
            case FEATURE_NOT_CHANGEABLE -> "Feature Not Changeable";
            case FEATURE_NOT_NAMESPACE_SPECIFIC -> "Feature Not Namespace Specific";
            case FIRMWARE_NEEDS_SUBSYSTEM_RESET -> "Firmware Activation Requires NVM Subsystem Reset";
            case FIRMWARE_NEEDS_CONTROLLER_RESET -> "Firmware Activation Requires Controller Level Reset";
            case FIRMWARE_NEEDS_MAXIMUM_TIME_VIOLATION -> "Firmware Activation Requires Maximum Time Violation";
            case FIRMWARE_ACTIVATION_PROHIBITED -> "Firmware Activation Prohibited";
            case OVERLAPPING_RANGE -> "Overlapping Range";
            case NAMESPACE_INSUFFICIENT_CAPACITY -> "Namespace Insufficient Capacity";
            case NAMESPACE_IDENTIFIER_UNAVAILABLE -> "Namespace Identifier Unavailable";
            case NAMESPACE_ALREADY_ATTACHED -> "Namespace Already Attached";
            case NAMESPACE_IS_PRIVATE -> "Namespace Is Private";
            case NAMESPACE_NOT_ATTACHED -> "Namespace Not Attached";
            case THIN_PROVISIONING_NOT_SUPPORTED -> "Thin Provisioning Not Supported";
            case CONTROLLER_LIST_INVALID -> "Controller List Invalid";
            case DEVICE_SELF_TEST_IN_PROGRESS -> "Device Self-test In Progress";
            case BOOT_PARTITION_WRITE_PROHIBITED -> "Boot Partition Write Prohibited";
            case INVALID_CONTROLLER_IDENTIFIER -> "Invalid Controller Identifier";
            case INVALID_SECONDARY_CONTROLLER_STATE -> "Invalid Secondary Controller State";
            case INVALID_NUMBER_OF_CONTROLLER_RESOURCES -> "Invalid Number of Controller Resources";
            case INVALID_RESOURCE_IDENTIFIER -> "Invalid Resource Identifier";
            case SANITIZE_PROHIBITED_WHILE_PMR_ENABLED ->
                "Sanitize Prohibited While Persistent Memory Region is Enabled";
            case ANA_GROUP_IDENTIFIER_INVALID -> "ANA Group Identifier Invalid";
            case ANA_ATTACH_FAILED -> "ANA Attach Failed";
            case INSUFFICIENT_CAPACITY -> "Insufficient Capacity";
            case NAMESPACE_ATTACHMENT_LIMIT_EXCEEDED -> "Namespace Attachment Limit Exceeded";
            case PROHIBITION_NOT_SUPPORTED -> "Prohibition of Command Execution Not Supported";
            case IO_COMMAND_SET_NOT_SUPPORTED -> "I/O Command Set Not Supported";
            case IO_COMMAND_SET_NOT_ENABLED -> "I/O Command Set Not Enabled";
            case IO_COMMAND_SET_COMBINATION_REJECTED -> "I/O Command Set Combination Rejected";
            case INVALID_IO_COMMAND_SET -> "Invalid I/O Command Set";
            case IDENTIFIER_UNAVAILABLE -> "Identifier Unavailable";
            default -> ioCommandSetName(code);
        };
    }

    /** Command specific statuses of the I/O command sets. */
    private static String ioCommandSetName(int code) {
        return switch (code) {
            case CONFLICTING_ATTRIBUTES -> "Conflicting Attributes";
            case INVALID_PROTECTION_INFORMATION -> "Invalid Protection Information";
            case WRITE_TO_READ_ONLY_RANGE -> "Attempted Write to Read Only Range";
            case COMMAND_SIZE_LIMIT_EXCEEDED -> "Command Size Limit Exceeded";
            case OVERLAPPING_IO_RANGE -> "Overlapping I/O Range";
            case ZONE_BOUNDARY_ERROR -> "Zoned Boundary Error";
            case ZONE_IS_FULL -> "Zone Is Full";
            case ZONE_IS_READ_ONLY -> "Zone Is Read Only";
            case ZONE_IS_OFFLINE -> "Zone Is Offline";
            case ZONE_INVALID_WRITE -> "Zone Invalid Write";
            case TOO_MANY_ACTIVE_ZONES -> "Too Many Active Zones";
            case TOO_MANY_OPEN_ZONES -> "Too Many Open Zones";
            case INVALID_ZONE_STATE_TRANSITION -> "Invalid Zone State Transition";
            default -> null;
        };
    }

    private static String mediaName(int code) {
        return switch (code) {
            case WRITE_FAULT -> "Write Fault";
            case UNRECOVERED_READ_ERROR -> "Unrecovered Read Error";
            case GUARD_CHECK_ERROR -> "End-to-end Guard Check Error";
            case APPLICATION_TAG_CHECK_ERROR -> "End-to-end Application Tag Check Error";
            case REFERENCE_TAG_CHECK_ERROR -> "End-to-end Reference Tag Check Error";
            case COMPARE_FAILURE -> "Compare Failure";
            case ACCESS_DENIED -> "Access Denied";
            case DEALLOCATED_OR_UNWRITTEN_BLOCK -> "Deallocated or Unwritten Logical Block";
            case STORAGE_TAG_CHECK_ERROR -> "End-to-End Storage Tag Check Error";
            default -> null;
        };
    }

    private static String pathName(int code) {
        return switch (code) {
            case INTERNAL_PATH_ERROR -> "Internal Path Error";
            case ASYMMETRIC_ACCESS_PERSISTENT_LOSS -> "Asymmetric Access Persistent Loss";
            case ASYMMETRIC_ACCESS_INACCESSIBLE -> "Asymmetric Access Inaccessible";
            case ASYMMETRIC_ACCESS_TRANSITION -> "Asymmetric Access Transition";
            case CONTROLLER_PATHING_ERROR -> "Controller Pathing Error";
            case HOST_PATHING_ERROR -> "Host Pathing Error";
            case ABORTED_BY_HOST -> "Command Aborted By Host";
            default -> null;
        };
    }
}
