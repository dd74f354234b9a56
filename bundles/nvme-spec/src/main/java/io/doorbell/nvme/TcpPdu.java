package io.doorbell.nvme;

import static io.doorbell.nvme.LE.LE16_UNALIGNED;
import static io.doorbell.nvme.LE.LE32_UNALIGNED;
import static io.doorbell.nvme.LE.LE64_UNALIGNED;
import static io.doorbell.nvme.LE.LE8;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Headers of the PDUs of NVMe/TCP. NVMe over TCP Transport 1.1 §3.6 "NVMe/TCP PDUs". Stateless, and at any offset: PDUs follow
 * each other in a stream of bytes. On the I/O path, so the fields are read and written as {@link SubmissionEntry}'s are.
 *
 * <p>All begin alike: type, flags, length of the header, offset of the data, length of all.
 */
public final class TcpPdu {
    public static final int ICREQ = 0x00;
    public static final int ICRESP = 0x01;
    public static final int H2C_TERM_REQ = 0x02;
    public static final int C2H_TERM_REQ = 0x03;
    public static final int CAPSULE_CMD = 0x04;
    public static final int CAPSULE_RESP = 0x05;
    public static final int H2C_DATA = 0x06;
    public static final int C2H_DATA = 0x07;
    public static final int R2T = 0x09;

    /** What all begin with. */
    public static final int COMMON_BYTES = 8;

    public static final int IC_BYTES = 128;
    public static final int CAPSULE_CMD_BYTES = 72;
    public static final int CAPSULE_RESP_BYTES = 24;
    public static final int DATA_BYTES = 24;
    public static final int R2T_BYTES = 24;
    public static final int TERM_REQ_BYTES = 24;

    /** Of the PDU in question, a TermReq carries this much of the header at most. */
    public static final int TERM_REQ_DATA_BYTES = 128;

    public static final int DIGEST_BYTES = 4;

    /** Bits of FLAGS. */
    public static final int HEADER_DIGEST = 1;

    public static final int DATA_DIGEST = 1 << 1;
    public static final int LAST = 1 << 2;

    /** On the last C2HData: the command ended well, and no CapsuleResp follows. */
    public static final int SUCCESS = 1 << 3;

    /** Fatal Error Status of a TermReq. */
    public static final int INVALID_HEADER_FIELD = 1;

    public static final int SEQUENCE_ERROR = 2;
    public static final int HEADER_DIGEST_ERROR = 3;
    public static final int DATA_OUT_OF_RANGE = 4;
    public static final int LIMIT_EXCEEDED = 5;
    public static final int UNSUPPORTED_PARAMETER = 6;

    /** Bytes of a header that a TermReq can point at. */
    public static final int TYPE_OFFSET = 0;

    public static final int FLAGS_OFFSET = 1;
    public static final int HLEN_OFFSET = 2;
    public static final int PDO_OFFSET = 3;
    public static final int PLEN_OFFSET = 4;
    public static final int PFV_OFFSET = 8;
    public static final int PDA_OFFSET = 10;
    public static final int DGST_OFFSET = 11;
    public static final int MAXIMUM_OFFSET = 12;

    /** Where the 64 or 16 bytes of a capsule begin. */
    public static final int ENTRY_OFFSET = 8;

    public static final int CCCID_OFFSET = 8;
    public static final int TTAG_OFFSET = 10;
    public static final int DATAO_OFFSET = 12;
    public static final int DATAL_OFFSET = 16;

    private static final VarHandle BYTE = LE8.varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORT = LE16_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle INT = LE32_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = LE64_UNALIGNED.varHandle().withInvokeExactBehavior();

    private TcpPdu() {}

    /** Writes what all begin with. */
    public static void common(MemorySegment at, long offset, int type, int flags, int hlen, int pdo, int plen) {
        INT.set(at, offset, type & 0xFF | (flags & 0xFF) << 8 | (hlen & 0xFF) << 16 | pdo << 24);
        INT.set(at, offset + PLEN_OFFSET, plen);
    }

    public static int type(MemorySegment at, long offset) {
        return Byte.toUnsignedInt((byte) BYTE.get(at, offset));
    }

    public static int flags(MemorySegment at, long offset) {
        return Byte.toUnsignedInt((byte) BYTE.get(at, offset + FLAGS_OFFSET));
    }

    public static int hlen(MemorySegment at, long offset) {
        return Byte.toUnsignedInt((byte) BYTE.get(at, offset + HLEN_OFFSET));
    }

    public static int pdo(MemorySegment at, long offset) {
        return Byte.toUnsignedInt((byte) BYTE.get(at, offset + PDO_OFFSET));
    }

    /** Unsigned: a peer may say anything. */
    public static long plen(MemorySegment at, long offset) {
        return Integer.toUnsignedLong((int) INT.get(at, offset + PLEN_OFFSET));
    }

    /** PFV of ICReq and ICResp. */
    public static int pfv(MemorySegment at, long offset) {
        return Short.toUnsignedInt((short) SHORT.get(at, offset + PFV_OFFSET));
    }

    /** HPDA or CPDA of ICReq and ICResp: 0's based, in dwords. */
    public static int pdaZeroBased(MemorySegment at, long offset) {
        return Byte.toUnsignedInt((byte) BYTE.get(at, offset + PDA_OFFSET));
    }

    /** DGST of ICReq and ICResp: header digest in bit 0, data digest in bit 1. */
    public static int dgst(MemorySegment at, long offset) {
        return Byte.toUnsignedInt((byte) BYTE.get(at, offset + DGST_OFFSET));
    }

    /** MAXR2T of ICReq (0's based), MAXH2CDATA of ICResp. */
    public static long maximum(MemorySegment at, long offset) {
        return Integer.toUnsignedLong((int) INT.get(at, offset + MAXIMUM_OFFSET));
    }

    /** Writes a whole ICReq or ICResp. */
    public static void initialize(MemorySegment at, long offset, int type, int pdaZeroBased, int dgst, int maximum) {
        at.asSlice(offset, IC_BYTES).fill((byte) 0);
        common(at, offset, type, 0, IC_BYTES, 0, IC_BYTES);
        BYTE.set(at, offset + PDA_OFFSET, (byte) pdaZeroBased);
        BYTE.set(at, offset + DGST_OFFSET, (byte) dgst);
        INT.set(at, offset + MAXIMUM_OFFSET, maximum);
    }

    public static int cccid(MemorySegment at, long offset) {
        return Short.toUnsignedInt((short) SHORT.get(at, offset + CCCID_OFFSET));
    }

    public static int ttag(MemorySegment at, long offset) {
        return Short.toUnsignedInt((short) SHORT.get(at, offset + TTAG_OFFSET));
    }

    /** DATAO, or R2TO: unsigned. */
    public static long datao(MemorySegment at, long offset) {
        return Integer.toUnsignedLong((int) INT.get(at, offset + DATAO_OFFSET));
    }

    /** DATAL, or R2TL: unsigned. */
    public static long datal(MemorySegment at, long offset) {
        return Integer.toUnsignedLong((int) INT.get(at, offset + DATAL_OFFSET));
    }

    /** Writes what H2CData, C2HData and R2T have behind their beginning. */
    public static void range(MemorySegment at, long offset, int cccid, int ttag, int datao, int datal) {
        INT.set(at, offset + CCCID_OFFSET, cccid & 0xFFFF | ttag << 16);
        INT.set(at, offset + DATAO_OFFSET, datao);
        INT.set(at, offset + DATAL_OFFSET, datal);
        INT.set(at, offset + DATAL_OFFSET + 4, 0);
    }

    /** Writes the completion of a CapsuleResp; on fabrics it has no phase, and the queue is the connection. */
    public static void completion(MemorySegment at, long offset, long dw01, int sqhd, int cid, int status) {
        LONG.set(at, offset + ENTRY_OFFSET, dw01);
        LONG.set(at, offset + ENTRY_OFFSET + 8, CompletionEntry.tail(sqhd, 0, cid, status, 0));
    }

    /** FES of a TermReq. */
    public static int fes(MemorySegment at, long offset) {
        return Short.toUnsignedInt((short) SHORT.get(at, offset + ENTRY_OFFSET));
    }

    /** FEI of a TermReq: which byte of the header, or what else {@link #fes} makes of it. */
    public static int fei(MemorySegment at, long offset) {
        return (int) INT.get(at, offset + ENTRY_OFFSET + 2);
    }

    /** Writes the header of a TermReq, all of it. */
    public static void termination(MemorySegment at, long offset, int type, int fes, int fei, int headerBytes) {
        at.asSlice(offset, TERM_REQ_BYTES).fill((byte) 0);
        common(at, offset, type, 0, TERM_REQ_BYTES, 0, TERM_REQ_BYTES + headerBytes);
        SHORT.set(at, offset + ENTRY_OFFSET, (short) fes);
        INT.set(at, offset + ENTRY_OFFSET + 2, fei);
    }

    /** A digest, or any other dword of the stream. */
    public static int dword(MemorySegment at, long offset) {
        return (int) INT.get(at, offset);
    }

    public static void dword(MemorySegment at, long offset, int value) {
        INT.set(at, offset, value);
    }

    /** Name of a type, for messages. */
    public static String name(int type) {
        return switch (type) {
            case ICREQ -> "ICReq";
            case ICRESP -> "ICResp";
            case H2C_TERM_REQ -> "H2CTermReq";
            case C2H_TERM_REQ -> "C2HTermReq";
            case CAPSULE_CMD -> "CapsuleCmd";
            case CAPSULE_RESP -> "CapsuleResp";
            case H2C_DATA -> "H2CData";
            case C2H_DATA -> "C2HData";
            case R2T -> "R2T";
            default -> String.format("PDU type %02Xh", type);
        };
    }

    /** Name of a Fatal Error Status, for messages. */
    public static String errorName(int fes) {
        return switch (fes) {
            case INVALID_HEADER_FIELD -> "Invalid PDU Header Field";
            case SEQUENCE_ERROR -> "PDU Sequence Error";
            case HEADER_DIGEST_ERROR -> "Header Digest Error";
            case DATA_OUT_OF_RANGE -> "Data Transfer Out of Range";
            case LIMIT_EXCEEDED -> "Data Transfer Limit Exceeded";
            case UNSUPPORTED_PARAMETER -> "Unsupported Parameter";
            default -> String.format("Fatal Error Status %04Xh", fes);
        };
    }
}
