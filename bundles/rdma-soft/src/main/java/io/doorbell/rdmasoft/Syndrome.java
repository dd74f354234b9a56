package io.doorbell.rdmasoft;

/** What an acknowledgement says: the first byte of its AETH. IBTA vol. 1 release 1.4 §9.7.5.2 "AETH Format". */
final class Syndrome {
    /** Received, without a word about credits, which nobody asks for. */
    static final int ACK = 0x1F;

    static final int NAK_SEQUENCE = 0x60;
    static final int NAK_INVALID = 0x61;
    static final int NAK_ACCESS = 0x62;
    static final int NAK_OPERATION = 0x63;

    /** The kinds, in bits 7 to 5. */
    static final int KIND_ACK = 0;

    static final int KIND_RNR = 1;
    static final int KIND_NAK = 3;

    /** Of an RNR NAK, how long to wait, by code, in units of 10 us: table 45 "Encoding for RNR NAK Timer Field". */
    private static final int[] RNR_UNITS = {
        65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096,
        6144, 8192, 12288, 16384, 24576, 32768, 49152
    };

    private Syndrome() {}

    static int kind(int syndrome) {
        return syndrome >> 5;
    }

    static int rnr(int code) {
        return 0x20 | code;
    }

    static long rnrNanos(int syndrome) {
        return RNR_UNITS[syndrome & 0x1F] * 10_000L;
    }
}
