package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * DEVICE_SET_IRQS: what is to happen when an interrupt is raised.
 *
 * @param action one of {@link #MASK}, {@link #UNMASK}, {@link #TRIGGER}
 * @param data one of {@link #NONE}, {@link #BOOLEANS}, {@link #EVENTFDS}
 * @param index the kind: one of {@link IrqInfo}
 * @param start the first of the kind
 * @param count how many; 0 with {@link #NONE} and {@link #TRIGGER} ends all of the kind
 * @param booleans with {@link #BOOLEANS}, one for each
 */
public record IrqSet(int action, int data, int index, int start, int count, byte[] booleans) {
    public static final int NONE = 1;
    public static final int BOOLEANS = 2;
    public static final int EVENTFDS = 4;
    private static final int DATA_BITS = 7;

    public static final int MASK = 8;
    public static final int UNMASK = 16;
    public static final int TRIGGER = 32;
    private static final int ACTION_BITS = MASK | UNMASK | TRIGGER;

    private static final int SIZE_BYTES = 20;

    /**
     * @param descriptors how many came along: with {@link #EVENTFDS} none or one for each
     * @param available how many interrupts there are of {@code index}
     * @throws ProtocolException if it is malformed, or names an interrupt that is not there
     */
    public static IrqSet decode(MemorySegment payload, int descriptors, java.util.function.IntUnaryOperator available) {
        Wire.require(payload, SIZE_BYTES, "DEVICE_SET_IRQS");
        Wire.argsz(payload, SIZE_BYTES, "DEVICE_SET_IRQS");
        int flags = payload.get(LE32, 4);
        var set = new IrqSet(
                flags & ACTION_BITS,
                flags & DATA_BITS,
                payload.get(LE32, 8),
                payload.get(LE32, 12),
                payload.get(LE32, 16),
                payload.asSlice(SIZE_BYTES).toArray(ValueLayout.JAVA_BYTE));
        if (!set.isWellFormed(flags, descriptors) || !set.isWithin(available.applyAsInt(set.index))) {
            throw new ProtocolException(String.format(
                    "DEVICE_SET_IRQS with flags %Xh, kind %d, %d from %d on, %d descriptors, %d bytes of data",
                    flags, set.index, set.count, set.start, descriptors, set.booleans.length));
        }
        return set;
    }

    private boolean isWellFormed(int flags, int descriptors) {
        return (flags & ~(ACTION_BITS | DATA_BITS)) == 0
                && Integer.bitCount(action) == 1
                && Integer.bitCount(data) == 1
                && (data != BOOLEANS || booleans.length == count)
                && (descriptors == 0 || data == EVENTFDS && descriptors == count)
                && (count != 0 || start == 0 && action == TRIGGER && data == NONE);
    }

    private boolean isWithin(int there) {
        return start >= 0 && count >= 0 && count <= there && start <= there - count && (count > 0 || there > 0);
    }

    /** To send it, with as many descriptors as {@code count}. */
    public static MemorySegment eventFds(int index, int start, int count) {
        return encode(EVENTFDS | TRIGGER, index, start, count);
    }

    /** To end all interrupts of a kind. */
    public static MemorySegment end(int index) {
        return encode(NONE | TRIGGER, index, 0, 0);
    }

    private static MemorySegment encode(int flags, int index, int start, int count) {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, SIZE_BYTES);
        payload.set(LE32, 4, flags);
        payload.set(LE32, 8, index);
        payload.set(LE32, 12, start);
        payload.set(LE32, 16, count);
        return payload;
    }
}
