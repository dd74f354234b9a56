package io.doorbell.backends;

import io.doorbell.nvme.DatasetManagementRange;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;

/**
 * The ranges of one Dataset Management command, copied from the host before they are checked, so that the host cannot
 * change them in between. Owner: whoever executes the command.
 */
final class DatasetRanges {
    private final long namespaceBlocks;
    private final MemorySegment table =
            MemorySegment.ofArray(new byte[DatasetManagementRange.MAX_RANGES * DatasetManagementRange.SIZE_BYTES]);
    private int count;

    DatasetRanges(long namespaceBlocks) {
        this.namespaceBlocks = namespaceBlocks;
    }

    /** Takes the ranges over. Returns a status, and with success every range lies in the namespace. */
    int load(NvmRequest request) {
        count = (request.cdw10 & 0xFF) + 1;
        request.copyFromHost(0, table, 0, (long) count * DatasetManagementRange.SIZE_BYTES);
        for (int i = 0; i < count; i++) {
            long first = slba(i);
            if (first < 0 || first > namespaceBlocks - blockCount(i)) {
                return Status.LBA_OUT_OF_RANGE | Status.DNR;
            }
        }
        return Status.SUCCESS;
    }

    /** Whether blocks are to be deallocated. Every other attribute is a hint about access patterns that nobody here uses. */
    static boolean deallocates(NvmRequest request) {
        return (request.cdw11 & DatasetManagementRange.ATTRIBUTE_DEALLOCATE) != 0;
    }

    /** The ranges as the specification lays them out. Returns their bytes. */
    int copyTo(MemorySegment target) {
        int bytes = count * DatasetManagementRange.SIZE_BYTES;
        MemorySegment.copy(table, 0, target, 0, bytes);
        return bytes;
    }

    void clear() {
        count = 0;
    }

    int count() {
        return count;
    }

    long slba(int index) {
        return DatasetManagementRange.slba(table, (long) index * DatasetManagementRange.SIZE_BYTES);
    }

    long blockCount(int index) {
        return DatasetManagementRange.blockCount(table, (long) index * DatasetManagementRange.SIZE_BYTES);
    }
}
