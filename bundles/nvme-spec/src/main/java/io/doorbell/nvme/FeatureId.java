package io.doorbell.nvme;

/** Feature Identifiers of Get and Set Features. NVMe Base 2.1 §5.1.25 "Set Features command". */
public final class FeatureId {
    public static final int ARBITRATION = 0x01;
    public static final int POWER_MANAGEMENT = 0x02;
    public static final int LBA_RANGE_TYPE = 0x03;
    public static final int TEMPERATURE_THRESHOLD = 0x04;
    public static final int ERROR_RECOVERY = 0x05;
    public static final int VOLATILE_WRITE_CACHE = 0x06;
    public static final int NUMBER_OF_QUEUES = 0x07;
    public static final int INTERRUPT_COALESCING = 0x08;
    public static final int INTERRUPT_VECTOR_CONFIGURATION = 0x09;
    public static final int WRITE_ATOMICITY_NORMAL = 0x0A;
    public static final int ASYNCHRONOUS_EVENT_CONFIGURATION = 0x0B;
    public static final int AUTONOMOUS_POWER_STATE_TRANSITION = 0x0C;
    public static final int HOST_MEMORY_BUFFER = 0x0D;
    public static final int TIMESTAMP = 0x0E;
    public static final int KEEP_ALIVE_TIMER = 0x0F;
    public static final int HOST_CONTROLLED_THERMAL_MANAGEMENT = 0x10;
    public static final int NON_OPERATIONAL_POWER_STATE_CONFIG = 0x11;
    public static final int READ_RECOVERY_LEVEL_CONFIG = 0x12;
    public static final int PREDICTABLE_LATENCY_MODE_CONFIG = 0x13;
    public static final int PREDICTABLE_LATENCY_MODE_WINDOW = 0x14;
    public static final int LBA_STATUS_INFORMATION_ATTRIBUTES = 0x15;
    public static final int HOST_BEHAVIOR_SUPPORT = 0x16;
    public static final int SANITIZE_CONFIG = 0x17;
    public static final int ENDURANCE_GROUP_EVENT_CONFIGURATION = 0x18;
    public static final int IO_COMMAND_SET_PROFILE = 0x19;
    public static final int SPINUP_CONTROL = 0x1A;
    public static final int SOFTWARE_PROGRESS_MARKER = 0x80;
    public static final int HOST_IDENTIFIER = 0x81;
    public static final int RESERVATION_NOTIFICATION_MASK = 0x82;
    public static final int RESERVATION_PERSISTENCE = 0x83;
    public static final int NAMESPACE_WRITE_PROTECTION_CONFIG = 0x84;

    private FeatureId() {}

    /** The specification's name, for messages; unknown values come with their number. */
    public static String name(int fid) {
        return switch (fid) {
            case ARBITRATION -> "Arbitration";
            case POWER_MANAGEMENT -> "Power Management";
            case LBA_RANGE_TYPE -> "LBA Range Type";
            case TEMPERATURE_THRESHOLD -> "Temperature Threshold";
            case ERROR_RECOVERY -> "Error Recovery";
            case VOLATILE_WRITE_CACHE -> "Volatile Write Cache";
            case NUMBER_OF_QUEUES -> "Number of Queues";
            case INTERRUPT_COALESCING -> "Interrupt Coalescing";
            case INTERRUPT_VECTOR_CONFIGURATION -> "Interrupt Vector Configuration";
            case WRITE_ATOMICITY_NORMAL -> "Write Atomicity Normal";
            case ASYNCHRONOUS_EVENT_CONFIGURATION -> "Asynchronous Event Configuration";
            case AUTONOMOUS_POWER_STATE_TRANSITION -> "Autonomous Power State Transition";
            case HOST_MEMORY_BUFFER -> "Host Memory Buffer";
            case TIMESTAMP -> "Timestamp";
            case KEEP_ALIVE_TIMER -> "Keep Alive Timer";
            case HOST_CONTROLLED_THERMAL_MANAGEMENT -> "Host Controlled Thermal Management";
            case NON_OPERATIONAL_POWER_STATE_CONFIG -> "Non-Operational Power State Config";
            case READ_RECOVERY_LEVEL_CONFIG -> "Read Recovery Level Config";
            case PREDICTABLE_LATENCY_MODE_CONFIG -> "Predictable Latency Mode Config";
            case PREDICTABLE_LATENCY_MODE_WINDOW -> "Predictable Latency Mode Window";
            case LBA_STATUS_INFORMATION_ATTRIBUTES -> "LBA Status Information Attributes";
            case HOST_BEHAVIOR_SUPPORT -> "Host Behavior Support";
            case SANITIZE_CONFIG -> "Sanitize Config";
            case ENDURANCE_GROUP_EVENT_CONFIGURATION -> "Endurance Group Event Configuration";
            case IO_COMMAND_SET_PROFILE -> "I/O Command Set Profile";
            case SPINUP_CONTROL -> "Spinup Control";
            case SOFTWARE_PROGRESS_MARKER -> "Software Progress Marker";
            case HOST_IDENTIFIER -> "Host Identifier";
            case RESERVATION_NOTIFICATION_MASK -> "Reservation Notification Mask";
            case RESERVATION_PERSISTENCE -> "Reservation Persistence";
            case NAMESPACE_WRITE_PROTECTION_CONFIG -> "Namespace Write Protection Config";
            default -> String.format("Feature %02Xh", fid);
        };
    }

    /** Get Features, dword 10 bits 10:8: which value is asked for. */
    public static final class Select {
        public static final int CURRENT = 0;
        public static final int DEFAULT = 1;
        public static final int SAVED = 2;
        public static final int SUPPORTED_CAPABILITIES = 3;

        private Select() {}
    }

    /** Set Features, dword 10 bit 31: keep the value over resets and power cycles. */
    public static final int SAVE = 1 << 31;
}
