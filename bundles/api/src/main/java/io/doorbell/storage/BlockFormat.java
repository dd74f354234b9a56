package io.doorbell.storage;

import io.doorbell.nvme.ProtectionFormat;
import java.util.Set;

/**
 * How the blocks of a namespace look: their data, the metadata beside it, and what of that is protection information. NVM
 * Command Set 1.1 §2.1.6 "Metadata Region", §5.3 "End-to-end Data Protection".
 *
 * <p>Spelled {@code 4096}, {@code 4096+8}, {@code 512+8/pi1}, {@code 4096+64/pi2/first/extended}.
 *
 * @param blockBytes data of a block: 512 or 4096
 * @param metadataBytes 0, 8, 16 or 64
 * @param extended whether a host moves the metadata behind the data of each block, and not in a buffer of its own
 * @param protection type of the protection information: 0 for none, 1 to 3
 * @param protectionFirst whether that stands at the beginning of the metadata, or at its end
 */
public record BlockFormat(
        int blockBytes, int metadataBytes, boolean extended, int protection, boolean protectionFirst) {
    private static final Set<Integer> METADATA = Set.of(0, 8, 16, 64);
    private static final String FORM =
            "blockBytes[+metadataBytes[/pi1|/pi2|/pi3[/first]][/extended]], such as 512, 4096+8/pi1 or 512+64/extended";

    public BlockFormat {
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException("block size " + blockBytes + ": 512 or 4096");
        }
        if (!METADATA.contains(metadataBytes)) {
            throw new IllegalArgumentException("metadata of " + metadataBytes + " bytes: 0, 8, 16 or 64");
        }
        if (metadataBytes == 0 && (extended || protection != 0)) {
            throw new IllegalArgumentException("neither extended blocks nor protection information without metadata");
        }
        if (protection < 0 || protection > 3 || protectionFirst && protection == 0) {
            throw new IllegalArgumentException("protection information of type " + protection + ": 1 to 3, 0 for none");
        }
    }

    /** Without metadata. */
    public static BlockFormat of(int blockBytes) {
        return new BlockFormat(blockBytes, 0, false, 0, false);
    }

    /** @throws IllegalArgumentException what is wrong, and what the form is */
    public static BlockFormat parse(String text) {
        String[] words = text.split("/", -1);
        String[] sizes = words[0].split("\\+", -1);
        boolean extended = false;
        boolean first = false;
        int protection = 0;
        for (int i = 1; i < words.length; i++) {
            switch (words[i].trim()) {
                case "extended" -> extended = true;
                case "first" -> first = true;
                case "pi1" -> protection = 1;
                case "pi2" -> protection = 2;
                case "pi3" -> protection = 3;
                default -> throw new IllegalArgumentException("\"" + words[i] + "\" of " + text + ": " + FORM);
            }
        }
        try {
            int blockBytes = Integer.parseInt(sizes[0].trim());
            int metadataBytes = sizes.length == 1 ? 0 : Integer.parseInt(sizes[1].trim());
            if (sizes.length <= 2) {
                return new BlockFormat(blockBytes, metadataBytes, extended, protection, first);
            }
        } catch (NumberFormatException notANumber) {
            // Said below.
        }
        throw new IllegalArgumentException("block size \"" + text + "\": " + FORM);
    }

    /** What a store keeps of a block: its data, and its metadata behind it. */
    public int storedBytes() {
        return blockBytes + metadataBytes;
    }

    /** Where the protection information is, or null where there is none. */
    public ProtectionFormat protectionFormat() {
        return protection == 0 ? null : new ProtectionFormat(protection, protectionFirst, blockBytes, metadataBytes);
    }

    @Override
    public String toString() {
        return blockBytes
                + (metadataBytes == 0 ? "" : "+" + metadataBytes)
                + (protection == 0 ? "" : "/pi" + protection)
                + (protectionFirst ? "/first" : "")
                + (extended ? "/extended" : "");
    }
}
