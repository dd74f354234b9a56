package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;

import java.lang.foreign.MemorySegment;

/**
 * DMA_UNMAP: takes a region away that was mapped, exactly as it was; or, with {@link #ALL}, all of them. The answer, which is the same again, comes
 * when the device does not reach it any more.
 */
public record DmaUnmap(int flags, long iova, long bytes) {
    /** All regions; address and length are 0. */
    public static final int ALL = 2;

    private static final int SIZE_BYTES = 24;

    /** @throws ProtocolException for unknown flags, and for an impossible range */
    public static DmaUnmap decode(MemorySegment payload) {
        Wire.require(payload, SIZE_BYTES, "DMA_UNMAP");
        Wire.argsz(payload, SIZE_BYTES, "DMA_UNMAP");
        var unmap = new DmaUnmap(payload.get(LE32, 4), payload.get(LE64, 8), payload.get(LE64, 16));
        // Dirty page bitmaps (bit 0) are those of migration.
        if (unmap.flags != 0 && unmap.flags != ALL) {
            throw new ProtocolException(String.format("DMA_UNMAP with flags %Xh", unmap.flags));
        }
        boolean possible = unmap.flags == ALL
                ? unmap.iova == 0 && unmap.bytes == 0
                : unmap.bytes > 0 && !DmaMap.wraps(unmap.iova, unmap.bytes);
        if (!possible) {
            throw new ProtocolException(String.format("DMA_UNMAP of %Xh bytes at %Xh", unmap.bytes, unmap.iova));
        }
        return unmap;
    }

    public MemorySegment encode() {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, SIZE_BYTES);
        payload.set(LE32, 4, flags);
        payload.set(LE64, 8, iova);
        payload.set(LE64, 16, bytes);
        return payload;
    }
}
