package io.doorbell.target;

import io.doorbell.storage.NamespaceSpec;

/**
 * How much I/O there may be in a second; what is more waits.
 *
 * @param iops commands, 0 for any number
 * @param bytesPerSecond bytes that move between host and namespace, or that a command without data covers; 0 for any number
 */
public record IoLimits(long iops, long bytesPerSecond) {
    public static final IoLimits NONE = new IoLimits(0, 0);

    /** More than any node does, and few enough that no arithmetic runs over. */
    public static final long MAX_IOPS = 1_000_000_000;

    public static final long MAX_BYTES_PER_SECOND = 1L << 40;

    /** Less cannot be told from a namespace that hangs. */
    public static final long MIN_BYTES_PER_SECOND = 4096;

    private static final String FORM =
            "iops:NUMBER, bytes:SIZE or both with a semicolon between, such as 5000 or 100MiB;" + " iops 1 to "
                    + MAX_IOPS + ", bytes 4KiB to 1TiB a second";

    public IoLimits {
        boolean iopsWrong = iops < 0 || iops > MAX_IOPS;
        boolean bytesWrong =
                bytesPerSecond != 0 && (bytesPerSecond < MIN_BYTES_PER_SECOND || bytesPerSecond > MAX_BYTES_PER_SECOND);
        if (iopsWrong || bytesWrong) {
            throw new IllegalArgumentException(
                    "limits of " + iops + " commands and " + bytesPerSecond + " bytes a second: " + FORM);
        }
    }

    public boolean isNone() {
        return iops == 0 && bytesPerSecond == 0;
    }

    /**
     * Reads {@code iops:5000;bytes:100MiB}, or one of the two.
     *
     * @throws IllegalArgumentException what is wrong, and what is allowed
     */
    public static IoLimits parse(String text) {
        long iops = 0;
        long bytes = 0;
        for (String part : text.split(";")) {
            int colon = part.indexOf(':');
            String key = part.substring(0, Math.max(0, colon)).trim();
            String value = part.substring(colon + 1).trim();
            try {
                switch (key) {
                    case "iops" -> iops = Long.parseLong(value);
                    case "bytes" -> bytes = NamespaceSpec.bytes(value, text);
                    default -> throw new IllegalArgumentException("\"" + part + "\": " + FORM);
                }
            } catch (NumberFormatException notANumber) {
                throw new IllegalArgumentException("\"" + part + "\": " + FORM, notANumber);
            }
        }
        var limits = new IoLimits(iops, bytes);
        if (limits.isNone()) {
            throw new IllegalArgumentException("\"" + text + "\" limits nothing: " + FORM);
        }
        return limits;
    }

    /** As configuration spells it. */
    @Override
    public String toString() {
        return (iops == 0 ? "" : "iops:" + iops)
                + (iops != 0 && bytesPerSecond != 0 ? ";" : "")
                + (bytesPerSecond == 0 ? "" : "bytes:" + bytesPerSecond);
    }
}
