package io.doorbell.storage;

import java.util.Locale;

/**
 * A namespace as configuration spells it: {@code kind:size:blockBytes[:path]}, for example {@code memory:64MiB:512},
 * {@code null:1TiB:4096}, {@code file:10GiB:4096:var/nvme0n1.img}. Sizes take KiB, MiB, GiB, TiB or plain bytes.
 *
 * @param path where it is stored, empty where the kind has no path
 */
public record NamespaceSpec(String kind, long byteSize, int blockBytes, String path) {
    private static final String FORM =
            "kind:size:blockBytes[:path], such as memory:64MiB:512 or file:10GiB:4096:var/n1.img";

    public NamespaceSpec {
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException("block size " + blockBytes + " of namespace " + kind + ": 512 or 4096");
        }
        if (byteSize < blockBytes || byteSize % blockBytes != 0) {
            throw new IllegalArgumentException("size " + byteSize + " of namespace " + kind
                    + ": a whole number of blocks of " + blockBytes + " bytes, at least one");
        }
    }

    public static NamespaceSpec parse(String text) {
        String[] parts = text.trim().split(":", 4);
        if (parts.length < 3) {
            throw new IllegalArgumentException("namespace '" + text + "': the form is " + FORM);
        }
        int blockBytes;
        try {
            blockBytes = Integer.parseInt(parts[2].trim());
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "block size '" + parts[2] + "' of namespace '" + text + "': 512 or 4096", e);
        }
        return new NamespaceSpec(
                parts[0].trim(), bytes(parts[1].trim(), text), blockBytes, parts.length == 4 ? parts[3].trim() : "");
    }

    private static long bytes(String size, String text) {
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

    public long blockCount() {
        return byteSize / blockBytes;
    }

    /** As configuration spells it. */
    @Override
    public String toString() {
        String[] units = {"", "KiB", "MiB", "GiB", "TiB"};
        int unit = Math.min(Long.numberOfTrailingZeros(byteSize) / 10, units.length - 1);
        return kind + ":" + (byteSize >> 10 * unit) + units[unit] + ":" + blockBytes
                + (path.isEmpty() ? "" : ":" + path);
    }
}
