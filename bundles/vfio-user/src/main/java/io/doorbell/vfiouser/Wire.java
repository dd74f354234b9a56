package io.doorbell.vfiouser;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Little-endian numbers anywhere in a message. */
final class Wire {
    static final ValueLayout.OfShort LE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Wire() {}

    static MemorySegment allocate(long bytes) {
        return MemorySegment.ofArray(new byte[Math.toIntExact(bytes)]);
    }

    /** Refuses a payload that is shorter than the structure it should be; longer ones are those of a later version. */
    static void require(MemorySegment payload, long bytes, String what) {
        if (payload.byteSize() < bytes) {
            throw new ProtocolException(what + " has " + payload.byteSize() + " bytes, of " + bytes);
        }
    }

    /** The room a requester has for the answer, which every structure with an {@code argsz} begins with. */
    static int argsz(MemorySegment payload, int least, String what) {
        int argsz = payload.get(LE32, 0);
        if (argsz < least) {
            throw new ProtocolException(
                    what + " with argsz " + Integer.toUnsignedString(argsz) + ", less than " + least);
        }
        return argsz;
    }
}
