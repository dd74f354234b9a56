package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;

import java.lang.foreign.MemorySegment;

/**
 * The answer to DEVICE_GET_INFO; the question has the same form, with nothing in it but the room for the answer.
 *
 * @param flags {@link #RESET}, {@link #PCI}
 */
public record DeviceInfo(int flags, int regionCount, int irqCount) {
    /** It can be reset. */
    public static final int RESET = 1;

    public static final int PCI = 2;

    /** The most regions, and kinds of interrupt, that we believe in. */
    private static final int MAX_COUNT = 256;

    private static final int SIZE_BYTES = 16;

    /** @throws ProtocolException for counts that no device has */
    public static DeviceInfo decode(MemorySegment payload) {
        decodeQuestion(payload);
        var info = new DeviceInfo(payload.get(LE32, 4), payload.get(LE32, 8), payload.get(LE32, 12));
        if (Integer.compareUnsigned(info.regionCount, MAX_COUNT) > 0
                || Integer.compareUnsigned(info.irqCount, MAX_COUNT) > 0) {
            throw new ProtocolException("a device with " + Integer.toUnsignedString(info.regionCount) + " regions and "
                    + Integer.toUnsignedString(info.irqCount) + " kinds of interrupt");
        }
        return info;
    }

    /** @throws ProtocolException when there is no room for the answer */
    public static void decodeQuestion(MemorySegment payload) {
        Wire.require(payload, SIZE_BYTES, "DEVICE_GET_INFO");
        Wire.argsz(payload, SIZE_BYTES, "DEVICE_GET_INFO");
    }

    public static MemorySegment question() {
        return new DeviceInfo(0, 0, 0).encode();
    }

    public MemorySegment encode() {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, SIZE_BYTES);
        payload.set(LE32, 4, flags);
        payload.set(LE32, 8, regionCount);
        payload.set(LE32, 12, irqCount);
        return payload;
    }
}
