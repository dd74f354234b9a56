package io.doorbell.subsystem;

import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.ReservationNotificationLog;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * What one controller's host is to be told of reservations: the Reservation Notification log page, and what the host does
 * not want to hear. Any thread.
 */
final class ReservationNotices {
    /** Notices that wait to be read; of more than that the oldest go, and the host sees it in their count. */
    static final int MAX_WAITING = ReservationNotificationLog.MAX_COUNTED;

    private record Notice(long count, int type, int nsid) {}

    // Guarded by this.
    private final ArrayDeque<Notice> waiting = new ArrayDeque<>();
    private final byte[] masks = new byte[NvmSubsystem.MAX_NSID + 1];
    private long count;

    /** Returns whether the host is to be told. */
    synchronized boolean add(int nsid, int type) {
        if ((masks[nsid] & 1 << type) != 0) {
            return false;
        }
        if (waiting.size() == MAX_WAITING) {
            waiting.removeFirst();
        }
        // The count wraps around 0, which says that there is no notice.
        count = count == -1 ? 1 : count + 1;
        waiting.addLast(new Notice(count, type, nsid));
        return true;
    }

    /** The oldest notice; read it is gone, unless {@code retain}. Returns how many there are yet. */
    synchronized int writeTo(MemorySegment page, boolean retain) {
        var notice = retain ? waiting.peekFirst() : waiting.pollFirst();
        if (notice == null) {
            return 0;
        }
        int left = retain ? waiting.size() - 1 : waiting.size();
        ReservationNotificationLog.LPC.set(page, notice.count);
        ReservationNotificationLog.RNLPT.set(page, notice.type);
        ReservationNotificationLog.NALP.set(page, Math.min(left, ReservationNotificationLog.MAX_COUNTED));
        ReservationNotificationLog.NSID.set(page, notice.nsid);
        return left;
    }

    /** Reservation Notification Mask: of one namespace, or of all. */
    synchronized void mask(int nsid, int mask) {
        if (nsid == NamespaceList.BROADCAST_NSID) {
            Arrays.fill(masks, (byte) mask);
        } else {
            masks[nsid] = (byte) mask;
        }
    }

    synchronized int mask(int nsid) {
        return masks[nsid];
    }

    synchronized void reset() {
        waiting.clear();
        Arrays.fill(masks, (byte) 0);
    }
}
