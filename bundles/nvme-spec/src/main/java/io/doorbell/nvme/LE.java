package io.doorbell.nvme;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/** The little-endian values all of NVMe is made of. */
final class LE {
    /** Aligned, for rings and doorbells: only aligned layouts allow acquire and release. */
    static final ValueLayout.OfByte LE8 = JAVA_BYTE;

    static final ValueLayout.OfShort LE16 = JAVA_SHORT.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfInt LE32 = JAVA_INT.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfLong LE64 = JAVA_LONG.withOrder(LITTLE_ENDIAN);

    /** Unaligned, for data structures in a caller's buffer, which may start anywhere and may be a Java array. */
    static final ValueLayout.OfShort LE16_UNALIGNED = JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    static final ValueLayout.OfInt LE32_UNALIGNED = JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfLong LE64_UNALIGNED = JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private LE() {}

    /** Exact invocation turns a wrong operand type into an exception instead of a silent slow path. */
    static VarHandle field(StructLayout layout, String name) {
        return layout.varHandle(groupElement(name)).withInvokeExactBehavior();
    }
}
