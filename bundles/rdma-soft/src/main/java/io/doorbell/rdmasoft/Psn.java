package io.doorbell.rdmasoft;

/** Packet sequence numbers: 24 bits that go round. IBTA vol. 1 release 1.4 §9.7.2 "Packet Sequence Numbers (PSN)". */
final class Psn {
    static final int MASK = 0xFF_FFFF;

    private Psn() {}

    static int add(int psn, int count) {
        return psn + count & MASK;
    }

    /** How far {@code psn} is ahead of {@code other}: negative when it is behind, between -2^23 and 2^23 - 1. */
    static int ahead(int psn, int other) {
        return psn - other << 8 >> 8;
    }
}
