package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;

/**
 * A Power State Descriptor of Identify Controller, 32 bytes. NVMe Base 2.1 §5.1.13.2.1, "Power State Descriptor Data
 * Structure".
 *
 * @param maxPowerWatts 0 where it is not said
 * @param operational whether I/O commands are processed in it
 * @param entryMicros how long it takes to enter, at most; 0 for not said
 * @param exitMicros how long it takes to leave, at most; 0 for not said
 * @param readThroughput relative to the other states, 0 best; so are the next three
 * @param idlePowerWatts 0 where it is not said
 * @param activePowerWatts 0 where it is not said
 */
public record PowerState(
        double maxPowerWatts,
        boolean operational,
        long entryMicros,
        long exitMicros,
        int readThroughput,
        int readLatency,
        int writeThroughput,
        int writeLatency,
        double idlePowerWatts,
        double activePowerWatts) {
    public static final int SIZE_BYTES = 32;
    public static final int MAX_STATES = 32;

    private static final int FIRST_BYTES = 2048;
    private static final Field.U16 MP = Field.u16(0);
    private static final Field.U8 FLAGS = Field.u8(3);
    private static final Field.U32 ENLAT = Field.u32(4);
    private static final Field.U32 EXLAT = Field.u32(8);
    private static final Field.U8 RRT = Field.u8(12);
    private static final Field.U8 RRL = Field.u8(13);
    private static final Field.U8 RWT = Field.u8(14);
    private static final Field.U8 RWL = Field.u8(15);
    private static final Field.U16 IDLP = Field.u16(16);
    private static final Field.U8 IPS = Field.u8(18);
    private static final Field.U16 ACTP = Field.u16(20);
    private static final Field.U8 APS = Field.u8(22);

    /** Power state {@code index} of an Identify Controller structure. */
    public static PowerState of(MemorySegment controller, int index) {
        if (index < 0 || index >= MAX_STATES) {
            throw new IllegalArgumentException("power states are 0 to " + (MAX_STATES - 1) + ", not " + index);
        }
        long start = FIRST_BYTES + (long) SIZE_BYTES * index;
        int flags = FLAGS.get(controller, start);
        return new PowerState(
                MP.get(controller, start) * ((flags & 1) != 0 ? 0.0001 : 0.01),
                (flags & 2) == 0,
                ENLAT.unsigned(controller, start),
                EXLAT.unsigned(controller, start),
                RRT.get(controller, start) & 0x1F,
                RRL.get(controller, start) & 0x1F,
                RWT.get(controller, start) & 0x1F,
                RWL.get(controller, start) & 0x1F,
                scaled(IDLP.get(controller, start), IPS.get(controller, start) >> 6),
                scaled(ACTP.get(controller, start), APS.get(controller, start) >> 6));
    }

    private static double scaled(int value, int scale) {
        return switch (scale) {
            case 1 -> value * 0.0001;
            case 2 -> value * 0.01;
            default -> 0;
        };
    }
}
