package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE16;
import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The answer to DEVICE_GET_REGION_INFO: a BAR or the configuration space, and what of it can be mapped through the descriptor that comes along.
 *
 * @param index one of the constants here, or another
 * @param flags {@link #READABLE}, {@link #WRITABLE}, {@link #MAPPABLE}
 * @param bytes 0 for a region that the device has not
 * @param offset where the region begins in its file
 * @param areas what can be mapped, if it is {@link #MAPPABLE}
 */
public record RegionInfo(int index, int flags, long bytes, long offset, List<Area> areas) {
    public static final int BAR0 = 0;
    public static final int BAR4 = 4;
    public static final int BAR5 = 5;
    public static final int CONFIGURATION = 7;

    /** BARs 0 to 5, expansion ROM, configuration space, VGA. */
    public static final int PCI_REGION_COUNT = 9;

    public static final int READABLE = 1;
    public static final int WRITABLE = 2;
    public static final int MAPPABLE = 4;
    private static final int HAS_CAPABILITIES = 8;

    /** The most room that an answer is given. */
    public static final int MAX_ANSWER_BYTES = 4096;

    private static final int SIZE_BYTES = 32;
    private static final int MAX_AREAS = 64;

    /** The longest chain of capabilities that is followed. */
    private static final int MAX_CAPABILITIES = 16;

    private static final int CAPABILITY_BYTES = 8;
    private static final int SPARSE_MMAP = 1;
    private static final int SPARSE_MMAP_BYTES = CAPABILITY_BYTES + 8;
    private static final int AREA_BYTES = 16;

    /** A part of a region that can be mapped. */
    public record Area(long offset, long bytes) {}

    public RegionInfo {
        areas = List.copyOf(areas);
    }

    /** @param argsz the room for the answer */
    public static MemorySegment question(int index, int argsz) {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, argsz);
        payload.set(LE32, 8, index);
        return payload;
    }

    /** What a question asks. */
    public record Question(int argsz, int index) {
        /** @throws ProtocolException if there is no room for an answer */
        public static Question decode(MemorySegment payload) {
            Wire.require(payload, SIZE_BYTES, "DEVICE_GET_REGION_INFO");
            return new Question(Wire.argsz(payload, SIZE_BYTES, "DEVICE_GET_REGION_INFO"), payload.get(LE32, 8));
        }
    }

    /** The room that the whole answer takes, which may be more than there was; then nothing of what can be mapped is in it. */
    public static int argsz(MemorySegment payload) {
        Wire.require(payload, SIZE_BYTES, "DEVICE_GET_REGION_INFO");
        return payload.get(LE32, 0);
    }

    /**
     * Reads an answer.
     *
     * @throws ProtocolException if it is not about {@code index}, its capabilities are none, or an area is not in the region
     */
    public static RegionInfo decode(MemorySegment payload, int index) {
        Wire.require(payload, SIZE_BYTES, "DEVICE_GET_REGION_INFO");
        // Else what can be mapped was left out, and would look like all of the region.
        Wire.require(payload, Integer.toUnsignedLong(argsz(payload)), "DEVICE_GET_REGION_INFO");
        int flags = payload.get(LE32, 4);
        long bytes = payload.get(LE64, 16);
        long offset = payload.get(LE64, 24);
        if (payload.get(LE32, 8) != index || bytes < 0 || offset < 0 || offset + bytes < 0) {
            throw new ProtocolException(String.format(
                    "region %d: an answer about region %d of %Xh bytes at %Xh",
                    index, payload.get(LE32, 8), bytes, offset));
        }
        if ((flags & MAPPABLE) == 0 || bytes == 0) {
            return new RegionInfo(index, flags, bytes, offset, List.of());
        }
        var areas = (flags & HAS_CAPABILITIES) == 0 ? null : sparseAreas(payload, index, bytes);
        return new RegionInfo(index, flags, bytes, offset, areas == null ? List.of(new Area(0, bytes)) : areas);
    }

    /** The areas that are named, or null where none are, which means all of the region. */
    private static List<Area> sparseAreas(MemorySegment payload, int index, long regionBytes) {
        long at = Integer.toUnsignedLong(payload.get(LE32, 12));
        for (int i = 0; i < MAX_CAPABILITIES && at != 0; i++) {
            if (at < SIZE_BYTES || at + CAPABILITY_BYTES > payload.byteSize()) {
                throw new ProtocolException(
                        "region " + index + ": a capability at " + at + " of " + payload.byteSize());
            }
            if (Short.toUnsignedInt(payload.get(LE16, at)) == SPARSE_MMAP) {
                return areas(payload, at, index, regionBytes);
            }
            at = Integer.toUnsignedLong(payload.get(LE32, at + 4));
        }
        if (at != 0) {
            throw new ProtocolException("region " + index + ": more than " + MAX_CAPABILITIES + " capabilities");
        }
        return null;
    }

    private static List<Area> areas(MemorySegment payload, long at, int index, long regionBytes) {
        Wire.require(payload, at + SPARSE_MMAP_BYTES, "sparse mmap capability of region " + index);
        int count = payload.get(LE32, at + CAPABILITY_BYTES);
        if (Integer.compareUnsigned(count, MAX_AREAS) > 0) {
            throw new ProtocolException(
                    "region " + index + ": " + Integer.toUnsignedString(count) + " areas, more than " + MAX_AREAS);
        }
        Wire.require(payload, at + SPARSE_MMAP_BYTES + (long) count * AREA_BYTES, "areas of region " + index);
        var areas = new ArrayList<Area>();
        for (int i = 0; i < count; i++) {
            long entry = at + SPARSE_MMAP_BYTES + (long) i * AREA_BYTES;
            var area = new Area(payload.get(LE64, entry), payload.get(LE64, entry + 8));
            if (area.offset < 0 || area.bytes < 0 || area.offset > regionBytes - area.bytes) {
                throw new ProtocolException(String.format(
                        "region %d of %Xh bytes: an area of %Xh bytes at %Xh",
                        index, regionBytes, area.bytes, area.offset));
            }
            if (area.bytes > 0) {
                areas.add(area);
            }
        }
        return areas;
    }

    /** The answer, cut down to its fixed part where there is no room for more. */
    public MemorySegment encode(int argsz) {
        boolean mappable = (flags & MAPPABLE) != 0;
        int whole = mappable ? SIZE_BYTES + SPARSE_MMAP_BYTES + areas.size() * AREA_BYTES : SIZE_BYTES;
        boolean fits = whole <= argsz;
        var payload = Wire.allocate(fits ? whole : SIZE_BYTES);
        payload.set(LE32, 0, whole);
        payload.set(LE32, 4, mappable && fits ? flags | HAS_CAPABILITIES : flags);
        payload.set(LE32, 8, index);
        payload.set(LE32, 12, mappable && fits ? SIZE_BYTES : 0);
        payload.set(LE64, 16, bytes);
        payload.set(LE64, 24, offset);
        if (mappable && fits) {
            payload.set(LE16, SIZE_BYTES, (short) SPARSE_MMAP);
            payload.set(LE16, SIZE_BYTES + 2, (short) 1);
            payload.set(LE32, SIZE_BYTES + CAPABILITY_BYTES, areas.size());
            long at = SIZE_BYTES + SPARSE_MMAP_BYTES;
            for (var area : areas) {
                payload.set(LE64, at, area.offset);
                payload.set(LE64, at + 8, area.bytes);
                at += AREA_BYTES;
            }
        }
        return payload;
    }

    /** Whether the whole answer has room, so that the descriptor goes along. */
    public boolean fits(int argsz) {
        return SIZE_BYTES + SPARSE_MMAP_BYTES + areas.size() * AREA_BYTES <= argsz;
    }
}
