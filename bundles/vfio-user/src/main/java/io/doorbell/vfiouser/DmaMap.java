package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;

import java.lang.foreign.MemorySegment;

/**
 * DMA_MAP: lets the device reach memory, which is behind the descriptor that comes along; without one it is reached by DMA_READ and DMA_WRITE.
 *
 * @param flags {@link #READABLE}, {@link #WRITABLE}
 * @param offset in the file
 * @param iova as the device will name it
 */
public record DmaMap(int flags, long offset, long iova, long bytes) {
    public static final int READABLE = 1;
    public static final int WRITABLE = 2;

    private static final int SIZE_BYTES = 32;

    /** @throws ProtocolException for unknown flags, for no bytes, and for a range that passes the end of what 64 bits address */
    public static DmaMap decode(MemorySegment payload) {
        Wire.require(payload, SIZE_BYTES, "DMA_MAP");
        Wire.argsz(payload, SIZE_BYTES, "DMA_MAP");
        var map = new DmaMap(payload.get(LE32, 4), payload.get(LE64, 8), payload.get(LE64, 16), payload.get(LE64, 24));
        if ((map.flags & ~(READABLE | WRITABLE)) != 0) {
            throw new ProtocolException(String.format("DMA_MAP with flags %Xh", map.flags));
        }
        if (map.bytes <= 0 || map.offset < 0 || wraps(map.iova, map.bytes)) {
            throw new ProtocolException(String.format(
                    "DMA_MAP of %Xh bytes at %Xh, from %Xh on of its file", map.bytes, map.iova, map.offset));
        }
        return map;
    }

    /** Whether a range of positive length goes beyond the last address; its last byte may be that. */
    static boolean wraps(long iova, long bytes) {
        return Long.compareUnsigned(iova + bytes - 1, iova) < 0;
    }

    public MemorySegment encode() {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, SIZE_BYTES);
        payload.set(LE32, 4, flags);
        payload.set(LE64, 8, offset);
        payload.set(LE64, 16, iova);
        payload.set(LE64, 24, bytes);
        return payload;
    }
}
