package io.doorbell.rdmasoft;

/** What a packet is: the first byte of its BTH. IBTA vol. 1 release 1.4 §9.2.1 "Operation Code (OpCode)". */
final class Opcode {
    static final int SEND_FIRST = 0x00;
    static final int SEND_MIDDLE = 0x01;
    static final int SEND_LAST = 0x02;
    static final int SEND_LAST_IMMEDIATE = 0x03;
    static final int SEND_ONLY = 0x04;
    static final int SEND_ONLY_IMMEDIATE = 0x05;
    static final int WRITE_FIRST = 0x06;
    static final int WRITE_MIDDLE = 0x07;
    static final int WRITE_LAST = 0x08;
    static final int WRITE_LAST_IMMEDIATE = 0x09;
    static final int WRITE_ONLY = 0x0A;
    static final int WRITE_ONLY_IMMEDIATE = 0x0B;
    static final int READ_REQUEST = 0x0C;
    static final int READ_RESPONSE_FIRST = 0x0D;
    static final int READ_RESPONSE_MIDDLE = 0x0E;
    static final int READ_RESPONSE_LAST = 0x0F;
    static final int READ_RESPONSE_ONLY = 0x10;
    static final int ACKNOWLEDGE = 0x11;
    static final int ATOMIC_ACKNOWLEDGE = 0x12;
    static final int COMPARE_SWAP = 0x13;
    static final int FETCH_ADD = 0x14;
    static final int SEND_LAST_INVALIDATE = 0x16;
    static final int SEND_ONLY_INVALIDATE = 0x17;
    static final int UD_SEND_ONLY = 0x64;
    /** A notification of congestion, RoCEv2 annex A17.9.3. */
    static final int CONGESTION = 0x81;

    private static final int FIRST = 1;
    private static final int LAST = 2;
    private static final int IS_SEND = 4;
    private static final int IS_WRITE = 8;
    private static final int IMMEDIATE = 16;
    private static final int INVALIDATE = 32;
    private static final int RESPONSE = 64;
    private static final int KNOWN = 128;

    /** By opcode of RC. */
    private static final int[] KINDS = new int[32];

    static {
        kind(SEND_FIRST, IS_SEND | FIRST);
        kind(SEND_MIDDLE, IS_SEND);
        kind(SEND_LAST, IS_SEND | LAST);
        kind(SEND_LAST_IMMEDIATE, IS_SEND | LAST | IMMEDIATE);
        kind(SEND_ONLY, IS_SEND | FIRST | LAST);
        kind(SEND_ONLY_IMMEDIATE, IS_SEND | FIRST | LAST | IMMEDIATE);
        kind(SEND_LAST_INVALIDATE, IS_SEND | LAST | INVALIDATE);
        kind(SEND_ONLY_INVALIDATE, IS_SEND | FIRST | LAST | INVALIDATE);
        kind(WRITE_FIRST, IS_WRITE | FIRST);
        kind(WRITE_MIDDLE, IS_WRITE);
        kind(WRITE_LAST, IS_WRITE | LAST);
        kind(WRITE_LAST_IMMEDIATE, IS_WRITE | LAST | IMMEDIATE);
        kind(WRITE_ONLY, IS_WRITE | FIRST | LAST);
        kind(WRITE_ONLY_IMMEDIATE, IS_WRITE | FIRST | LAST | IMMEDIATE);
        kind(READ_REQUEST, FIRST | LAST);
        kind(COMPARE_SWAP, FIRST | LAST);
        kind(FETCH_ADD, FIRST | LAST);
        kind(READ_RESPONSE_FIRST, RESPONSE | FIRST);
        kind(READ_RESPONSE_MIDDLE, RESPONSE);
        kind(READ_RESPONSE_LAST, RESPONSE | LAST);
        kind(READ_RESPONSE_ONLY, RESPONSE | FIRST | LAST);
        kind(ACKNOWLEDGE, RESPONSE);
        kind(ATOMIC_ACKNOWLEDGE, RESPONSE);
    }

    private Opcode() {}

    private static void kind(int opcode, int kind) {
        KINDS[opcode] = kind | KNOWN;
    }

    private static int kind(int opcode) {
        return opcode < KINDS.length ? KINDS[opcode] : 0;
    }

    /** Whether it is one of a reliable connection. */
    static boolean isKnown(int opcode) {
        return kind(opcode) != 0;
    }

    /** Whether it goes from responder to requester. */
    static boolean isResponse(int opcode) {
        return (kind(opcode) & RESPONSE) != 0;
    }

    static boolean isFirst(int opcode) {
        return (kind(opcode) & FIRST) != 0;
    }

    static boolean isLast(int opcode) {
        return (kind(opcode) & LAST) != 0;
    }

    static boolean isSend(int opcode) {
        return (kind(opcode) & IS_SEND) != 0;
    }

    static boolean isWrite(int opcode) {
        return (kind(opcode) & IS_WRITE) != 0;
    }

    static boolean hasImmediate(int opcode) {
        return (kind(opcode) & IMMEDIATE) != 0;
    }

    static boolean hasInvalidate(int opcode) {
        return (kind(opcode) & INVALIDATE) != 0;
    }

    /** Bytes of BTH and the extended headers of a packet of a reliable connection. */
    static int headerBytes(int opcode) {
        int bytes = Headers.BTH_BYTES;
        if (isWrite(opcode) && isFirst(opcode) || opcode == READ_REQUEST) {
            bytes += Headers.RETH_BYTES;
        }
        if (hasImmediate(opcode) || hasInvalidate(opcode)) {
            bytes += Integer.BYTES;
        }
        if (isResponse(opcode) && opcode != READ_RESPONSE_MIDDLE) {
            bytes += Headers.AETH_BYTES;
        }
        return switch (opcode) {
            case COMPARE_SWAP, FETCH_ADD -> bytes + Headers.ATOMIC_BYTES;
            case ATOMIC_ACKNOWLEDGE -> bytes + Long.BYTES;
            default -> bytes;
        };
    }
}
