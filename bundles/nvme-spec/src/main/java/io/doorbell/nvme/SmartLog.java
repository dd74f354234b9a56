package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u128;
import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;
import static io.doorbell.nvme.Field.u8;

import io.doorbell.nvme.Field.U128;
import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U8;

/**
 * SMART / Health Information log page, 512 bytes. NVMe Base 2.1 §5.1.12.1.3 "SMART / Health Information (Log Page Identifier
 * 02h)".
 */
public final class SmartLog {
    public static final int SIZE_BYTES = 512;

    public static final U8 CRITICAL_WARNING = u8(0);
    public static final U16 COMPOSITE_TEMPERATURE = u16(1); // kelvin
    public static final U8 AVAILABLE_SPARE = u8(3); // percent
    public static final U8 AVAILABLE_SPARE_THRESHOLD = u8(4); // percent
    public static final U8 PERCENTAGE_USED = u8(5);
    public static final U8 ENDURANCE_GROUP_WARNING = u8(6);
    public static final U128 DATA_UNITS_READ = u128(32); // in thousands of 512 bytes, rounded up
    public static final U128 DATA_UNITS_WRITTEN = u128(48);
    public static final U128 HOST_READ_COMMANDS = u128(64);
    public static final U128 HOST_WRITE_COMMANDS = u128(80);
    public static final U128 CONTROLLER_BUSY_TIME = u128(96); // minutes with an I/O command outstanding
    public static final U128 POWER_CYCLES = u128(112);
    public static final U128 POWER_ON_HOURS = u128(128);
    public static final U128 UNSAFE_SHUTDOWNS = u128(144);
    public static final U128 MEDIA_ERRORS = u128(160); // media and data integrity errors
    public static final U128 ERROR_LOG_ENTRIES = u128(176); // over the life of the controller
    public static final U32 WARNING_TEMPERATURE_TIME = u32(192); // minutes
    public static final U32 CRITICAL_TEMPERATURE_TIME = u32(196); // minutes
    public static final U16 TEMPERATURE_SENSOR_1 = u16(200); // kelvin; 0 for no sensor; seven more follow

    /** CRITICAL_WARNING bits. */
    public static final int WARNING_SPARE = 1;

    public static final int WARNING_TEMPERATURE = 1 << 1;
    public static final int WARNING_RELIABILITY = 1 << 2;
    public static final int WARNING_READ_ONLY = 1 << 3;
    public static final int WARNING_VOLATILE_BACKUP = 1 << 4;

    /** Bytes of one data unit. */
    public static final int DATA_UNIT_BYTES = 512 * 1000;

    private SmartLog() {}

    /** Data units in so many bytes, rounded up as the page wants it. */
    public static long dataUnits(long bytes) {
        return Long.divideUnsigned(bytes, DATA_UNIT_BYTES)
                + (Long.remainderUnsigned(bytes, DATA_UNIT_BYTES) == 0 ? 0 : 1);
    }
}
