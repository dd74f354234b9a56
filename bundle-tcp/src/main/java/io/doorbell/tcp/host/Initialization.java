package io.doorbell.tcp.host;

import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TcpPdu;
import io.doorbell.platform.SocketVector;
import io.doorbell.platform.TcpSocket;
import java.lang.foreign.MemorySegment;

/** ICReq and ICResp: what both ends agree on. NVMe over TCP Transport 1.1 §3.3 "Connection Establishment". Blocks. */
final class Initialization {
    /** Memory it takes, beside that of the wire. */
    static final int BYTES = 512;

    private static final int ANSWER = 256;

    /** MAXH2CDATA is so much at least, and whole dwords. */
    private static final int LEAST_DATA_BYTES = 4096;

    private static final int MAX_PDA = 31;
    private static final int HEADER_DIGEST = 1;
    private static final int DATA_DIGEST = 2;

    private final String name;
    private final Wire wire;
    private final MemorySegment memory;
    private final SocketVector vector;
    private final long request;
    private final long answer;

    Initialization(String name, Wire wire, LinkMemory view, long base) {
        this.name = name;
        this.wire = wire;
        wire.use(view, base + BYTES);
        memory = view.segment();
        vector = view.vector(1);
        request = base;
        answer = base + ANSWER;
    }

    LinkSettings run(TcpHostSettings wanted, long deadline) {
        int digests = (wanted.headerDigest() ? HEADER_DIGEST : 0) | (wanted.dataDigest() ? DATA_DIGEST : 0);
        // Data begin right behind our headers, and one R2T at a time is all we take (MAXR2T 0, 0's based).
        TcpPdu.initialize(memory, request, TcpPdu.ICREQ, 0, digests, 0);
        send(request, TcpPdu.IC_BYTES, deadline);
        receive(answer, TcpPdu.COMMON_BYTES, deadline);
        int type = TcpPdu.type(memory, answer);
        if (type == TcpPdu.C2H_TERM_REQ) {
            receive(answer + TcpPdu.COMMON_BYTES, TcpPdu.TERM_REQ_BYTES - TcpPdu.COMMON_BYTES, deadline);
            throw refused("the target does not want it: "
                    + TcpPdu.errorName(TcpPdu.fes(memory, answer)) + " at "
                    + Integer.toUnsignedString(TcpPdu.fei(memory, answer)));
        }
        if (type != TcpPdu.ICRESP
                || TcpPdu.hlen(memory, answer) != TcpPdu.IC_BYTES
                || TcpPdu.plen(memory, answer) != TcpPdu.IC_BYTES) {
            throw violated(
                    type == TcpPdu.ICRESP ? TcpPdu.INVALID_HEADER_FIELD : TcpPdu.SEQUENCE_ERROR,
                    type == TcpPdu.ICRESP ? TcpPdu.PLEN_OFFSET : 0,
                    TcpPdu.COMMON_BYTES,
                    TcpPdu.name(type) + " of " + TcpPdu.plen(memory, answer) + " bytes where ICResp is due");
        }
        receive(answer + TcpPdu.COMMON_BYTES, TcpPdu.IC_BYTES - TcpPdu.COMMON_BYTES, deadline);
        return agreed(digests);
    }

    private LinkSettings agreed(int asked) {
        int pfv = TcpPdu.pfv(memory, answer);
        int cpda = TcpPdu.pdaZeroBased(memory, answer);
        int digests = TcpPdu.dgst(memory, answer);
        long most = TcpPdu.maximum(memory, answer);
        if (pfv != 0) {
            throw violated(TcpPdu.UNSUPPORTED_PARAMETER, TcpPdu.PFV_OFFSET, TcpPdu.IC_BYTES, "PFV " + pfv);
        }
        if (cpda > MAX_PDA) {
            throw violated(TcpPdu.INVALID_HEADER_FIELD, TcpPdu.PDA_OFFSET, TcpPdu.IC_BYTES, "CPDA " + cpda);
        }
        if ((digests & ~asked) != 0) {
            throw violated(
                    TcpPdu.INVALID_HEADER_FIELD,
                    TcpPdu.DGST_OFFSET,
                    TcpPdu.IC_BYTES,
                    "digests " + digests + " where " + asked + " were asked for");
        }
        if (most < LEAST_DATA_BYTES || most % Integer.BYTES != 0) {
            throw violated(TcpPdu.INVALID_HEADER_FIELD, TcpPdu.MAXIMUM_OFFSET, TcpPdu.IC_BYTES, "MAXH2CDATA " + most);
        }
        return new LinkSettings(
                (digests & HEADER_DIGEST) != 0,
                (digests & DATA_DIGEST) != 0,
                (cpda + 1) * Integer.BYTES,
                (int) Math.min(most, Integer.MAX_VALUE),
                0);
    }

    private void send(long at, int count, long deadline) {
        int done = 0;
        while (done < count) {
            vector.clear();
            vector.add(at + done, count - done);
            int sent = wire.send(vector);
            if (sent == TcpSocket.END) {
                throw lost();
            }
            if (sent != TcpSocket.AGAIN) {
                done += sent;
            } else if (!wire.socket.awaitWritable(deadline)) {
                throw refused("no answer in time");
            }
        }
        while (wire.isPending()) {
            if (!wire.drain()) {
                throw lost();
            }
            if (wire.isPending() && !wire.socket.awaitWritable(deadline)) {
                throw refused("no answer in time");
            }
        }
    }

    private void receive(long at, int count, long deadline) {
        int done = 0;
        while (done < count) {
            vector.clear();
            vector.add(at + done, count - done);
            int received = wire.receive(vector);
            if (received == TcpSocket.END) {
                throw lost();
            }
            if (received != TcpSocket.AGAIN) {
                done += received;
            } else if (!wire.socket.awaitReadable(deadline)) {
                throw refused("no answer in time");
            }
        }
    }

    private NvmeException lost() {
        return refused("the target has ended the connection");
    }

    private NvmeException refused(String why) {
        return new NvmeException(NvmeException.Kind.RETRY, name + ", initialization", why);
    }

    /** Tells the target, as far as that can be done at once. */
    private NvmeException violated(int fes, int fei, int headerBytes, String what) {
        TcpPdu.termination(memory, request, TcpPdu.H2C_TERM_REQ, fes, fei, headerBytes);
        MemorySegment.copy(memory, answer, memory, request + TcpPdu.TERM_REQ_BYTES, headerBytes);
        vector.clear();
        vector.add(request, TcpPdu.TERM_REQ_BYTES + headerBytes);
        wire.send(vector);
        return new NvmeException(
                NvmeException.Kind.GIVE_UP,
                name + ", initialization",
                "the target broke the protocol: " + TcpPdu.errorName(fes) + " at " + fei + ": " + what);
    }
}
