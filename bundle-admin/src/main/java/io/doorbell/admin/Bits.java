package io.doorbell.admin;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** Names of the bits of a field. Set ones without a name are said by their number. */
final class Bits {
    private final TreeMap<Integer, String> names = new TreeMap<>();
    private long values;

    /** Bit, name, bit, name. */
    static Bits of(Object... names) {
        var bits = new Bits();
        for (int i = 0; i < names.length; i += 2) {
            bits.names.put((Integer) names[i], (String) names[i + 1]);
        }
        return bits;
    }

    /** Bits that are no flags, but a number that is said elsewhere. */
    Bits except(long mask) {
        values |= mask;
        return this;
    }

    List<String> of(long raw) {
        var set = new ArrayList<String>();
        long flags = raw & ~values;
        for (int bit = 0; bit < Long.SIZE; bit++) {
            if ((flags >> bit & 1) != 0) {
                set.add(names.getOrDefault(bit, "bit " + bit));
            }
        }
        return List.copyOf(set);
    }
}
