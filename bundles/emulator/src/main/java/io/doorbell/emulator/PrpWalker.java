package io.doorbell.emulator;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.Status;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Physical Region Pages of a command. NVMe Base 2.1 §4.3.1 "Physical Region Page Entry and List".
 *
 * <p>PRP 1 may start anywhere in its page, at a dword. What is left is PRP 2 if it fits into one page, which PRP 2 then names; else
 * PRP 2 names a list, at a quadword anywhere in a page, whose last entry in a page leads to the next page of it while more
 * is left than that entry could name. Owner: the device's reactor.
 */
final class PrpWalker {
    private static final ValueLayout.OfLong ENTRY = JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DmaWindow data;
    private final DmaWindow lists;
    private final int pageBytes;

    PrpWalker(DmaWindow data, DmaWindow lists, int pageBytes) {
        this.data = data;
        this.lists = lists;
        this.pageBytes = pageBytes;
    }

    void refresh() {
        lists.refresh();
    }

    /** Adds the pieces of {@code request.dataBytes} bytes, 1 or more. Returns a status. */
    int walk(EmulatedRequest request, long prp1, long prp2) {
        if ((prp1 & PrpMath.ALIGNMENT_BYTES - 1) != 0) {
            return Status.PRP_OFFSET_INVALID;
        }
        int bytes = request.dataBytes;
        int first = PrpMath.firstPageBytes(prp1, bytes, pageBytes);
        if (!HostData.addRange(request, data, prp1, first)) {
            return Status.DATA_TRANSFER_ERROR;
        }
        int left = bytes - first;
        if (left == 0) {
            return Status.SUCCESS;
        }
        return left <= pageBytes ? page(request, prp2, left) : list(request, prp2, left);
    }

    private int page(EmulatedRequest request, long prp, int bytes) {
        if (!PrpMath.isPageAligned(prp, pageBytes)) {
            return Status.PRP_OFFSET_INVALID;
        }
        return HostData.addRange(request, data, prp, bytes) ? Status.SUCCESS : Status.DATA_TRANSFER_ERROR;
    }

    /** Ends: every page of a list but the first, which may begin at its last entry, names a page of data at least. */
    private int list(EmulatedRequest request, long list, int bytes) {
        if ((list & PrpMath.ENTRY_BYTES - 1) != 0) {
            return Status.PRP_OFFSET_INVALID;
        }
        long at = list;
        int left = bytes;
        while (true) {
            int entries = (pageBytes - PrpMath.offsetInPage(at, pageBytes)) / PrpMath.ENTRY_BYTES;
            int wanted = Math.ceilDiv(left, pageBytes);
            boolean chained = wanted > entries;
            int here = chained ? entries - 1 : wanted;
            int read = chained ? entries : wanted;
            if (!lists.find(at, (long) read * PrpMath.ENTRY_BYTES)) {
                return Status.DATA_TRANSFER_ERROR;
            }
            var segment = lists.segment;
            long offset = at - lists.start;
            for (int i = 0; i < here; i++) {
                int part = Math.min(left, pageBytes);
                int status = page(request, segment.get(ENTRY, offset + (long) i * PrpMath.ENTRY_BYTES), part);
                if (status != Status.SUCCESS) {
                    return status;
                }
                left -= part;
            }
            if (!chained) {
                return Status.SUCCESS;
            }
            at = segment.get(ENTRY, offset + (long) here * PrpMath.ENTRY_BYTES);
            if (!PrpMath.isPageAligned(at, pageBytes)) {
                return Status.PRP_OFFSET_INVALID;
            }
        }
    }
}
