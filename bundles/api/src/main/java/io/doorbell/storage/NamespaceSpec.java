package io.doorbell.storage;

import java.util.Locale;

/**
 * A namespace as configuration spells it: {@code kind:size:format[:path]}, for example {@code memory:64MiB:512},
 * {@code null:1TiB:4096}, {@code memory:64MiB:4096+8/pi1}, {@code file:10GiB:4096:var/nvme0n1.img}. Sizes take KiB, MiB,
 * GiB, TiB or plain bytes. One that is on a controller has the size and the format that it has there: {@code
 * nvme:trtype:PCIE traddr:0000:01:00.0 ns:1}.
 *
 * @param byteSize of the data; metadata comes on top. 0 where it {@link #isFound}
 * @param format of the blocks, see {@link BlockFormat}; null where it {@link #isFound}
 * @param path where it is stored, empty where the kind has no path; a transport id where it {@link #isFound}
 */
public record NamespaceSpec(String kind, long byteSize, BlockFormat format, String path) {
    private static final String FORM =
            "kind:size:format[:path], such as memory:64MiB:512, memory:1GiB:4096+8/pi1 or file:10GiB:4096:var/n1.img;"
                    + " or nvme:transportId, such as nvme:trtype:PCIE traddr:0000:01:00.0 ns:1";

    /** How a transport id begins. */
    private static final String FOUND = "trtype";

    public NamespaceSpec {
        int blockBytes = format == null ? 1 : format.blockBytes();
        if (format != null && (byteSize < blockBytes || byteSize % blockBytes != 0)) {
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
        if (parts.length >= 3 && parts[1].trim().equalsIgnoreCase(FOUND)) {
            String kind = parts[0].trim();
            return new NamespaceSpec(
                    kind,
                    0,
                    (BlockFormat) null,
                    text.trim().substring(parts[0].length() + 1).trim());
        }
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

    /** Whether size and format are those of what is there. */
    public boolean isFound() {
        return format == null;
    }

    /** @throws IllegalArgumentException where it {@link #isFound}, which not every kind can do */
    @Override
    public BlockFormat format() {
        if (format == null) {
            throw new IllegalArgumentException("a namespace of kind " + kind + " needs a size and a format: " + FORM);
        }
        return format;
    }

    public int blockBytes() {
        return format().blockBytes();
    }

    public long blockCount() {
        return byteSize / blockBytes();
    }

    /** As configuration spells it. */
    @Override
    public String toString() {
        if (isFound()) {
            return kind + ":" + path;
        }
        String[] units = {"", "KiB", "MiB", "GiB", "TiB"};
        int unit = Math.min(Long.numberOfTrailingZeros(byteSize) / 10, units.length - 1);
        return kind + ":" + (byteSize >> 10 * unit) + units[unit] + ":" + format + (path.isEmpty() ? "" : ":" + path);
    }
}
