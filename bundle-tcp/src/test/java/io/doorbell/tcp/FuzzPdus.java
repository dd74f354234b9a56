package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.TcpPdu;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * PDUs that end a connection, with the errors that NVMe over TCP Transport 1.1 §3.4 "Error Handling Model" and §3.6 "NVMe/TCP PDUs" name for them. The
 * errors are worked out from the header as it is sent: where several fields are wrong, each of their errors is right.
 */
final class FuzzPdus {
    private static final int MAX_ERRORS = 32;

    /** Behind a header that says that there is more: it may have to be there before the header is looked at. */
    private static final int FILLER = 320;

    private static final int BLOCK = FuzzBlocks.BLOCK_BYTES;
    private static final int WRITE_BYTES = 16 * BLOCK;
    private static final int HPDA_MAX = 31;

    private final Random random;
    private final int[] fes = new int[MAX_ERRORS];
    private final int[] fei = new int[MAX_ERRORS];
    private int errors;

    /** A TermReq is not answered by one, or need not be. */
    private boolean endsAnyway;

    // What the connection is like.
    private boolean initialized;
    private boolean headerDigest;
    private boolean dataDigest;
    private int maxCapsule;
    private boolean admin;
    private int ttag;
    private int cid;

    FuzzPdus(Random random) {
        this.random = random;
    }

    private boolean oneIn(int n) {
        return random.nextInt(n) == 0;
    }

    private void error(int status, int information) {
        fes[errors] = status;
        fei[errors++] = information;
    }

    private void field(int offset) {
        error(TcpPdu.INVALID_HEADER_FIELD, offset);
    }

    /** Sends something wrong, and requires what has to come of it. Returns whether it was wrong. */
    boolean violate(FuzzHost host, boolean isInitialized, boolean isAdmin) {
        initialized = isInitialized;
        admin = isAdmin;
        headerDigest = host.wire.headerDigest;
        dataDigest = host.wire.dataDigest;
        maxCapsule = isAdmin ? 8192 : FuzzCommands.IN_CAPSULE;
        ttag = -1;
        errors = 0;
        endsAnyway = false;
        if (isInitialized && !isAdmin && oneIn(3)) {
            askedFor(host);
        }
        long at = ttag >= 0 ? data(host) : oneIn(8) ? terminate(host) : oneIn(12) ? initialize(host) : capsule(host);
        long end = host.wire.staged();
        change(host, at, end);
        collect(host.bytes, at);
        host.wire.staged(FILLER);
        host.bytes.asSlice(end, FILLER).fill((byte) 0xA5);
        var header = host.bytes.asSlice(at, TcpPdu.TERM_REQ_DATA_BYTES).toArray(ValueLayout.JAVA_BYTE);
        if (errors == 0 && !endsAnyway) {
            // Different, and yet right: what comes next is not what the target waits for.
            host.lenient = true;
            host.wire.flush();
            host.drain();
            return false;
        }
        host.wire.flush();
        host.awaitEnd();
        requireTermination(host, header);
        return true;
    }

    private void requireTermination(FuzzHost host, byte[] header) {
        if (host.termination < 0) {
            assertThat(endsAnyway).as("a TermReq for %s", describe(header)).isTrue();
            return;
        }
        long at = host.termination;
        int status = TcpPdu.fes(host.bytes, at);
        int information = TcpPdu.fei(host.bytes, at);
        boolean right = false;
        for (int i = 0; i < errors; i++) {
            right |= fes[i] == status && fei[i] == information;
        }
        if (!right) {
            throw new AssertionError(TcpPdu.errorName(status) + " at " + information + " for " + describe(header));
        }
        long copied = TcpPdu.plen(host.bytes, at) - TcpPdu.TERM_REQ_BYTES;
        assertThat(copied).isBetween((long) TcpPdu.COMMON_BYTES, (long) TcpPdu.TERM_REQ_DATA_BYTES);
        assertThat(MemorySegment.mismatch(
                        host.bytes,
                        at + TcpPdu.TERM_REQ_BYTES,
                        at + TcpPdu.TERM_REQ_BYTES + copied,
                        MemorySegment.ofArray(header),
                        0,
                        copied))
                .isEqualTo(-1);
    }

    private String describe(byte[] header) {
        var pdu = MemorySegment.ofArray(header);
        var text = new StringBuilder(String.format(
                "%s, flags %02X, HLEN %d, PDO %d, PLEN %d, %s, digests %s %s; right would be",
                TcpPdu.name(TcpPdu.type(pdu, 0)),
                TcpPdu.flags(pdu, 0),
                TcpPdu.hlen(pdu, 0),
                TcpPdu.pdo(pdu, 0),
                TcpPdu.plen(pdu, 0),
                initialized ? admin ? "admin" : "I/O" : "before ICReq",
                headerDigest,
                dataDigest));
        for (int i = 0; i < errors; i++) {
            text.append(' ')
                    .append(TcpPdu.errorName(fes[i]))
                    .append(" at ")
                    .append(fei[i])
                    .append(',');
        }
        return text.toString();
    }

    // What is there before it is changed.

    /** A Write whose data have been asked for. */
    private void askedFor(FuzzHost host) {
        host.answersR2t = false;
        host.ttag = -1;
        cid = host.cid(0);
        var answer = host.expect(0, cid, () -> "a Write that is asked for");
        answer.fromHost = WRITE_BYTES;
        answer.writes = true;
        answer.slba = 0;
        answer.blocks = WRITE_BYTES / BLOCK;
        host.entry(NvmOpcode.WRITE, cid, 1, 0, 0, WRITE_BYTES / BLOCK - 1);
        host.sgl(RawHost.TRANSPORT, 0, WRITE_BYTES);
        host.wire.capsule(0);
        host.wire.flush();
        while (host.ttag < 0) {
            assertThat(host.wire.isEnded()).isFalse();
            host.wire.target.cycle();
            host.drain();
        }
        ttag = host.ttag;
    }

    private long data(FuzzHost host) {
        int bytes = 4 * (1 + random.nextInt(WRITE_BYTES / 4));
        long at = host.wire.h2cData(cid, ttag, 0, bytes, bytes == WRITE_BYTES);
        host.wire.sealData(at, bytes);
        return at;
    }

    private long capsule(FuzzHost host) {
        int opc = admin ? AdminOpcode.KEEP_ALIVE : NvmOpcode.FLUSH;
        host.entry(opc, random.nextInt(0x10000), 1, 0, 0, 0);
        int bytes = oneIn(2) ? 4 * (1 + random.nextInt(200)) : 0;
        if (oneIn(16)) {
            bytes = 8192 + 4 * (1 + random.nextInt(4000));
        }
        long at = host.wire.capsule(bytes);
        host.wire.sealData(at, bytes);
        return at;
    }

    private long initialize(FuzzHost host) {
        long at = host.wire.staged();
        TcpPdu.initialize(host.bytes, at, TcpPdu.ICREQ, random.nextInt(40), random.nextInt(5), random.nextInt(0x10000));
        host.wire.staged(TcpPdu.IC_BYTES);
        return at;
    }

    private long terminate(FuzzHost host) {
        long at = host.wire.staged();
        int header = random.nextInt(TcpPdu.TERM_REQ_DATA_BYTES + 1);
        TcpPdu.termination(host.bytes, at, TcpPdu.H2C_TERM_REQ, random.nextInt(9), random.nextInt(), header);
        host.wire.staged(TcpPdu.TERM_REQ_BYTES + header);
        return at;
    }

    private void change(FuzzHost host, long at, long end) {
        int type = TcpPdu.type(host.bytes, at);
        int hlen = TcpPdu.hlen(host.bytes, at);
        for (int i = oneIn(4) ? 2 : 1; i > 0; i--) {
            changeOnce(host.bytes, at, type, hlen);
        }
        boolean sealed = type == TcpPdu.CAPSULE_CMD || type == TcpPdu.H2C_DATA;
        if (sealed && !oneIn(4)) {
            host.wire.sealHeader(at, hlen);
        }
    }

    private void changeOnce(MemorySegment bytes, long at, int type, int hlen) {
        boolean h2c = type == TcpPdu.H2C_DATA;
        switch (random.nextInt(h2c ? 12 : 7)) {
            case 0 -> put(bytes, at, oneIn(3) ? random.nextInt(10) : random.nextInt(256));
            case 1 -> put(bytes, at + TcpPdu.FLAGS_OFFSET, TcpPdu.flags(bytes, at) ^ 1 << random.nextInt(8));
            case 2 -> put(bytes, at + TcpPdu.HLEN_OFFSET, random.nextInt(256));
            case 3 -> put(bytes, at + TcpPdu.PDO_OFFSET, random.nextInt(256));
            case 4 -> plen(bytes, at);
            case 5, 6 -> {
                int offset = random.nextInt(Math.min(hlen, 20));
                // Another command could be carried out, and change what others count on.
                boolean opcode = type == TcpPdu.CAPSULE_CMD && offset == TcpPdu.ENTRY_OFFSET;
                put(bytes, at + offset + (opcode ? 1 : 0), random.nextInt(256));
            }
            case 7 -> number(bytes, at + TcpPdu.CCCID_OFFSET, 2);
            case 8 -> number(bytes, at + TcpPdu.TTAG_OFFSET, 2);
            case 9 -> number(bytes, at + TcpPdu.DATAO_OFFSET, 4);
            case 10 -> number(bytes, at + TcpPdu.DATAL_OFFSET, 4);
            default -> put(bytes, at + TcpPdu.FLAGS_OFFSET, TcpPdu.flags(bytes, at) ^ TcpPdu.LAST);
        }
    }

    private static void put(MemorySegment bytes, long at, int value) {
        bytes.set(ValueLayout.JAVA_BYTE, at, (byte) value);
    }

    private void number(MemorySegment bytes, long at, int count) {
        int by = oneIn(2) ? 1 << random.nextInt(8 * count) : -random.nextInt(600);
        long old = count == 2
                ? bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, at)
                : bytes.get(ValueLayout.JAVA_INT_UNALIGNED, at);
        if (count == 2) {
            bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) (old + by));
        } else {
            bytes.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) (old + by));
        }
    }

    private void plen(MemorySegment bytes, long at) {
        int old = (int) TcpPdu.plen(bytes, at);
        int value = switch (random.nextInt(4)) {
            case 0 -> random.nextInt(200);
            case 1 -> old + (random.nextBoolean() ? 1 : -1) * (1 + random.nextInt(100));
            case 2 -> random.nextInt();
            default -> old | 1 << random.nextInt(32);
        };
        bytes.set(ValueLayout.JAVA_INT_UNALIGNED, at + TcpPdu.PLEN_OFFSET, value);
    }

    // What is wrong with it.

    private void collect(MemorySegment bytes, long at) {
        int type = TcpPdu.type(bytes, at);
        switch (type) {
            case TcpPdu.ICREQ -> icreq(bytes, at);
            case TcpPdu.H2C_TERM_REQ -> termReq(bytes, at);
            case TcpPdu.CAPSULE_CMD, TcpPdu.H2C_DATA -> {
                if (!initialized) {
                    error(TcpPdu.SEQUENCE_ERROR, 0);
                }
                capsuleOrData(bytes, at, type == TcpPdu.CAPSULE_CMD);
            }
            default -> field(TcpPdu.TYPE_OFFSET);
        }
    }

    private void icreq(MemorySegment bytes, long at) {
        if (initialized) {
            error(TcpPdu.SEQUENCE_ERROR, 0);
        }
        if (TcpPdu.hlen(bytes, at) != TcpPdu.IC_BYTES) {
            field(TcpPdu.HLEN_OFFSET);
        }
        if (TcpPdu.plen(bytes, at) != TcpPdu.IC_BYTES) {
            field(TcpPdu.PLEN_OFFSET);
        }
        if (TcpPdu.pfv(bytes, at) != 0) {
            error(TcpPdu.UNSUPPORTED_PARAMETER, TcpPdu.PFV_OFFSET);
        }
        if (TcpPdu.pdaZeroBased(bytes, at) > HPDA_MAX) {
            field(TcpPdu.PDA_OFFSET);
        }
        if ((TcpPdu.dgst(bytes, at) & ~3) != 0) {
            field(TcpPdu.DGST_OFFSET);
        }
    }

    /** However wrong it is, the connection ends. */
    private void termReq(MemorySegment bytes, long at) {
        endsAnyway = true;
        if (TcpPdu.hlen(bytes, at) != TcpPdu.TERM_REQ_BYTES) {
            field(TcpPdu.HLEN_OFFSET);
        }
        long plen = TcpPdu.plen(bytes, at);
        if (plen < TcpPdu.TERM_REQ_BYTES || plen > TcpPdu.TERM_REQ_BYTES + TcpPdu.TERM_REQ_DATA_BYTES) {
            field(TcpPdu.PLEN_OFFSET);
        }
    }

    private void capsuleOrData(MemorySegment bytes, long at, boolean capsule) {
        int hlen = capsule ? TcpPdu.CAPSULE_CMD_BYTES : TcpPdu.DATA_BYTES;
        if (TcpPdu.hlen(bytes, at) != hlen) {
            field(TcpPdu.HLEN_OFFSET);
        }
        int head = hlen + (headerDigest ? TcpPdu.DIGEST_BYTES : 0);
        long plen = TcpPdu.plen(bytes, at);
        int pdo = TcpPdu.pdo(bytes, at);
        boolean hasData = plen > head;
        flags(TcpPdu.flags(bytes, at), capsule, hasData);
        if (plen < head || (!hasData && !capsule)) {
            field(TcpPdu.PLEN_OFFSET);
        }
        if (hasData && (pdo < head || pdo % 4 != 0 || pdo > plen)) {
            field(TcpPdu.PDO_OFFSET);
        }
        if (headerDigest) {
            int digest = TcpPdu.dword(bytes, at + hlen);
            if (digest != RawHost.crc(bytes.asSlice(at, hlen))) {
                error(TcpPdu.HEADER_DIGEST_ERROR, digest);
            }
        }
        long count = plen - pdo - (dataDigest ? TcpPdu.DIGEST_BYTES : 0);
        if (hasData && count <= 0) {
            field(TcpPdu.PLEN_OFFSET);
        }
        if (capsule) {
            int opc = Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, at + TcpPdu.ENTRY_OFFSET));
            if (hasData && count > (opc == AdminOpcode.FABRICS ? 8192 : maxCapsule)) {
                error(TcpPdu.LIMIT_EXCEEDED, 0);
            }
        } else {
            transfer(bytes, at, count);
        }
    }

    private void flags(int flags, boolean capsule, boolean hasData) {
        boolean wrong = ((flags & TcpPdu.HEADER_DIGEST) != 0) != headerDigest
                || (hasData && ((flags & TcpPdu.DATA_DIGEST) != 0) != dataDigest)
                || (flags & ~(TcpPdu.HEADER_DIGEST | TcpPdu.DATA_DIGEST | (capsule ? 0 : TcpPdu.LAST))) != 0;
        if (wrong) {
            field(TcpPdu.FLAGS_OFFSET);
        }
    }

    private void transfer(MemorySegment bytes, long at, long count) {
        if (ttag < 0 || TcpPdu.ttag(bytes, at) != ttag) {
            field(TcpPdu.TTAG_OFFSET);
        }
        if (TcpPdu.cccid(bytes, at) != cid) {
            field(TcpPdu.CCCID_OFFSET);
        }
        long datao = TcpPdu.datao(bytes, at);
        long datal = TcpPdu.datal(bytes, at);
        if (datal != count || datal == 0) {
            field(TcpPdu.DATAL_OFFSET);
        }
        if (datao != 0 || datao + datal > WRITE_BYTES) {
            error(TcpPdu.DATA_OUT_OF_RANGE, 0);
        }
        if (datal > FuzzCommands.MAX_TRANSFER) {
            error(TcpPdu.LIMIT_EXCEEDED, 0);
        }
        boolean last = (TcpPdu.flags(bytes, at) & TcpPdu.LAST) != 0;
        if (last != (datao + datal == WRITE_BYTES)) {
            field(TcpPdu.FLAGS_OFFSET);
        }
    }
}
