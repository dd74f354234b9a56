package io.doorbell.host;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.ReservationReport;
import java.lang.foreign.MemorySegment;

/**
 * Fills commands that say who may read and write a namespace, for {@link QueuePair#submit}. NVMe Base 2.1 §7.5 "Reservation
 * Acquire command" to §7.8 "Reservation Report command". Codes are those of {@link Reservation}.
 *
 * <p>The data of each command is written by {@link #keys}, but for the report's, which
 * {@link ReservationReport#decode} reads. Stateless; the command and the data are the caller's.
 */
public final class ReservationCommands {
    private ReservationCommands() {}

    /**
     * Reservation Register; data: the current key and the new one.
     *
     * @param action {@link Reservation#REGISTER}, {@link Reservation#UNREGISTER} or {@link Reservation#REPLACE}
     * @param ignoreKey whether the current key need not fit
     * @param persistence {@link Reservation#PERSISTENCE_UNCHANGED}, {@code …_OFF} or {@code …_ON}
     */
    public static NvmCommand register(NvmCommand command, int nsid, int action, boolean ignoreKey, int persistence) {
        command.reset(NvmOpcode.RESERVATION_REGISTER, nsid);
        command.cdw10 = action
                | (ignoreKey ? Reservation.IGNORE_EXISTING_KEY : 0)
                | persistence << Reservation.PERSISTENCE_SHIFT;
        return command;
    }

    /**
     * Reservation Acquire; data: the current key and the key to preempt.
     *
     * @param action {@link Reservation#ACQUIRE}, {@link Reservation#PREEMPT} or {@link Reservation#PREEMPT_AND_ABORT}
     */
    public static NvmCommand acquire(NvmCommand command, int nsid, int action, int type) {
        command.reset(NvmOpcode.RESERVATION_ACQUIRE, nsid);
        command.cdw10 = action | type << Reservation.TYPE_SHIFT;
        return command;
    }

    /**
     * Reservation Release; data: the current key.
     *
     * @param action {@link Reservation#RELEASE} or {@link Reservation#CLEAR}
     * @param type what is released; not looked at by Clear
     */
    public static NvmCommand release(NvmCommand command, int nsid, int action, int type) {
        command.reset(NvmOpcode.RESERVATION_RELEASE, nsid);
        command.cdw10 = action | type << Reservation.TYPE_SHIFT;
        return command;
    }

    /**
     * Reservation Report.
     *
     * @param dataBytes a multiple of 4; what does not fit is cut off
     * @param extended whether host identifiers have 128 bits: as this host's has
     */
    public static NvmCommand report(NvmCommand command, int nsid, int dataBytes, boolean extended) {
        if (dataBytes < 4 || (dataBytes & 3) != 0) {
            throw new IllegalArgumentException("a reservation report of " + dataBytes + " bytes: a multiple of 4");
        }
        command.reset(NvmOpcode.RESERVATION_REPORT, nsid);
        command.cdw10 = dataBytes / 4 - 1;
        command.cdw11 = extended ? Reservation.EXTENDED_DATA_STRUCTURE : 0;
        return command;
    }

    /** Writes the keys of a command; Release takes the first alone. Returns how many bytes of data it has. */
    public static int keys(MemorySegment data, long offset, long current, long other) {
        Reservation.CRKEY.set(data, offset, current);
        Reservation.NRKEY.set(data, offset, other);
        return Reservation.REGISTER_DATA_BYTES;
    }
}
