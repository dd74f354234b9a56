package io.doorbell.storage;

import java.util.Locale;

/**
 * A namespace as configuration spells it: {@code kind:size:format[:path]}, for example {@code memory:64MiB:512},
 * {@code null:1TiB:4096}, {@code memory:64MiB:4096+8/pi1}, {@code file:10GiB:4096:var/nvme0n1.img}. Sizes take KiB, MiB,
 * GiB, TiB or plain bytes.
 *
 * @param byteSize of the data; metadata comes on top
 * @param format of the blocks, see {@link BlockFormat}
 * @param path where it is stored, empty where the kind has no path
 */
public record NamespaceSpec(String kind, long byteSize, BlockFormat format, String path) {
    private static final String FORM =
            "kind:size:format[:path], such as memory:64MiB:512, memory:1GiB:4096+8/pi1 or file:10GiB:4096:var/n1.img";

    public NamespaceSpec {
        int blockBytes = format.blockBytes();
        if (byteSize < blockBytes || byteSize % blockBytes != 0) {
            throw new IllegalArgumentException("size " + byteSize + " of namespace " + kind
                    + ": a whole number of blocks of " + blockBytes + " bytes, at least one");
        }
    }

    /** With blocks without metadata. */
    public NamespaceSpec(String kind, long byteSize, int blockBytes, String path) {
        this(kind, byteSize, BlockFormat.of(blockBytes), path);
    }

    public static NamespaceSpec parse(String text) {
        String[] parts = text.trim().split(":", 4);
        if (parts.length < 3) {
            throw new IllegalArgumentException("namespace '" + text + "': the form is " + FORM);
        }
        BlockFormat format;
        try {
            format = BlockFormat.parse(parts[2].trim());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("namespace '" + text + "': " + e.getMessage(), e);
        }
        return new NamespaceSpec(
                parts[0].trim(), bytes(parts[1].trim(), text), format, parts.length == 4 ? parts[3].trim() : "");
    }

    /**
     * A size with KiB, MiB, GiB or TiB, or in bytes.
     *
     * @param text what it stands in, for the message
     */
    public static long bytes(String size, String text) {
        String upper = size.toUpperCase(Locale.ROOT);
        String[] units = {"KIB", "MIB", "GIB", "TIB"};
        int shift = 0;
        String digits = upper;
        for (int i = 0; i < units.length; i++) {
            if (upper.endsWith(units[i])) {
                shift = 10 * (i + 1);
                digits = upper.substring(0, upper.length() - 3).trim();
            }
        }
        try {
            long count = Long.parseLong(digits);
            if (count < 0 || count > Long.MAX_VALUE >> shift) {
                throw new NumberFormatException(size);
            }
            return count << shift;
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "size '" + size + "' of namespace '" + text + "': a number, with KiB, MiB, GiB or TiB or without",
                    e);
        }
    }

    public int blockBytes() {
        return format.blockBytes();
    }

    public long blockCount() {
        return byteSize / blockBytes();
    }

    /** As configuration spells it. */
    @Override
    public String toString() {
        String[] units = {"", "KiB", "MiB", "GiB", "TiB"};
        int unit = Math.min(Long.numberOfTrailingZeros(byteSize) / 10, units.length - 1);
        return kind + ":" + (byteSize >> 10 * unit) + units[unit] + ":" + format + (path.isEmpty() ? "" : ":" + path);
    }
}
