package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE64;

import java.lang.foreign.MemorySegment;

/** DMA_READ and DMA_WRITE, question and answer: what comes before the data. From a device to memory that it cannot map. */
public record DmaAccess(long iova, long count) {
    private static final int SIZE_BYTES = 16;

    /**
     * A DMA_READ.
     *
     * @throws ProtocolException if it asks for more than one message holds
     */
    public static DmaAccess decodeRead(MemorySegment payload) {
        Wire.require(payload, SIZE_BYTES, "DMA access");
        var access = new DmaAccess(payload.get(LE64, 0), payload.get(LE64, 8));
        if (Long.compareUnsigned(access.count, Header.MAX_DATA_BYTES) > 0
                || access.count > 0 && DmaMap.wraps(access.iova, access.count)) {
            throw new ProtocolException(String.format("DMA access of %Xh bytes at %Xh", access.count, access.iova));
        }
        return access;
    }

    /**
     * A DMA_WRITE, or the answer to a read: {@link #data} follows.
     *
     * @throws ProtocolException if what follows is not as long as it says
     */
    public static DmaAccess decodeWithData(MemorySegment payload) {
        var access = decodeRead(payload);
        if (payload.byteSize() - SIZE_BYTES != access.count) {
            throw new ProtocolException(
                    "a DMA access of " + access.count + " bytes with " + (payload.byteSize() - SIZE_BYTES));
        }
        return access;
    }

    /** The data of a payload that was decoded with some. */
    public static MemorySegment data(MemorySegment payload) {
        return payload.asSlice(SIZE_BYTES);
    }

    /** A question without data, or the answer to a write. */
    public MemorySegment encode() {
        return fill(Wire.allocate(SIZE_BYTES));
    }

    /** A payload with room for data of {@link #count} bytes. */
    public MemorySegment encodeWithData() {
        return fill(Wire.allocate(SIZE_BYTES + count));
    }

    private MemorySegment fill(MemorySegment payload) {
        payload.set(LE64, 0, iova);
        payload.set(LE64, 8, count);
        return payload;
    }
}
