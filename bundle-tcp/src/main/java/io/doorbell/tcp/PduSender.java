package io.doorbell.tcp;

import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.MemorySegment;

/**
 * What a connection sends: the PDUs of its commands, in order, until the socket has them all. Owner: the reactor.
 *
 * <p>What is to be sent is a list of commands; the bytes are in each command's own part of the memory, and in its data. So the list is never
 * longer than there are commands, and a host that does not read makes only itself wait.
 */
final class PduSender {
    /** Answers that do not wait for the end of the cycle. */
    private static final int MUCH_BYTES = 256 << 10;

    private final TcpConnection connection;
    private final TcpReactor owner;
    private final TcpSocket socket;

    /** Null where nothing is encrypted. */
    private final TlsChannel tls;

    private final MemorySegment memory;
    private final SocketVector out;

    // As the connection was initialized.
    boolean headerDigest;
    boolean dataDigest;
    private int dataAlignment = 4;

    private TcpRequest first;
    private TcpRequest last;
    /** Bytes of the first that are sent already. */
    private int sent;

    /** Of all of them, but for those. */
    private int unsent;

    /** Until the socket has room again. */
    private boolean blocked;

    /** Bytes since somebody asked. */
    private long moved;

    // Cold.

    /** ICResp and TermReq, which are nobody's command, and may have to be sent one after the other. */
    private final TcpRequest initialization;

    private final TcpRequest termination;

    /**
     * @param initialization a place for ICResp
     * @param termination a place for TermReq
     */
    PduSender(TcpConnection connection, TlsChannel tls, TcpRequest initialization, TcpRequest termination) {
        this.connection = connection;
        this.tls = tls;
        this.initialization = initialization;
        this.termination = termination;
        owner = connection.owner;
        socket = connection.socket;
        memory = owner.memory;
        out = owner.out;
    }

    // What there is to send.

    /** Asks the host for the data of a Write. */
    void ask(TcpRequest request) {
        int hlen = TcpPdu.R2T_BYTES;
        TcpPdu.common(memory, request.head(), TcpPdu.R2T, digestFlag(), hlen, 0, hlen + digestBytes());
        TcpPdu.range(memory, request.head(), request.cid, request.index, 0, request.dataBytes);
        request.headBytes = seal(request.head(), hlen);
        request.sendData = 0;
        request.tailBytes = 0;
        request.state = TcpRequest.ASKING;
        send(request);
    }

    /**
     * A completion, with the data before it where there are such; the host that wants no flow control has no completion of what
     * succeeded behind its data.
     */
    void answer(TcpRequest request, int status, boolean data) {
        int head = connection.queue.nextHead();
        boolean needsCompletion = !data || connection.queue.hasFlowControl() || request.result != 0;
        request.headBytes = data ? dataHeader(request, needsCompletion) : 0;
        request.sendData = data ? request.dataBytes : 0;
        int tail = 0;
        if (data && dataDigest) {
            TcpPdu.dword(memory, request.tail(), owner.checksum.of(request, 0, request.dataBytes));
            tail = TcpPdu.DIGEST_BYTES;
        }
        if (needsCompletion) {
            long at = request.tail() + tail;
            int hlen = TcpPdu.CAPSULE_RESP_BYTES;
            TcpPdu.common(memory, at, TcpPdu.CAPSULE_RESP, digestFlag(), hlen, 0, hlen + digestBytes());
            TcpPdu.completion(memory, at, request.result, head, request.cid, status);
            tail += seal(at, hlen);
        }
        request.tailBytes = tail;
        send(request);
    }

    private int dataHeader(TcpRequest request, boolean needsCompletion) {
        int hlen = TcpPdu.DATA_BYTES;
        int pdo = (hlen + digestBytes() + dataAlignment - 1) / dataAlignment * dataAlignment;
        int flags = digestFlag()
                | (dataDigest ? TcpPdu.DATA_DIGEST : 0)
                | TcpPdu.LAST
                | (needsCompletion ? 0 : TcpPdu.SUCCESS);
        long at = request.head();
        int plen = pdo + request.dataBytes + (dataDigest ? TcpPdu.DIGEST_BYTES : 0);
        TcpPdu.common(memory, at, TcpPdu.C2H_DATA, flags, hlen, pdo, plen);
        TcpPdu.range(memory, at, request.cid, 0, 0, request.dataBytes);
        int written = seal(at, hlen);
        if (written < pdo) {
            memory.asSlice(at + written, pdo - written).fill((byte) 0);
        }
        return pdo;
    }

    private int digestFlag() {
        return headerDigest ? TcpPdu.HEADER_DIGEST : 0;
    }

    private int digestBytes() {
        return headerDigest ? TcpPdu.DIGEST_BYTES : 0;
    }

    /** Puts the digest behind a header. Returns the bytes of both. */
    private int seal(long at, int hlen) {
        if (!headerDigest) {
            return hlen;
        }
        TcpPdu.dword(memory, at + hlen, owner.checksum.of(at, hlen));
        return hlen + TcpPdu.DIGEST_BYTES;
    }

    /** ICResp, with what was agreed on. */
    void initialized(int pdaZeroBased, int digests) {
        TcpPdu.initialize(memory, initialization.head(), TcpPdu.ICRESP, 0, digests, owner.settings.maxTransferBytes());
        initialization.headBytes = TcpPdu.IC_BYTES;
        send(initialization);
        dataAlignment = 4 * (pdaZeroBased + 1);
        headerDigest = (digests & 1) != 0;
        dataDigest = (digests & 2) != 0;
    }

    private void send(TcpRequest request) {
        request.link = null;
        if (first == null) {
            first = request;
        } else {
            last.link = request;
        }
        last = request;
        unsent += request.headBytes + request.sendData + request.tailBytes;
        if (!blocked) {
            owner.dirty(connection);
        }
    }

    /** Sends what there is when it is much: so its memory is used again while it is still in the cache. */
    void sendMuch() {
        if (unsent >= MUCH_BYTES && !blocked && !connection.isDoomed) {
            flush();
        }
    }

    /** Sends what there is, as far as there is room. */
    void flush() {
        if (tls != null && !tls.drain()) {
            owner.doom(connection);
            return;
        }
        while (mayBeSent()) {
            gather(out);
            long wanted = out.bytes();
            sent(tls == null ? socket.send(out) : tls.send(out), wanted);
        }
        if (tls != null && tls.isPending()) {
            block();
        } else if (first == null) {
            connection.allSent();
        }
    }

    private boolean mayBeSent() {
        return first != null && !blocked && !connection.isDoomed;
    }

    /** Names what is to be sent, for a call that others share. Returns false when it is better sent alone. */
    boolean stageSend(SocketVector out) {
        if (tls != null || !mayBeSent()) {
            return false;
        }
        gather(out);
        return true;
    }

    /** So many of the bytes that were {@code wanted} are on their way, or it answered as {@link TcpSocket#send} does. */
    void sent(int count, long wanted) {
        if (count == TcpSocket.END) {
            owner.doom(connection);
            return;
        }
        if (count > 0) {
            moved += count;
            advance(count);
        }
        if (tls == null ? count < wanted : tls.isPending()) {
            block();
        }
    }

    private void gather(SocketVector out) {
        out.clear();
        int skip = sent;
        for (var request = first; request != null; request = request.link) {
            skip = part(out, request.head(), request.headBytes, skip);
            int data = request.sendData;
            for (int i = 0; i < request.pieceCount && data > 0 && skip >= 0; i++) {
                int size = Math.min(request.pieceBytes[i], data);
                skip = part(out, request.pieceOffsets[i], size, skip);
                data -= size;
            }
            skip = part(out, request.tail(), request.tailBytes, skip);
            if (skip < 0) {
                return;
            }
        }
    }

    /** Adds a part but for what is sent of it. Returns what is still to be skipped, or -1 when there is no room for more parts. */
    private static int part(SocketVector out, long offset, int size, int skip) {
        if (skip < 0 || size <= skip) {
            return skip < 0 ? skip : skip - size;
        }
        return out.add(offset + skip, size - skip) ? 0 : -1;
    }

    private void advance(int count) {
        sent += count;
        unsent -= count;
        while (first != null) {
            var request = first;
            int size = request.headBytes + request.sendData + request.tailBytes;
            if (sent < size) {
                return;
            }
            sent -= size;
            first = request.link;
            request.link = null;
            if (request.state == TcpRequest.ASKING) {
                request.state = TcpRequest.AWAITS_DATA;
            } else if (request.index >= 0) {
                connection.release(request);
            }
        }
        last = null;
    }

    /** So much of a TermReq as says why, with the beginning of what offended. */
    void terminate(Violation violation, PduReceiver receiver) {
        int header = receiver.offendingBytes();
        TcpPdu.termination(memory, termination.head(), TcpPdu.C2H_TERM_REQ, violation.fes, violation.fei, header);
        MemorySegment.copy(memory, receiver.offending(), memory, termination.head() + TcpPdu.TERM_REQ_BYTES, header);
        termination.headBytes = TcpPdu.TERM_REQ_BYTES + header;
        send(termination);
    }

    // The socket.

    boolean isBlocked() {
        return blocked;
    }

    private void block() {
        if (!blocked) {
            blocked = true;
            connection.watch();
        }
    }

    /** The socket has room again. */
    void writable() {
        if (blocked && !connection.isDoomed) {
            blocked = false;
            connection.watch();
            owner.dirty(connection);
        }
    }

    /** Bytes that the host does not read. */
    long owed() {
        long bytes = 0;
        for (var request = first; request != null && blocked; request = request.link) {
            bytes += request.headBytes + request.sendData + request.tailBytes;
        }
        return bytes;
    }

    /** Bytes that it has taken since this was asked last. */
    long takeMoved() {
        long bytes = moved;
        moved = 0;
        return bytes;
    }
}
