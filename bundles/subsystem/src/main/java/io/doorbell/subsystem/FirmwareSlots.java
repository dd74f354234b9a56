package io.doorbell.subsystem;

import io.doorbell.nvme.FirmwareCommitAction;
import io.doorbell.nvme.FirmwareSlotLog;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * Firmware of a subsystem: slots, and an image that is being downloaded. NVMe Base 2.1 §3.11 "Firmware Update Process". Any
 * thread.
 *
 * <p>There is no firmware to run: what changes is the revision that the controllers report. An image is eight bytes
 * {@code DOORBELL}, eight of its revision in ASCII, padded with blanks, and whatever else. Slot 1 holds what the node was built
 * with and cannot be written; slots 2 and 3 are kept in memory, so they are empty again when the node restarts. All
 * controllers of the subsystem have the same firmware, and a controller level reset of one of them activates it for all.
 */
final class FirmwareSlots {
    static final int SLOTS = 3;

    /** FWUG: pieces begin at multiples of it. */
    static final int GRANULARITY_BYTES = 4096;

    static final int MAX_IMAGE_BYTES = 1 << 20;

    private static final byte[] MAGIC = "DOORBELL".getBytes(StandardCharsets.US_ASCII);
    private static final int REVISION_BYTES = 8;
    private static final int HEADER_BYTES = MAGIC.length + REVISION_BYTES;
    private static final int DWORD_BYTES = 4;
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;
    private static final int INVALID_SLOT = Status.INVALID_FIRMWARE_SLOT | Status.DNR;
    private static final int INVALID_IMAGE = Status.INVALID_FIRMWARE_IMAGE | Status.DNR;

    // Guarded by this.
    private final String[] revisions = new String[SLOTS + 1];
    private final TreeMap<Integer, byte[]> pieces = new TreeMap<>();
    private int active = 1;
    private int next;

    FirmwareSlots(String builtIn) {
        revisions[1] = builtIn;
    }

    synchronized String revision() {
        return revisions[active];
    }

    synchronized void writeTo(MemorySegment page) {
        FirmwareSlotLog.AFI.set(page, active | next << 4);
        for (int slot = 1; slot <= SLOTS; slot++) {
            if (revisions[slot] != null) {
                FirmwareSlotLog.frs(slot).set(page, revisions[slot]);
            }
        }
    }

    /** Bytes of a piece, from the command. */
    static long pieceBytes(NvmRequest request) {
        return (Integer.toUnsignedLong(request.cdw10) + 1) * DWORD_BYTES;
    }

    /** Firmware Image Download: a status. Pieces that overlap end the download, so that a host can begin it again. */
    synchronized int download(NvmRequest request) {
        long start = Integer.toUnsignedLong(request.cdw11) * DWORD_BYTES;
        int bytes = request.dataBytes;
        if (start % GRANULARITY_BYTES != 0 || start + bytes > MAX_IMAGE_BYTES) {
            return INVALID_FIELD;
        }
        int offset = (int) start;
        var before = pieces.lowerEntry(offset + bytes);
        if (before != null && before.getKey() + before.getValue().length > offset) {
            pieces.clear();
            return Status.OVERLAPPING_RANGE | Status.DNR;
        }
        var piece = new byte[bytes];
        request.copyFromHost(0, MemorySegment.ofArray(piece), 0, bytes);
        pieces.put(offset, piece);
        return Status.SUCCESS;
    }

    /** Firmware Commit: a status. {@code activated} is run when firmware was activated without a reset. */
    int commit(int cdw10, Runnable activated) {
        int action = FirmwareCommitAction.action(cdw10);
        int status;
        synchronized (this) {
            status = switch (action) {
                case FirmwareCommitAction.REPLACE, FirmwareCommitAction.REPLACE_AND_ACTIVATE ->
                    replace(slot(cdw10), action == FirmwareCommitAction.REPLACE_AND_ACTIVATE);
                case FirmwareCommitAction.ACTIVATE -> activateAtReset(FirmwareCommitAction.slot(cdw10));
                case FirmwareCommitAction.ACTIVATE_NOW -> activateNow(cdw10);
                default -> INVALID_FIELD; // There is no boot partition.
            };
        }
        if (status == Status.SUCCESS && action == FirmwareCommitAction.ACTIVATE_NOW) {
            activated.run();
        }
        return status;
    }

    /** The slot named, or the first that can be written and does not run. */
    private int slot(int cdw10) {
        int slot = FirmwareCommitAction.slot(cdw10);
        return slot != 0 ? slot : active == 2 ? 3 : 2;
    }

    private int replace(int slot, boolean activate) {
        if (slot < 2 || slot > SLOTS) {
            return INVALID_SLOT;
        }
        var revision = downloadedRevision();
        pieces.clear();
        if (revision == null) {
            return INVALID_IMAGE;
        }
        revisions[slot] = revision;
        if (activate) {
            next = slot;
        }
        return Status.SUCCESS;
    }

    private int activateAtReset(int slot) {
        if (slot < 1 || slot > SLOTS || revisions[slot] == null) {
            return INVALID_SLOT;
        }
        next = slot;
        return Status.SUCCESS;
    }

    private int activateNow(int cdw10) {
        int slot = slot(cdw10);
        if (!pieces.isEmpty()) {
            int status = replace(slot, false);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        int status = activateAtReset(slot);
        activateNext();
        return status;
    }

    /** The revision of a whole and valid image, or null. */
    private String downloadedRevision() {
        int end = 0;
        for (var piece : pieces.entrySet()) {
            if (piece.getKey() != end) {
                return null;
            }
            end += piece.getValue().length;
        }
        var first = pieces.get(0);
        if (first == null
                || first.length < HEADER_BYTES
                || !Arrays.equals(first, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            return null;
        }
        var revision = new String(first, MAGIC.length, REVISION_BYTES, StandardCharsets.ISO_8859_1);
        boolean printable = revision.chars().allMatch(c -> c >= ' ' && c <= '~');
        return printable && !revision.isBlank() ? revision.stripTrailing() : null;
    }

    /** A controller level reset: what waits for it runs from now on, and a download that was not committed is dropped. */
    synchronized void reset() {
        pieces.clear();
        activateNext();
    }

    private void activateNext() {
        if (next != 0) {
            active = next;
            next = 0;
        }
    }
}
