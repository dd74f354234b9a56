package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.doorbell.pci.PciException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/** The capabilities behind an answer of the kernel: {@code struct vfio_info_cap_header}, each with the offset of the next from the answer's start. */
final class CapabilityChain {
    static final int HEADER_BYTES = 8;

    /** There are a handful of kinds. */
    private static final int MAX_CAPABILITIES = 64;

    /** Answers are some hundreds of bytes; what says more is not believed. */
    static final int MAX_ANSWER_BYTES = 64 << 10;

    private CapabilityChain() {}

    /**
     * Each capability by its id, from its header to the end of the answer.
     *
     * @param what was asked, for messages
     * @param answer as long as the kernel says that it is
     * @param fixedBytes of the structure before the capabilities
     * @param first offset of the first, 0 for none
     * @throws PciException if an offset leads out of the answer, into its fixed part, or in a circle
     */
    static Map<Integer, MemorySegment> of(String what, MemorySegment answer, int fixedBytes, int first) {
        var found = new HashMap<Integer, MemorySegment>();
        long offset = Integer.toUnsignedLong(first);
        for (int count = 0; offset != 0; count++) {
            if (count == MAX_CAPABILITIES
                    || offset < fixedBytes
                    || offset % Integer.BYTES != 0
                    || offset > answer.byteSize() - HEADER_BYTES) {
                throw new PciException(String.format(
                        "%s: the kernel's answer of %d bytes has capability %d at %d",
                        what, answer.byteSize(), count, offset));
            }
            found.putIfAbsent(Short.toUnsignedInt(answer.get(JAVA_SHORT, offset)), answer.asSlice(offset));
            offset = Integer.toUnsignedLong(answer.get(JAVA_INT, offset + 4));
        }
        return found;
    }

    /** The bytes of a table in a capability, of {@code count} entries; checked. */
    static MemorySegment table(String what, MemorySegment capability, long offset, int count, int entryBytes) {
        long bytes = Integer.toUnsignedLong(count) * entryBytes;
        if (offset + bytes > capability.byteSize()) {
            throw new PciException(what + ": a table of " + Integer.toUnsignedString(count) + " entries in "
                    + capability.byteSize() + " bytes");
        }
        return capability.asSlice(offset, bytes);
    }
}
