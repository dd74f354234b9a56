package io.doorbell.host;

/**
 * What travels with each logical block, and how. NVM Command Set 1.1 §2.1.6 "Metadata Region" and §5.3 "End-to-end Data
 * Protection".
 *
 * @param bytes of metadata with each block, 0 for none
 * @param extended whether it follows each block in the data (extended logical blocks); else it has a buffer of its own
 * @param protectionType of the protection information in it: 0 for none, 1 to 3
 * @param protectionBytes length of that: 8, or 16 with the larger guards; 0 for none
 * @param protectionFirst whether that is at the beginning of the metadata, else at its end
 * @param referenceTagBits length of the reference tag, what is left of it by the storage tag; 0 without protection
 */
public record MetadataFormat(
        int bytes,
        boolean extended,
        int protectionType,
        int protectionBytes,
        boolean protectionFirst,
        int referenceTagBits) {
    public static final MetadataFormat NONE = new MetadataFormat(0, false, 0, 0, false, 0);

    /** The protection information with a guard of 16 bits. */
    public static final int PROTECTION_BYTES = 8;

    public static final int REFERENCE_TAG_BITS = 32;

    public MetadataFormat {
        if (bytes < 0 || protectionType < 0 || protectionType > 3) {
            throw new IllegalArgumentException(bytes + " bytes of metadata, protection type " + protectionType);
        }
    }

    /** Without protection information. */
    public static MetadataFormat of(int bytes, boolean extended) {
        return bytes == 0 ? NONE : new MetadataFormat(bytes, extended, 0, 0, false, 0);
    }

    /** With protection information of the ordinary sort: a guard of 16 bits, no storage tag. */
    public static MetadataFormat withProtection(int bytes, boolean extended, int type, boolean first) {
        return new MetadataFormat(bytes, extended, type, PROTECTION_BYTES, first, REFERENCE_TAG_BITS);
    }

    public boolean isProtected() {
        return protectionType != 0;
    }

    /** Bytes of metadata of a block in a buffer of its own. */
    public int separateBytes() {
        return extended ? 0 : bytes;
    }

    /** Bytes of metadata of a block in the data. */
    public int inDataBytes() {
        return extended ? bytes : 0;
    }

    /**
     * Whether a command with {@link QueuePair#PROTECTION_ACTION} moves no metadata: there is nothing but protection information,
     * which the controller then makes and checks by itself.
     */
    public boolean vanishesWithAction() {
        return isProtected() && bytes == protectionBytes;
    }

    /** Whether the reference tag counts blocks: of types 1 and 2 it grows by one with each. */
    public boolean countsBlocks() {
        return protectionType == 1 || protectionType == 2;
    }
}
