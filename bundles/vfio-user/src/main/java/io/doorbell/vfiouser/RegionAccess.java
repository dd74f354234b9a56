package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;

import java.lang.foreign.MemorySegment;

/** REGION_READ and REGION_WRITE, question and answer: what comes before the data. */
public record RegionAccess(long offset, int region, int count) {
    private static final int SIZE_BYTES = 16;

    /**
     * A REGION_READ.
     *
     * @throws ProtocolException if it asks for more than one message holds
     */
    public static RegionAccess decodeRead(MemorySegment payload) {
        return decode(payload, "REGION_READ");
    }

    /**
     * A REGION_WRITE, or the answer to a read: {@link #data} follows.
     *
     * @throws ProtocolException if what follows is not as long as it says
     */
    public static RegionAccess decodeWithData(MemorySegment payload) {
        var access = decode(payload, "REGION_WRITE");
        if (payload.byteSize() - SIZE_BYTES != access.count) {
            throw new ProtocolException(
                    "a region access of " + access.count + " bytes with " + (payload.byteSize() - SIZE_BYTES));
        }
        return access;
    }

    private static RegionAccess decode(MemorySegment payload, String what) {
        Wire.require(payload, SIZE_BYTES, what);
        var access = new RegionAccess(payload.get(LE64, 0), payload.get(LE32, 8), payload.get(LE32, 12));
        if (access.offset < 0 || Integer.compareUnsigned(access.count, Header.MAX_DATA_BYTES) > 0) {
            throw new ProtocolException(String.format(
                    "%s of %Xh bytes at %Xh of region %d", what, access.count, access.offset, access.region));
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
        return fill(Wire.allocate(SIZE_BYTES + (long) count));
    }

    private MemorySegment fill(MemorySegment payload) {
        payload.set(LE64, 0, offset);
        payload.set(LE32, 8, region);
        payload.set(LE32, 12, count);
        return payload;
    }
}
