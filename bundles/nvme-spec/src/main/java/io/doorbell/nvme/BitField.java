package io.doorbell.nvme;

/** Bits of a register that are replaced as one number. */
final class BitField {
    private BitField() {}

    static long replace(long raw, int position, int count, int value) {
        long mask = (1L << count) - 1;
        if ((value & ~mask) != 0) {
            throw new IllegalArgumentException(
                    value + " does not fit the " + count + " bits from bit " + position + " on");
        }
        return raw & ~(mask << position) | (long) value << position;
    }
}
