package io.doorbell.nvme;

import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.Field.U64;
import io.doorbell.nvme.Field.U8;

/**
 * Reservation Notification log page, 64 bytes: one notification, the oldest that was not read. NVMe Base 2.1 §5.1.12.1
 * "Reservation Notification (Log Page Identifier 80h)".
 */
public final class ReservationNotificationLog {
    public static final int SIZE_BYTES = 64;

    public static final U64 LPC = Field.u64(0); // log page count: how many there ever were; it wraps around 0
    public static final U8 RNLPT = Field.u8(8); // type
    public static final U8 NALP = Field.u8(9); // how many more are to be read
    public static final U32 NSID = Field.u32(12); // namespace

    /** RNLPT. */
    public static final int EMPTY = 0;

    public static final int REGISTRATION_PREEMPTED = 1;
    public static final int RESERVATION_RELEASED = 2;
    public static final int RESERVATION_PREEMPTED = 3;

    /** NALP does not count higher. */
    public static final int MAX_COUNTED = 255;

    private ReservationNotificationLog() {}
}
