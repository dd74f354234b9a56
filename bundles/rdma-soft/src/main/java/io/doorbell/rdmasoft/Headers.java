package io.doorbell.rdmasoft;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The headers of a RoCEv2 packet behind UDP, big-endian: BTH, and what follows it. IBTA vol. 1 release 1.4 §9.2 "Base Transport Header", §9.3
 * "Extended Transport Headers"; annex A17 "RoCEv2".
 *
 * <pre>
 *   BTH  0 opcode | 1 SE 7, M 6, pad 5:4, version 3:0 | 2 P_Key | 4 FECN 7, BECN 6 | 5 destination QP | 8 AckReq 7 | 9 PSN
 *   RETH 0 address | 8 key | 12 length      AETH 0 syndrome | 1 MSN      ImmDt, IETH 0 value
 * </pre>
 */
final class Headers {
    static final int UDP_PORT = 4791;
    static final int BTH_BYTES = 12;
    static final int RETH_BYTES = 16;
    static final int AETH_BYTES = 4;
    static final int ATOMIC_BYTES = 28;
    static final int DETH_BYTES = 8;
    static final int ICRC_BYTES = 4;

    /** The only partition there is, as a full member. */
    static final int PARTITION = 0xFFFF;

    /** Where the destination of a packet is, for steering: the 32 bits there are 8 of something else, then the 24. */
    static final int DESTINATION_WORD = 4;

    private static final int SOLICITED = 0x80;
    private static final int ACK_REQUESTED = 0x80;

    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong DOUBLE_WORD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Headers() {}

    static int word(MemorySegment memory, long at) {
        return memory.get(WORD, at);
    }

    static void word(MemorySegment memory, long at, int value) {
        memory.set(WORD, at, value);
    }

    // BTH.

    static void bth(
            MemorySegment memory,
            long at,
            int opcode,
            boolean solicited,
            int pad,
            int destination,
            boolean ackRequested,
            int psn) {
        memory.set(WORD, at, opcode << 24 | (solicited ? SOLICITED : 0) << 16 | pad << 20 | PARTITION);
        memory.set(WORD, at + 4, destination);
        memory.set(WORD, at + 8, (ackRequested ? ACK_REQUESTED << 24 : 0) | psn);
    }

    static int opcode(MemorySegment memory, long at) {
        return Byte.toUnsignedInt(memory.get(ValueLayout.JAVA_BYTE, at));
    }

    static boolean solicited(MemorySegment memory, long at) {
        return (memory.get(ValueLayout.JAVA_BYTE, at + 1) & SOLICITED) != 0;
    }

    static int pad(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_BYTE, at + 1) >> 4 & 3;
    }

    static int version(MemorySegment memory, long at) {
        return memory.get(ValueLayout.JAVA_BYTE, at + 1) & 15;
    }

    /** Of both kinds of member, the only partition. */
    static boolean isOurPartition(MemorySegment memory, long at) {
        return (memory.get(WORD, at) & 0x7FFF) == (PARTITION & 0x7FFF);
    }

    static int destination(MemorySegment memory, long at) {
        return memory.get(WORD, at + DESTINATION_WORD) & 0xFF_FFFF;
    }

    static boolean ackRequested(MemorySegment memory, long at) {
        return (memory.get(ValueLayout.JAVA_BYTE, at + 8) & ACK_REQUESTED) != 0;
    }

    static int psn(MemorySegment memory, long at) {
        return memory.get(WORD, at + 8) & Psn.MASK;
    }

    // RETH.

    static void reth(MemorySegment memory, long at, long address, int key, int bytes) {
        memory.set(DOUBLE_WORD, at, address);
        memory.set(WORD, at + 8, key);
        memory.set(WORD, at + 12, bytes);
    }

    static long rethAddress(MemorySegment memory, long at) {
        return memory.get(DOUBLE_WORD, at);
    }

    static int rethKey(MemorySegment memory, long at) {
        return memory.get(WORD, at + 8);
    }

    static long rethBytes(MemorySegment memory, long at) {
        return Integer.toUnsignedLong(memory.get(WORD, at + 12));
    }

    // AETH.

    static void aeth(MemorySegment memory, long at, int syndrome, int msn) {
        memory.set(WORD, at, syndrome << 24 | msn & Psn.MASK);
    }

    static int syndrome(MemorySegment memory, long at) {
        return Byte.toUnsignedInt(memory.get(ValueLayout.JAVA_BYTE, at));
    }
}
