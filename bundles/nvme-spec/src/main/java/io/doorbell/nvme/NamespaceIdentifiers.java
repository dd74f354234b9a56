package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.UUID;

/**
 * Namespace Identification Descriptor list, 4,096 bytes: the names by which a namespace is known on every path to it.
 * NVMe Base 2.1 §5.1.13.2.3 "Namespace Identification Descriptor list (CNS 03h)".
 *
 * <p>Each descriptor is NIDT, NIDL, two reserved bytes and the identifier; one with NIDL 0 ends the list.
 *
 * @param nguid 128 bits in the order they are written; {@link UUID} is only their container
 * @param csi Command Set Identifier, 0 for the NVM Command Set
 */
public record NamespaceIdentifiers(OptionalLong eui64, Optional<UUID> nguid, Optional<UUID> uuid, OptionalInt csi) {
    public static final int SIZE_BYTES = 4096;

    public static final int NIDT_EUI64 = 1;
    public static final int NIDT_NGUID = 2;
    public static final int NIDT_UUID = 3;
    public static final int NIDT_CSI = 4;

    public static final NamespaceIdentifiers NONE =
            new NamespaceIdentifiers(OptionalLong.empty(), Optional.empty(), Optional.empty(), OptionalInt.empty());

    private static final int HEADER_BYTES = 4;
    private static final Field.U8 NIDT = Field.u8(0);
    private static final Field.U8 NIDL = Field.u8(1);
    private static final Field.BigEndian64 NID_64 = Field.bigEndian64(HEADER_BYTES);
    private static final Field.BigEndian128 NID_128 = Field.bigEndian128(HEADER_BYTES);
    private static final Field.U8 NID_8 = Field.u8(HEADER_BYTES);

    public NamespaceIdentifiers withEui64(long value) {
        return new NamespaceIdentifiers(OptionalLong.of(value), nguid, uuid, csi);
    }

    public NamespaceIdentifiers withNguid(UUID value) {
        return new NamespaceIdentifiers(eui64, Optional.of(value), uuid, csi);
    }

    public NamespaceIdentifiers withUuid(UUID value) {
        return new NamespaceIdentifiers(eui64, nguid, Optional.of(value), csi);
    }

    public NamespaceIdentifiers withCsi(int value) {
        return new NamespaceIdentifiers(eui64, nguid, uuid, OptionalInt.of(value));
    }

    /**
     * Reads the list. Types it does not know are passed over; a descriptor whose length is not that of its type, or that
     * leaves the structure, ends the list: what stands behind it cannot be found.
     */
    public static NamespaceIdentifiers readFrom(MemorySegment list, long start) {
        var identifiers = NONE;
        long at = start;
        long end = start + SIZE_BYTES;
        while (at + HEADER_BYTES <= end) {
            int nidl = NIDL.get(list, at);
            int nidt = NIDT.get(list, at);
            if (nidl == 0 || at + HEADER_BYTES + nidl > end || !hasLengthOfItsType(nidt, nidl)) {
                break;
            }
            identifiers = switch (nidt) {
                case NIDT_EUI64 -> identifiers.withEui64(NID_64.get(list, at));
                case NIDT_NGUID -> identifiers.withNguid(NID_128.get(list, at));
                case NIDT_UUID -> identifiers.withUuid(NID_128.get(list, at));
                case NIDT_CSI -> identifiers.withCsi(NID_8.get(list, at));
                default -> identifiers;
            };
            at += HEADER_BYTES + nidl;
        }
        return identifiers;
    }

    /** Writes the whole structure, zeroes behind the last descriptor. */
    public void writeTo(MemorySegment list, long start) {
        list.asSlice(start, SIZE_BYTES).fill((byte) 0);
        long at = start;
        if (eui64.isPresent()) {
            NID_64.set(list, at, eui64.getAsLong());
            at = closed(list, at, NIDT_EUI64, NID_64);
        }
        if (nguid.isPresent()) {
            NID_128.set(list, at, nguid.get());
            at = closed(list, at, NIDT_NGUID, NID_128);
        }
        if (uuid.isPresent()) {
            NID_128.set(list, at, uuid.get());
            at = closed(list, at, NIDT_UUID, NID_128);
        }
        if (csi.isPresent()) {
            NID_8.set(list, at, csi.getAsInt());
            closed(list, at, NIDT_CSI, NID_8);
        }
    }

    private static long closed(MemorySegment list, long at, int nidt, Field nid) {
        NIDT.set(list, at, nidt);
        NIDL.set(list, at, nid.lengthBytes());
        return at + HEADER_BYTES + nid.lengthBytes();
    }

    private static boolean hasLengthOfItsType(int nidt, int nidl) {
        return switch (nidt) {
            case NIDT_EUI64 -> nidl == NID_64.lengthBytes();
            case NIDT_NGUID, NIDT_UUID -> nidl == NID_128.lengthBytes();
            case NIDT_CSI -> nidl == NID_8.lengthBytes();
            default -> true;
        };
    }
}
