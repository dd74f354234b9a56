package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;
import static io.doorbell.vfiouser.Wire.LE64;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The answer to DEVICE_GET_REGION_IO_FDS: parts of a region where a write may be made without a message, by way of descriptors that come along.
 *
 * <p>Of the kinds there are, {@link #SHADOWED} is the one for doorbells: the value is stored to memory behind one descriptor, then an eventfd is
 * signalled, which wakes a device that does not look. libvfio-user calls it a shadow ioeventfd; its entries have 48 bytes.
 */
public record RegionSigns(int index, List<Sign> signs) {
    /** A write signals an eventfd, and its value is lost. */
    public static final int EVENTFD = 0;

    /** A write is stored to memory and signals an eventfd. */
    public static final int SHADOWED = 2;

    /** The room that an answer of {@link #MAX_SIGNS} takes. */
    public static final int MAX_ANSWER_BYTES = 4096;

    private static final int MAX_SIGNS = 64;
    private static final int SIZE_BYTES = 16;
    private static final int SIGN_BYTES = 48;

    /** The entry as the specification has it: without a shadow. */
    private static final int LEAST_SIGN_BYTES = 40;

    /**
     * One part.
     *
     * @param offset in the region
     * @param bytes from there, or 0 for "whatever is written there"
     * @param eventDescriptor the index of the eventfd among the descriptors
     * @param memoryDescriptor with {@link #SHADOWED}, the index of the memory
     * @param memoryOffset with {@link #SHADOWED}, where {@code offset} is in that memory
     */
    public record Sign(
            long offset, long bytes, int kind, int eventDescriptor, int memoryDescriptor, long memoryOffset) {}

    public RegionSigns {
        signs = List.copyOf(signs);
    }

    public static MemorySegment question(int index) {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, MAX_ANSWER_BYTES);
        payload.set(LE32, 8, index);
        return payload;
    }

    /** What a question asks. */
    public record Question(int argsz, int index) {
        /** @throws ProtocolException if there is no room for an answer, or it has flags or a count, which are the answer's */
        public static Question decode(MemorySegment payload) {
            Wire.require(payload, SIZE_BYTES, "DEVICE_GET_REGION_IO_FDS");
            int argsz = Wire.argsz(payload, SIZE_BYTES, "DEVICE_GET_REGION_IO_FDS");
            if (payload.get(LE32, 4) != 0 || payload.get(LE32, 12) != 0) {
                throw new ProtocolException("DEVICE_GET_REGION_IO_FDS with flags or a count");
            }
            return new Question(argsz, payload.get(LE32, 8));
        }
    }

    /** @throws ProtocolException if it is not about {@code index}, or has more entries than were sent */
    public static RegionSigns decode(MemorySegment payload, int index) {
        Wire.require(payload, SIZE_BYTES, "DEVICE_GET_REGION_IO_FDS");
        int count = payload.get(LE32, 12);
        if (payload.get(LE32, 8) != index || Integer.compareUnsigned(count, MAX_SIGNS) > 0) {
            throw new ProtocolException("region " + index + ": an answer about region " + payload.get(LE32, 8)
                    + " with " + Integer.toUnsignedString(count) + " signs");
        }
        if (count == 0) {
            return new RegionSigns(index, List.of());
        }
        // The length of an entry is not fixed: that of them all tells it.
        long signBytes = (payload.byteSize() - SIZE_BYTES) / count;
        if (signBytes < LEAST_SIGN_BYTES) {
            throw new ProtocolException(
                    "region " + index + ": " + count + " signs in " + (payload.byteSize() - SIZE_BYTES) + " bytes");
        }
        var signs = new ArrayList<Sign>();
        for (int i = 0; i < count; i++) {
            signs.add(sign(payload.asSlice(SIZE_BYTES + i * signBytes, signBytes)));
        }
        return new RegionSigns(index, signs);
    }

    private static Sign sign(MemorySegment entry) {
        int kind = entry.get(LE32, 20);
        if (kind != SHADOWED) {
            return new Sign(entry.get(LE64, 0), entry.get(LE64, 8), kind, entry.get(LE32, 16), -1, 0);
        }
        Wire.require(entry, SIGN_BYTES, "a sign with memory");
        return new Sign(
                entry.get(LE64, 0),
                entry.get(LE64, 8),
                kind,
                entry.get(LE32, 16),
                entry.get(LE32, 28),
                entry.get(LE64, 32));
    }

    /** The answer, cut down to its fixed part where there is no room for more. */
    public MemorySegment encode(int argsz) {
        int whole = SIZE_BYTES + signs.size() * SIGN_BYTES;
        var payload = Wire.allocate(fits(argsz) ? whole : SIZE_BYTES);
        payload.set(LE32, 0, whole);
        payload.set(LE32, 8, index);
        payload.set(LE32, 12, signs.size());
        long at = SIZE_BYTES;
        for (var sign : fits(argsz) ? signs : List.<Sign>of()) {
            payload.set(LE64, at, sign.offset);
            payload.set(LE64, at + 8, sign.bytes);
            payload.set(LE32, at + 16, sign.eventDescriptor);
            payload.set(LE32, at + 20, sign.kind);
            payload.set(LE32, at + 28, sign.memoryDescriptor);
            payload.set(LE64, at + 32, sign.memoryOffset);
            at += SIGN_BYTES;
        }
        return payload;
    }

    /** Whether the whole answer has room, so that the descriptors go along. */
    public boolean fits(int argsz) {
        return SIZE_BYTES + signs.size() * SIGN_BYTES <= argsz;
    }
}
