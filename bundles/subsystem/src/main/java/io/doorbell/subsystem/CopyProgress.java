package io.doorbell.subsystem;

import io.doorbell.nvme.CopyRange;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/**
 * The ranges of one Copy, copied from the host before they are checked, and how far it has come. NVM Command Set 1.1 §3.3.2
 * "Copy command".
 */
final class CopyProgress {
    private final MemorySegment table;
    private final int ranges;
    private final long destination;
    private final int sources;
    private int range;
    private int doneInRange;
    private int done;

    CopyProgress(NvmRequest request) {
        ranges = CopyRange.count(request.cdw12);
        destination = request.slba;
        sources = CopyRange.protectionOfSources(request.cdw12);
        table = MemorySegment.ofArray(new byte[ranges * CopyRange.SIZE_BYTES]);
        request.copyFromHost(0, table, 0, table.byteSize());
    }

    /** Whether all of it can be done. Nothing has been copied when it cannot. Returns a status. */
    int check(CheckedSession session) {
        int total = 0;
        for (int i = 0; i < ranges; i++) {
            int blocks = CopyRange.blockCount(table, offset(i));
            long slba = CopyRange.slba(table, offset(i));
            total += blocks;
            if (blocks > CheckedSession.MAX_RANGE_BLOCKS || total > CheckedSession.MAX_COPY_BLOCKS) {
                return Status.COMMAND_SIZE_LIMIT_EXCEEDED | Status.DNR;
            }
            if (slba < 0 || slba > session.blockCount - blocks) {
                return Status.LBA_OUT_OF_RANGE | Status.DNR;
            }
            int status = session.admitProtection(sources, slba, CopyRange.referenceTag(table, offset(i)));
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        if (destination > session.blockCount - total) {
            return Status.LBA_OUT_OF_RANGE | Status.DNR;
        }
        for (int i = 0; i < ranges; i++) {
            long slba = CopyRange.slba(table, offset(i));
            if (slba < destination + total && destination < slba + CopyRange.blockCount(table, offset(i))) {
                return Status.OVERLAPPING_IO_RANGE | Status.DNR;
            }
        }
        return Status.SUCCESS;
    }

    private static long offset(int index) {
        return (long) index * CopyRange.SIZE_BYTES;
    }

    void advance(int blocks) {
        done += blocks;
        doneInRange += blocks;
        if (leftInRange() == 0) {
            range++;
            doneInRange = 0;
        }
    }

    boolean isDone() {
        return range == ranges;
    }

    /** The one that is copied now. */
    int range() {
        return range;
    }

    int done() {
        return done;
    }

    int doneInRange() {
        return doneInRange;
    }

    int leftInRange() {
        return CopyRange.blockCount(table, offset(range)) - doneInRange;
    }

    /** The next block to read. */
    long source() {
        return CopyRange.slba(table, offset(range)) + doneInRange;
    }

    int protectionOfSources() {
        return sources;
    }

    int referenceTag() {
        return CopyRange.referenceTag(table, offset(range));
    }

    int applicationTags() {
        return CopyRange.applicationTags(table, offset(range));
    }
}
