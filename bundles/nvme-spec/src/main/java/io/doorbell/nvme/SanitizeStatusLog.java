package io.doorbell.nvme;

import static io.doorbell.nvme.Field.u16;
import static io.doorbell.nvme.Field.u32;

import io.doorbell.nvme.Field.U16;
import io.doorbell.nvme.Field.U32;
import java.lang.foreign.MemorySegment;

/**
 * Sanitize Status log page, 512 bytes. NVMe Base 2.1 §5.1.12.1.33 "Sanitize Status (Log Page Identifier 81h)".
 */
public final class SanitizeStatusLog {
    public static final int SIZE_BYTES = 512;

    public static final U16 SPROG = u16(0); // progress in 65536ths; FFFFh when none is in progress
    public static final U16 SSTAT = u16(2); // state 2:0, overwrite passes completed 7:3, global data erased 8
    public static final U32 SCDW10 = u32(4); // dword 10 of the Sanitize command
    public static final U32 ETO = u32(8); // estimated seconds of an overwrite; FFFFFFFFh for not said
    public static final U32 ETBE = u32(12); // of a block erase
    public static final U32 ETCE = u32(16); // of a crypto erase
    public static final U32 ETOND = u32(20); // the same with No-Deallocate After Sanitize
    public static final U32 ETBEND = u32(24);
    public static final U32 ETCEND = u32(28);

    /** State of the last operation, SSTAT bits 2:0. */
    public static final int NEVER = 0;

    public static final int SUCCEEDED = 1;
    public static final int IN_PROGRESS = 2;
    public static final int FAILED = 3;
    /** Succeeded, and blocks were deallocated although the host asked for them not to be. */
    public static final int SUCCEEDED_DEALLOCATED = 4;

    /** SPROG while nothing is in progress. */
    public static final int NO_PROGRESS = 0xFFFF;

    /** An estimate that is not given. */
    public static final int NO_ESTIMATE = -1;

    private SanitizeStatusLog() {}

    public static int state(MemorySegment page) {
        return SSTAT.get(page) & 7;
    }

    public static int passesCompleted(MemorySegment page) {
        return SSTAT.get(page) >> 3 & 0x1F;
    }

    /** Nothing was written since the last successful sanitize, or since manufacture. */
    public static boolean globalDataErased(MemorySegment page) {
        return (SSTAT.get(page) >> 8 & 1) != 0;
    }

    public static int sstat(int state, int passesCompleted, boolean globalDataErased) {
        return state & 7 | (passesCompleted & 0x1F) << 3 | (globalDataErased ? 1 << 8 : 0);
    }
}
