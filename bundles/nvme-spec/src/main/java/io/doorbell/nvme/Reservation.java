package io.doorbell.nvme;

/**
 * Fields of the reservation commands: who may read and write a namespace. NVMe Base 2.1 "Reservations", §7.5
 * "Reservation Acquire command" to §7.8 "Reservation Report command".
 *
 * <p>Data of Register and Acquire: two keys of eight bytes, the current one and then the new one, or the one to preempt.
 * Data of Release: the current key.
 */
public final class Reservation {
    /** Reservation Register Action, dword 10 bits 2:0. */
    public static final int REGISTER = 0;

    public static final int UNREGISTER = 1;
    public static final int REPLACE = 2;

    /** Reservation Acquire Action, dword 10 bits 2:0. */
    public static final int ACQUIRE = 0;

    public static final int PREEMPT = 1;
    public static final int PREEMPT_AND_ABORT = 2;

    /** Reservation Release Action, dword 10 bits 2:0. */
    public static final int RELEASE = 0;

    public static final int CLEAR = 1;

    public static final int ACTION_MASK = 7;

    /** Dword 10 bit 3: the current key is not looked at. Register alone allows it. */
    public static final int IGNORE_EXISTING_KEY = 1 << 3;

    /** Reservation Type, dword 10 bits 15:8 of Acquire and Release, and the report's. */
    public static final int WRITE_EXCLUSIVE = 1;

    public static final int EXCLUSIVE_ACCESS = 2;
    public static final int WRITE_EXCLUSIVE_REGISTRANTS_ONLY = 3;
    public static final int EXCLUSIVE_ACCESS_REGISTRANTS_ONLY = 4;
    public static final int WRITE_EXCLUSIVE_ALL_REGISTRANTS = 5;
    public static final int EXCLUSIVE_ACCESS_ALL_REGISTRANTS = 6;

    public static final int TYPE_SHIFT = 8;

    /** Change Persist Through Power Loss State, dword 10 bits 31:30 of Register. */
    public static final int PERSISTENCE_SHIFT = 30;

    public static final int PERSISTENCE_UNCHANGED = 0;
    public static final int PERSISTENCE_OFF = 2;
    public static final int PERSISTENCE_ON = 3;

    /** Extended Data Structure, dword 11 bit 0 of Report: host identifiers of 128 bits. */
    public static final int EXTENDED_DATA_STRUCTURE = 1;

    /** Bytes of a key. */
    public static final int KEY_BYTES = 8;

    public static final int REGISTER_DATA_BYTES = 2 * KEY_BYTES;
    public static final int ACQUIRE_DATA_BYTES = 2 * KEY_BYTES;
    public static final int RELEASE_DATA_BYTES = KEY_BYTES;

    /** CRKEY; the only key of Release. */
    public static final Field.U64 CRKEY = Field.u64(0);

    /** NRKEY of Register. */
    public static final Field.U64 NRKEY = Field.u64(8);

    /** PRKEY of Acquire. */
    public static final Field.U64 PRKEY = Field.u64(8);

    /** RESCAP of Identify Namespace: persists through power loss; then the six types; Ignore Existing Key as of 1.3. */
    public static final int RESCAP_PERSISTENCE = 1;

    public static final int RESCAP_ALL_TYPES = 0x7E;
    public static final int RESCAP_IGNORE_EXISTING_KEY_1_3 = 1 << 7;

    /** Bits of the feature Reservation Notification Mask: what a host does not want to be told of. */
    public static final int MASK_REGISTRATION_PREEMPTED = 1 << 1;

    public static final int MASK_RESERVATION_RELEASED = 1 << 2;
    public static final int MASK_RESERVATION_PREEMPTED = 1 << 3;

    /** Bit 0 of the feature Reservation Persistence. */
    public static final int PERSIST_THROUGH_POWER_LOSS = 1;

    private Reservation() {}

    public static boolean isType(int rtype) {
        return rtype >= WRITE_EXCLUSIVE && rtype <= EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
    }

    /** Whether every registrant holds it. */
    public static boolean isAllRegistrants(int rtype) {
        return rtype == WRITE_EXCLUSIVE_ALL_REGISTRANTS || rtype == EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
    }

    /** Whether registrants that do not hold it may do what its holder may. */
    public static boolean isRegistrantsOnly(int rtype) {
        return rtype == WRITE_EXCLUSIVE_REGISTRANTS_ONLY || rtype == EXCLUSIVE_ACCESS_REGISTRANTS_ONLY;
    }

    /** Whether those it keeps out may not read either. */
    public static boolean excludesReads(int rtype) {
        return rtype == EXCLUSIVE_ACCESS
                || rtype == EXCLUSIVE_ACCESS_REGISTRANTS_ONLY
                || rtype == EXCLUSIVE_ACCESS_ALL_REGISTRANTS;
    }

    /** The specification's name, for messages; 0 is none. */
    public static String typeName(int rtype) {
        return switch (rtype) {
            case 0 -> "None";
            case WRITE_EXCLUSIVE -> "Write Exclusive";
            case EXCLUSIVE_ACCESS -> "Exclusive Access";
            case WRITE_EXCLUSIVE_REGISTRANTS_ONLY -> "Write Exclusive - Registrants Only";
            case EXCLUSIVE_ACCESS_REGISTRANTS_ONLY -> "Exclusive Access - Registrants Only";
            case WRITE_EXCLUSIVE_ALL_REGISTRANTS -> "Write Exclusive - All Registrants";
            case EXCLUSIVE_ACCESS_ALL_REGISTRANTS -> "Exclusive Access - All Registrants";
            default -> String.format("Reservation Type %02Xh", rtype);
        };
    }
}
