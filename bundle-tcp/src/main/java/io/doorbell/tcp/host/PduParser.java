package io.doorbell.tcp.host;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.Violation;
import java.lang.foreign.MemorySegment;

/**
 * What a target sends, taken apart. NVMe over TCP Transport 1.1 §3.6 "NVMe/TCP PDUs", with the checks of §3.4 "Error Handling Model":
 * nothing a target names is used before it is compared with what was asked of it.
 *
 * <p>Bytes come into a buffer, and data of which the beginning is there straight to their place. Where data are long the buffer is
 * offered little room, so that most of them come straight. Owner: that of the link.
 */
final class PduParser {
    private static final int RECEIVE_BYTES = 64 * 1024;

    /** Room behind long data: what a completion and the next header need. */
    private static final int SHORT_BYTES = 128;

    /** Data so long are better received straight, at the price of one more call. */
    private static final int LONG_DATA_BYTES = 16 * 1024;

    /** The longest header, with digest and padding. */
    private static final int MOST_HEADER_BYTES = 256;

    /** A TermReq of ours. */
    private static final int TERMINATION_BYTES = 256;

    /** Memory of a parser. */
    static final int BYTES = TERMINATION_BYTES + MOST_HEADER_BYTES + RECEIVE_BYTES;

    /** Calls in one poll. */
    private static final int CALLS = 4;

    private static final int HEADER = 0;
    private static final int DATA = 1;
    private static final int DATA_DIGEST = 2;

    private final TcpLink link;
    private final MemorySegment memory;
    private final SocketVector in;
    private final long terminationAt;
    private final long buffer;

    private int state = HEADER;

    /** What is in the buffer and not looked at. */
    private long position;

    private long end;

    /** Whose data come, where the next byte goes, how many are left, and where this PDU's began. */
    private int slot;

    private int dataAt;
    private int dataLeft;
    private int dataBegan;
    private boolean succeeds;

    /** Those of the latest data were long. */
    private boolean longData;

    private int ended;
    private boolean more;

    // The header that a violation is about.
    private long offending;
    private int offendingBytes;

    PduParser(TcpLink link, SocketVector in, long base) {
        this.link = link;
        this.in = in;
        memory = link.memory;
        terminationAt = base;
        buffer = base + TERMINATION_BYTES;
        position = buffer;
        end = buffer;
    }

    boolean isInside() {
        return state != HEADER || position != end;
    }

    /** Whether the last call left something that can be taken apart. */
    boolean isBuffered() {
        return more && position != end;
    }

    boolean receive(int limit) {
        ended = 0;
        if (isBuffered() && !parse(limit)) {
            return true;
        }
        for (int call = 0; call < CALLS; call++) {
            int straight = prepare();
            long wanted = in.bytes();
            int count = link.wire.receive(in);
            if (count == TcpSocket.END) {
                return false;
            }
            if (count == TcpSocket.AGAIN) {
                return true;
            }
            int data = Math.min(count, straight);
            dataAt += data;
            dataLeft -= data;
            end += count - data;
            if (!parse(limit) || count < wanted) {
                return true;
            }
        }
        return true;
    }

    /** Fills the vector. Returns how many bytes go straight to their place. */
    private int prepare() {
        in.clear();
        int rest = (int) (end - position);
        if (position != buffer) {
            if (rest > 0) {
                MemorySegment.copy(memory, position, memory, buffer, rest);
            }
            position = buffer;
            end = buffer + rest;
        }
        // What is in the buffer comes first; data are only awaited when it is empty.
        int straight = state == DATA ? dataLeft : 0;
        if (straight > 0) {
            link.addData(in, slot, dataAt, straight);
        }
        in.add(end, longData ? SHORT_BYTES : RECEIVE_BYTES + MOST_HEADER_BYTES - rest);
        return straight;
    }

    /** How many bytes the next step takes at least. */
    private int needed() {
        return switch (state) {
            case DATA -> 1;
            case DATA_DIGEST -> TcpPdu.DIGEST_BYTES;
            default -> headerBytes();
        };
    }

    /** Takes the buffer apart. Returns false when as many commands have ended as may. */
    private boolean parse(int limit) {
        more = false;
        while (true) {
            if (state == DATA) {
                takeData();
                if (dataLeft > 0) {
                    return true;
                }
                state = link.settings.dataDigest() ? DATA_DIGEST : HEADER;
                if (state == HEADER) {
                    dataEnds();
                }
            } else if (position == end || end - position < needed()) {
                return true;
            } else if (state == DATA_DIGEST) {
                if (TcpPdu.dword(memory, position) != link.digestOf(slot, dataBegan, dataAt - dataBegan)) {
                    link.state[slot] |= TcpLink.CORRUPT;
                }
                position += TcpPdu.DIGEST_BYTES;
                state = HEADER;
                dataEnds();
            } else {
                pdu(headerBytes());
            }
            if (ended >= limit) {
                more = true;
                return false;
            }
        }
    }

    private void takeData() {
        int part = (int) Math.min(dataLeft, end - position);
        if (part > 0) {
            link.copyData(slot, position, dataAt, part);
            position += part;
            dataAt += part;
            dataLeft -= part;
        }
    }

    private void dataEnds() {
        link.moved[slot] = dataAt;
        if (succeeds) {
            complete(slot, link.active[slot], 0, 0);
        }
    }

    /** The header that begins at the position, with digest and padding; or just more than there is. */
    private int headerBytes() {
        if (end - position < TcpPdu.COMMON_BYTES) {
            return TcpPdu.COMMON_BYTES;
        }
        offending = position;
        offendingBytes = TcpPdu.COMMON_BYTES;
        int type = TcpPdu.type(memory, position);
        int hlen = TcpPdu.hlen(memory, position);
        long plen = TcpPdu.plen(memory, position);
        int expected = switch (type) {
            case TcpPdu.CAPSULE_RESP -> TcpPdu.CAPSULE_RESP_BYTES;
            case TcpPdu.C2H_DATA -> TcpPdu.DATA_BYTES;
            case TcpPdu.R2T -> TcpPdu.R2T_BYTES;
            case TcpPdu.C2H_TERM_REQ -> TcpPdu.TERM_REQ_BYTES;
            case TcpPdu.ICRESP -> throw Violation.sequence("ICResp again");
            default -> throw Violation.field(TcpPdu.TYPE_OFFSET, TcpPdu.name(type) + " is nothing a target sends");
        };
        if (hlen != expected) {
            throw Violation.field(TcpPdu.HLEN_OFFSET, TcpPdu.name(type) + " with a header of " + hlen);
        }
        if (type == TcpPdu.C2H_TERM_REQ) {
            if (plen < hlen || plen > hlen + TcpPdu.TERM_REQ_DATA_BYTES) {
                throw Violation.field(TcpPdu.PLEN_OFFSET, "C2HTermReq of " + plen + " bytes");
            }
            return (int) plen;
        }
        int head = hlen + link.settings.headerDigestBytes();
        checkFlags(type, TcpPdu.flags(memory, position));
        if (type != TcpPdu.C2H_DATA) {
            if (plen != head) {
                throw Violation.field(TcpPdu.PLEN_OFFSET, TcpPdu.name(type) + " of " + plen + " bytes");
            }
            return head;
        }
        int pdo = TcpPdu.pdo(memory, position);
        if (pdo < head || pdo % Integer.BYTES != 0 || plen <= pdo + link.settings.dataDigestBytes()) {
            throw Violation.field(TcpPdu.PDO_OFFSET, "data at " + pdo + " of a C2HData of " + plen + " bytes");
        }
        return pdo;
    }

    private void checkFlags(int type, int flags) {
        int digests = link.settings.headerFlag() | (type == TcpPdu.C2H_DATA ? link.settings.dataFlag() : 0);
        int allowed = type == TcpPdu.C2H_DATA ? TcpPdu.LAST | TcpPdu.SUCCESS : 0;
        if ((flags & ~allowed) != digests || (flags & (TcpPdu.LAST | TcpPdu.SUCCESS)) == TcpPdu.SUCCESS) {
            throw Violation.field(TcpPdu.FLAGS_OFFSET, String.format("flags %02Xh of a %s", flags, TcpPdu.name(type)));
        }
    }

    /** Takes a PDU whose header is there. */
    private void pdu(int headerBytes) {
        long at = position;
        int type = TcpPdu.type(memory, at);
        int hlen = TcpPdu.hlen(memory, at);
        offending = at;
        offendingBytes = hlen;
        position += headerBytes;
        if (type == TcpPdu.C2H_TERM_REQ) {
            int fes = TcpPdu.fes(memory, at);
            throw new TerminatedException("the target ends the connection by " + TcpPdu.errorName(fes) + " at "
                    + Integer.toUnsignedString(TcpPdu.fei(memory, at)));
        }
        if (link.settings.headerDigest()) {
            int digest = TcpPdu.dword(memory, at + hlen);
            if (digest != link.digest.of(at, hlen)) {
                throw new Violation(TcpPdu.HEADER_DIGEST_ERROR, digest, "a header that is not what was sent");
            }
        }
        switch (type) {
            case TcpPdu.CAPSULE_RESP -> response(at);
            case TcpPdu.C2H_DATA -> data(at, TcpPdu.plen(memory, at) - headerBytes - link.settings.dataDigestBytes());
            default -> ready(at);
        }
    }

    private void response(long at) {
        long tail = TcpPdu.dword(memory, at + TcpPdu.ENTRY_OFFSET + 8) & 0xFFFF_FFFFL
                | (long) TcpPdu.dword(memory, at + TcpPdu.ENTRY_OFFSET + 12) << 32;
        long result = TcpPdu.dword(memory, at + TcpPdu.ENTRY_OFFSET) & 0xFFFF_FFFFL
                | (long) TcpPdu.dword(memory, at + TcpPdu.ENTRY_OFFSET + 4) << 32;
        int cid = CompletionEntry.cid(tail);
        int ofSlot = inFlight(cid, "a completion");
        if ((link.state[ofSlot] & TcpLink.SENT) == 0) {
            throw Violation.sequence(String.format("a completion of cid %04Xh, which was not sent yet", cid));
        }
        complete(ofSlot, cid, CompletionEntry.status(tail), result);
    }

    /** The slot of a command in flight, by its whole id. */
    private int inFlight(int cid, String what) {
        int ofSlot = cid & link.active.length - 1;
        if (link.active[ofSlot] != cid || (link.state[ofSlot] & TcpLink.EARLY) != 0) {
            throw Violation.field(
                    TcpPdu.CCCID_OFFSET,
                    String.format(
                            "%s of cid %04Xh, and no such command is in flight%s",
                            what,
                            cid,
                            link.active[ofSlot] == TcpLink.NONE
                                    ? ""
                                    : String.format(", but %04Xh in its place", link.active[ofSlot])));
        }
        return ofSlot;
    }

    private void complete(int ofSlot, int cid, int status, long result) {
        int known = link.state[ofSlot];
        int outcome = status;
        if (status == Status.SUCCESS) {
            if ((known & TcpLink.CORRUPT) != 0) {
                outcome = Status.TRANSIENT_TRANSPORT_ERROR;
            } else if ((known & (TcpLink.TO_HOST | TcpLink.TO_CONTROLLER)) != 0
                    && (known & TcpLink.IN_CAPSULE) == 0
                    && link.moved[ofSlot] != link.dataBytes(ofSlot)) {
                // It says that all is well, and has not moved what it was to move.
                outcome = Status.DATA_TRANSFER_ERROR;
            }
        }
        if (link.completed(ofSlot, cid, outcome, result)) {
            ended++;
        }
    }

    private void data(long at, long count) {
        int cid = TcpPdu.cccid(memory, at);
        int ofSlot = inFlight(cid, "data");
        long datao = TcpPdu.datao(memory, at);
        long datal = TcpPdu.datal(memory, at);
        if ((link.state[ofSlot] & (TcpLink.TO_HOST | TcpLink.SENT)) != (TcpLink.TO_HOST | TcpLink.SENT)) {
            throw Violation.field(TcpPdu.CCCID_OFFSET, String.format("data of cid %04Xh, which has none to give", cid));
        }
        if (datal != count) {
            throw Violation.field(TcpPdu.DATAL_OFFSET, datal + " bytes where there are " + count);
        }
        if (datao != link.moved[ofSlot] || datao + datal > link.dataBytes(ofSlot)) {
            throw new Violation(
                    TcpPdu.DATA_OUT_OF_RANGE,
                    TcpPdu.DATAO_OFFSET,
                    datal + " bytes at " + datao + " where " + link.moved[ofSlot] + " of " + link.dataBytes(ofSlot)
                            + " are there");
        }
        int flags = TcpPdu.flags(memory, at);
        boolean ends = (flags & TcpPdu.LAST) != 0;
        succeeds = (flags & TcpPdu.SUCCESS) != 0;
        if (ends != (datao + datal == link.dataBytes(ofSlot)) && (succeeds || !ends)) {
            throw Violation.field(
                    TcpPdu.FLAGS_OFFSET, succeeds ? "success, but not all data" : "all data, but not the last");
        }
        slot = ofSlot;
        dataAt = (int) datao;
        dataBegan = dataAt;
        dataLeft = (int) datal;
        longData = dataLeft >= LONG_DATA_BYTES;
        state = DATA;
    }

    private void ready(long at) {
        int cid = TcpPdu.cccid(memory, at);
        int ofSlot = inFlight(cid, "R2T");
        long from = TcpPdu.datao(memory, at);
        long count = TcpPdu.datal(memory, at);
        int known = link.state[ofSlot];
        if ((known & TcpLink.TO_CONTROLLER) == 0 || (known & TcpLink.IN_CAPSULE) != 0) {
            throw Violation.field(
                    TcpPdu.CCCID_OFFSET, String.format("R2T for cid %04Xh, which has no data to send", cid));
        }
        if ((known & (TcpLink.SENT | TcpLink.QUEUED)) != TcpLink.SENT) {
            throw new Violation(
                    TcpPdu.LIMIT_EXCEEDED,
                    TcpPdu.CCCID_OFFSET,
                    String.format("R2T for cid %04Xh before what it asked for was sent", cid));
        }
        if (count == 0 || from != link.moved[ofSlot] || from + count > link.dataBytes(ofSlot)) {
            throw new Violation(
                    TcpPdu.DATA_OUT_OF_RANGE,
                    TcpPdu.DATAO_OFFSET,
                    "R2T for " + count + " bytes at " + from + " where " + link.moved[ofSlot] + " of "
                            + link.dataBytes(ofSlot) + " were asked for");
        }
        link.asked(ofSlot, TcpPdu.ttag(memory, at), (int) from, (int) count);
    }

    /** Writes a TermReq with the header it is about. */
    void termination(Violation violation, SocketVector out) {
        int count = Math.min(offendingBytes, TcpPdu.TERM_REQ_DATA_BYTES);
        TcpPdu.termination(memory, terminationAt, TcpPdu.H2C_TERM_REQ, violation.fes, violation.fei, count);
        MemorySegment.copy(memory, offending, memory, terminationAt + TcpPdu.TERM_REQ_BYTES, count);
        out.add(terminationAt, TcpPdu.TERM_REQ_BYTES + count);
    }
}
