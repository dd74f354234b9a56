package io.doorbell.host.admin;

import io.doorbell.nvme.NamespaceList;

/**
 * Which log page, and which bytes of it. NVMe Base 2.1 §5.1.12 "Get Log Page command".
 *
 * @param nsid FFFFFFFFh for the controller
 * @param lsp Log Specific Parameter, 7 bits
 * @param lsi Log Specific Identifier
 * @param csi Command Set Identifier, where the page has one for each
 * @param offset first byte, a multiple of 4
 * @param bytes a multiple of 4, at least 4
 * @param retainEvent the event that led here stays masked, and may be read of again
 */
public record LogPage(int lid, int nsid, int lsp, int lsi, int csi, long offset, int bytes, boolean retainEvent) {

    public LogPage {
        if (lid < 0 || lid > 0xFF || lsp < 0 || lsp > 0x7F || lsi < 0 || lsi > 0xFFFF || csi < 0 || csi > 0xFF) {
            throw new IllegalArgumentException(
                    "log page " + lid + ", lsp " + lsp + ", lsi " + lsi + ", csi " + csi + ": 8, 7, 16 and 8 bits");
        }
        if (offset < 0 || (offset & 3) != 0 || bytes < 4 || (bytes & 3) != 0) {
            throw new IllegalArgumentException(
                    "log page bytes from " + offset + ", " + bytes + " of them: both in whole dwords, one at least");
        }
    }

    /** The first {@code bytes} of a page of the controller. */
    public static LogPage of(int lid, int bytes) {
        return new LogPage(lid, NamespaceList.BROADCAST_NSID, 0, 0, 0, 0, bytes, false);
    }

    public LogPage ofNamespace(int nsid) {
        return new LogPage(lid, nsid, lsp, lsi, csi, offset, bytes, retainEvent);
    }

    public LogPage withParameter(int lsp) {
        return new LogPage(lid, nsid, lsp, lsi, csi, offset, bytes, retainEvent);
    }

    public LogPage withIdentifier(int lsi) {
        return new LogPage(lid, nsid, lsp, lsi, csi, offset, bytes, retainEvent);
    }

    public LogPage ofCommandSet(int csi) {
        return new LogPage(lid, nsid, lsp, lsi, csi, offset, bytes, retainEvent);
    }

    public LogPage from(long offset) {
        return new LogPage(lid, nsid, lsp, lsi, csi, offset, bytes, retainEvent);
    }

    public LogPage retainingEvent() {
        return new LogPage(lid, nsid, lsp, lsi, csi, offset, bytes, true);
    }
}
