package io.doorbell.tcp.host;

import io.doorbell.fabrics.host.HostLink;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import io.doorbell.tcp.Violation;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One connection to a target, from an initialized socket on: capsules and data out, completions and data in. What is received is {@link
 * PduParser}'s. NVMe over TCP Transport 1.1 §3.5 "Capsules and Data Transfer".
 *
 * <p>A command has a slot, and each slot a place for the headers that it sends. All memory is the controller's, seen through a view
 * of the lease; places are offsets in it, which are the "iova" of the driver above. So nothing here can be used once the lease's
 * arena is closed, not even by a thread that is in the middle of it.
 *
 * <p>Its user hears of answers inside {@link #receive} and {@link #endEarly}. Owner: one thread at a time.
 */
final class TcpLink extends HostLink {
    private static final int MAX_PARTS = 256;

    /** What one call sends at most, about: so that completions are not waited for by who has much to send. */
    private static final int SEND_BYTES = 1 << 20;

    /** Of a slot: a CapsuleCmd with padding, the digest of its data, an H2CData with padding. */
    static final int SLOT_BYTES = 512;

    private static final int DIGEST = 128;
    private static final int DATA_HEADER = 256;

    static final int CAPSULE_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_DATA_BLOCK, SglDescriptor.SUBTYPE_OFFSET);
    static final int TRANSPORT_SGL =
            SglDescriptor.identifier(SglDescriptor.TYPE_TRANSPORT_DATA_BLOCK, SglDescriptor.SUBTYPE_TRANSPORT);

    /** In {@link #active}: nobody. */
    static final int NONE = -1;

    // What a slot is doing on the wire, in {@link #state}.
    static final int TO_HOST = 1;
    static final int TO_CONTROLLER = 1 << 1;
    static final int IN_CAPSULE = 1 << 2;
    /** In the list of what is to be sent. */
    static final int QUEUED = 1 << 3;
    /** The target has what it needs to know of the command. */
    static final int SENT = 1 << 4;
    /** Ended by the target while something of it was still to be sent. */
    static final int EARLY = 1 << 5;
    /** What came as data is not what was sent. */
    static final int CORRUPT = 1 << 6;

    final Wire wire;
    final LinkSettings settings;
    final Digest digest;
    private final long slotBase;
    private final SocketVector out;
    private final PduParser parser;
    private User user;

    final int[] active;
    final int[] state;
    final long[] dataIova;

    /** Received, or asked for and sent. */
    final int[] moved;

    /** To which byte the target has asked for data. */
    final int[] askedTo;

    private final int[] tags;

    // What of a slot is to be sent now.
    private final int[] headBytes;
    private final boolean[] dataHeader;
    private final int[] sendFrom;
    private final int[] sendBytes;

    private final int[] ring;
    private int sendHead;
    private int sendTail;

    /** Bytes of the first that are sent already. */
    private int sent;

    private boolean blocked;
    private int early;
    private final int[] earlyStatus;
    private final long[] earlyResult;

    /**
     * @param base where the link's own memory begins, {@link #bytes} of it and those of the wire
     * @param slots a power of two
     */
    TcpLink(Wire wire, LinkSettings settings, LinkMemory view, long base, int slots) {
        super(view.segment(), slots);
        this.wire = wire;
        this.settings = settings;
        digest = view.digest();
        wire.use(view, base + bytes(slots));
        slotBase = base + PduParser.BYTES;
        out = view.vector(MAX_PARTS);
        parser = new PduParser(this, view.vector(MAX_PIECES + 2), base);
        active = new int[slots];
        Arrays.fill(active, NONE);
        state = new int[slots];
        dataIova = new long[slots];
        moved = new int[slots];
        askedTo = new int[slots];
        tags = new int[slots];
        headBytes = new int[slots];
        dataHeader = new boolean[slots];
        sendFrom = new int[slots];
        sendBytes = new int[slots];
        earlyStatus = new int[slots];
        earlyResult = new long[slots];
        ring = new int[slots];
    }

    /** Who hears what becomes of commands; before the first. */
    void use(User whose) {
        user = whose;
    }

    static long bytes(int slots) {
        return PduParser.BYTES + (long) slots * SLOT_BYTES;
    }

    @Override
    protected String network() {
        return "TCP";
    }

    @Override
    public long entry(int slot) {
        return slotBase + (long) slot * SLOT_BYTES + TcpPdu.ENTRY_OFFSET;
    }

    // ------ commands

    @Override
    public void describe(int slot, long iova, long bytes) {
        requireMemory(iova, bytes);
        dataIova[slot] = iova;
        dataBytes[slot] = (int) bytes;
        pieceCount[slot] = 0;
    }

    @Override
    protected void requireMemory(long iova, long bytes) {
        if (iova < 0 || iova > memory.byteSize() - bytes) {
            throw new IllegalArgumentException(
                    bytes + " bytes at " + Long.toHexString(iova) + "h are not memory of this controller");
        }
    }

    @Override
    public void seal(int slot, boolean toController) {
        long at = slotBase + (long) slot * SLOT_BYTES;
        int bytes = dataBytes[slot];
        boolean inCapsule = toController && bytes > 0 && bytes <= settings.inCapsuleBytes();
        // NVMe over TCP Transport 1.1 §3.5.1 "Command Capsules": how long data are; where they are is only for us to
        // know.
        SubmissionEntry.sgl1(memory, at + TcpPdu.ENTRY_OFFSET, inCapsule ? CAPSULE_SGL : TRANSPORT_SGL, 0, bytes);
        int hlen = TcpPdu.CAPSULE_CMD_BYTES;
        int head = hlen + settings.headerDigestBytes();
        int pdo = inCapsule ? settings.aligned(head) : 0;
        int flags = settings.headerFlag() | (inCapsule ? settings.dataFlag() : 0);
        int plen = inCapsule ? pdo + bytes + settings.dataDigestBytes() : head;
        TcpPdu.common(memory, at, TcpPdu.CAPSULE_CMD, flags, hlen, pdo, plen);
        sealHeader(at, hlen, inCapsule ? pdo : head);
        if (inCapsule && settings.dataDigest()) {
            TcpPdu.dword(memory, at + DIGEST, digestOf(slot, 0, bytes));
        }
        headBytes[slot] = inCapsule ? pdo : head;
        sendFrom[slot] = 0;
        sendBytes[slot] = inCapsule ? bytes : 0;
        state[slot] = bytes == 0 ? 0 : toController ? inCapsule ? TO_CONTROLLER | IN_CAPSULE : TO_CONTROLLER : TO_HOST;
    }

    /** The digest behind a header, and zeroes up to where the data begin. */
    private void sealHeader(long at, int hlen, int end) {
        int written = hlen;
        if (settings.headerDigest()) {
            TcpPdu.dword(memory, at + hlen, digest.of(at, hlen));
            written += TcpPdu.DIGEST_BYTES;
        }
        for (; written < end; written += Integer.BYTES) {
            TcpPdu.dword(memory, at + written, 0);
        }
    }

    @Override
    public void stage(int slot, int cid) {
        active[slot] = cid;
        moved[slot] = 0;
        askedTo[slot] = 0;
        dataHeader[slot] = false;
        state[slot] |= QUEUED;
        ring[sendTail++ & ring.length - 1] = slot;
    }

    @Override
    public int mark() {
        return sendTail;
    }

    @Override
    public void unstage(int mark) {
        while (sendTail != mark) {
            int slot = ring[--sendTail & ring.length - 1];
            state[slot] = 0;
            active[slot] = NONE;
        }
    }

    /** The command in this slot is in flight no more. */
    void end(int slot) {
        active[slot] = NONE;
        state[slot] = 0;
    }

    // ------ sending

    @Override
    public boolean hasToSend() {
        return sendHead != sendTail || wire.isPending();
    }

    /** Whether what is to be sent waits for room in the socket. */
    boolean isBlocked() {
        return blocked;
    }

    /** Sends what is staged, as far as there is room. Returns false when the connection has ended. */
    boolean flush() {
        if (!wire.drain()) {
            return false;
        }
        while (sendHead != sendTail) {
            gather();
            long wanted = out.bytes();
            int count = wire.send(out);
            if (count == TcpSocket.END) {
                return false;
            }
            if (count == TcpSocket.AGAIN) {
                blocked = true;
                return true;
            }
            advance(count);
            if (wire.isFull(count, wanted)) {
                blocked = true;
                return true;
            }
        }
        blocked = wire.isPending();
        return true;
    }

    private void gather() {
        out.clear();
        int skip = sent;
        for (int at = sendHead; at != sendTail && out.bytes() < SEND_BYTES; at++) {
            if (!add(ring[at & ring.length - 1], skip)) {
                return;
            }
            skip = 0;
        }
    }

    /** What is to be sent of one slot but its first bytes. Returns whether there was room for all of it. */
    private boolean add(int slot, int skipBytes) {
        long at = slotBase + (long) slot * SLOT_BYTES;
        int skip = skipBytes;
        int head = headBytes[slot];
        if (skip < head) {
            if (!out.add(at + (dataHeader[slot] ? DATA_HEADER : 0) + skip, head - skip)) {
                return false;
            }
            skip = 0;
        } else {
            skip -= head;
        }
        int data = sendBytes[slot];
        if (data == 0) {
            return true;
        }
        if (skip < data) {
            if (!addData(out, slot, sendFrom[slot] + skip, data - skip)) {
                return false;
            }
            skip = 0;
        } else {
            skip -= data;
        }
        return !settings.dataDigest() || out.add(at + DIGEST + skip, TcpPdu.DIGEST_BYTES - skip);
    }

    /** Adds where bytes of a slot's data are. Returns whether there was room for all of them. */
    boolean addData(SocketVector vector, int slot, int from, int count) {
        int pieces = pieceCount[slot];
        if (pieces == 0) {
            return vector.add(dataIova[slot] + from, count);
        }
        int skip = from;
        int left = count;
        for (int i = 0; left > 0; i++) {
            int size = pieceBytes(slot, i);
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            if (!vector.add(pieceIova(slot, i) + skip, part)) {
                return false;
            }
            left -= part;
            skip = 0;
        }
        return true;
    }

    /** Copies bytes that came into the buffer to where a slot's data are. */
    void copyData(int slot, long source, int from, int count) {
        if (pieceCount[slot] == 0) {
            MemorySegment.copy(memory, source, memory, dataIova[slot] + from, count);
            return;
        }
        int skip = from;
        int left = count;
        long at = source;
        for (int i = 0; left > 0; i++) {
            int size = pieceBytes(slot, i);
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            MemorySegment.copy(memory, at, memory, pieceIova(slot, i) + skip, part);
            at += part;
            left -= part;
            skip = 0;
        }
    }

    int digestOf(int slot, int from, int count) {
        if (pieceCount[slot] == 0) {
            return digest.of(dataIova[slot] + from, count);
        }
        digest.begin();
        int skip = from;
        int left = count;
        for (int i = 0; left > 0; i++) {
            int size = pieceBytes(slot, i);
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            digest.add(pieceIova(slot, i) + skip, part);
            left -= part;
            skip = 0;
        }
        return digest.end();
    }

    private void advance(int count) {
        sent += count;
        while (sendHead != sendTail) {
            int slot = ring[sendHead & ring.length - 1];
            int total = headBytes[slot] + sendBytes[slot] + (sendBytes[slot] > 0 ? settings.dataDigestBytes() : 0);
            if (sent < total) {
                return;
            }
            sent -= total;
            sendHead++;
            state[slot] = state[slot] & ~QUEUED | SENT;
            if (moved[slot] < askedTo[slot] && (state[slot] & EARLY) == 0) {
                sendMore(slot);
            }
        }
    }

    /** The target asks for data. It is checked. */
    void asked(int slot, int ttag, int from, int count) {
        tags[slot] = ttag;
        moved[slot] = from;
        askedTo[slot] = from + count;
        sendMore(slot);
    }

    /** One H2CData of what was asked for. */
    private void sendMore(int slot) {
        int from = moved[slot];
        int count = Math.min(askedTo[slot] - from, settings.maxDataBytes());
        boolean last = from + count == askedTo[slot];
        long at = slotBase + (long) slot * SLOT_BYTES + DATA_HEADER;
        int hlen = TcpPdu.DATA_BYTES;
        int pdo = settings.aligned(hlen + settings.headerDigestBytes());
        int flags = settings.headerFlag() | settings.dataFlag() | (last ? TcpPdu.LAST : 0);
        TcpPdu.common(memory, at, TcpPdu.H2C_DATA, flags, hlen, pdo, pdo + count + settings.dataDigestBytes());
        TcpPdu.range(memory, at, active[slot], tags[slot], from, count);
        sealHeader(at, hlen, pdo);
        if (settings.dataDigest()) {
            TcpPdu.dword(memory, at - DATA_HEADER + DIGEST, digestOf(slot, from, count));
        }
        headBytes[slot] = pdo;
        dataHeader[slot] = true;
        sendFrom[slot] = from;
        sendBytes[slot] = count;
        moved[slot] = from + count;
        state[slot] |= QUEUED;
        ring[sendTail++ & ring.length - 1] = slot;
    }

    // ------ receiving

    /**
     * Takes what has come.
     *
     * @param limit of commands that end
     * @return false when the connection has ended
     * @throws Violation when the target broke the protocol; {@link #terminate} tells it
     */
    boolean receive(int limit) {
        return parser.receive(limit);
    }

    /** Whether something that came was not looked at yet. */
    boolean hasReceived() {
        return parser.isBuffered() || wire.hasMore() || early > 0 && !hasToSend();
    }

    /** Whether a PDU has begun and not ended. */
    boolean isInside() {
        return parser.isInside();
    }

    /** The target has ended a command; the parser has checked that it is in flight. Returns whether it ends now. */
    boolean completed(int slot, int cid, int status, long result) {
        if ((state[slot] & QUEUED) != 0) {
            // What has begun to be sent goes on; its memory is used until then.
            state[slot] |= EARLY;
            earlyStatus[slot] = status;
            earlyResult[slot] = result;
            early++;
            return false;
        }
        end(slot);
        user.completed(slot, cid, status, result);
        return true;
    }

    boolean hasEarly() {
        return early > 0;
    }

    /** Ends commands that the target ended before all of them was sent, and that are sent now. */
    void endEarly() {
        for (int slot = 0; slot < state.length && early > 0; slot++) {
            if ((state[slot] & (EARLY | QUEUED)) == EARLY) {
                int cid = active[slot];
                early--;
                end(slot);
                user.completed(slot, cid, earlyStatus[slot], earlyResult[slot]);
            }
        }
    }

    /** Tells the target what it did wrong, as far as that can be sent at once, and says no more. */
    void terminate(Violation violation) {
        if (sent == 0) {
            out.clear();
            parser.termination(violation, out);
            // Best effort: it is gone, or it reads.
            wire.send(out);
        }
        wire.socket.shutdownOutput();
    }
}
