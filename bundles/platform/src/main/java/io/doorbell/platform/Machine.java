package io.doorbell.platform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this machine has, read from /proc and /sys at the time of the call. Any thread; control path, since each answer is a file read. A number
 * that cannot be read is {@link #UNKNOWN}.
 */
public final class Machine {
    /** An ordinary page on x86-64. */
    public static final long PAGE_BYTES = 4096;

    /** The huge page that we use; x86-64 has 1 GiB too. */
    public static final long HUGE_PAGE_BYTES = 2L << 20;

    /** The answer where a file is missing or unreadable. */
    public static final long UNKNOWN = -1;

    /** The answer for a limit that is not set. */
    public static final long UNLIMITED = Long.MAX_VALUE;

    private static final Path HUGE_PAGE_POOL = Path.of("/sys/kernel/mm/hugepages/hugepages-2048kB");
    private static final Path TRANSPARENT_HUGE_PAGES = Path.of("/sys/kernel/mm/transparent_hugepage");

    private Machine() {}

    /** Reserved huge pages of 2 MiB, used or not. */
    public static long totalHugePages() {
        return number(text(HUGE_PAGE_POOL.resolve("nr_hugepages")));
    }

    /** Reserved huge pages of 2 MiB that nobody uses. Some of them may be promised already. */
    public static long freeHugePages() {
        return number(text(HUGE_PAGE_POOL.resolve("free_hugepages")));
    }

    /** Memory that can be had without swapping, in bytes, as the kernel estimates it. Ignores the limits of a container. */
    public static long availableMemoryBytes() {
        return kibibytes(text(Path.of("/proc/meminfo")), "MemAvailable:");
    }

    /** How much this process may lock or pin for DMA (the soft RLIMIT_MEMLOCK), in bytes, or {@link #UNLIMITED}. */
    public static long lockedMemoryLimitBytes() {
        return softLimit(text(Path.of("/proc/self/limits")), "Max locked memory");
    }

    /** Whether the kernel heeds advice to use huge pages for private memory. */
    static boolean advisesHugePages() {
        return heedsAdvice(text(TRANSPARENT_HUGE_PAGES.resolve("enabled")));
    }

    /** Whether the kernel heeds advice to use huge pages for shared memory. */
    static boolean advisesSharedHugePages() {
        return heedsAdvice(text(TRANSPARENT_HUGE_PAGES.resolve("shmem_enabled")));
    }

    /** Takes the line of words that such a file is, the chosen one in brackets. Linux "Transparent Hugepage Support". */
    static boolean heedsAdvice(String choices) {
        int open = choices.indexOf('[');
        int close = choices.indexOf(']');
        if (open < 0 || close < open) {
            return false;
        }
        return switch (choices.substring(open + 1, close)) {
            case "always", "madvise", "advise", "within_size", "force" -> true;
            default -> false;
        };
    }

    static long kibibytes(String meminfo, String label) {
        long kibibytes = meminfo.lines()
                .filter(line -> line.startsWith(label))
                .map(line -> line.substring(label.length()).replace("kB", ""))
                .mapToLong(Machine::number)
                .findFirst()
                .orElse(UNKNOWN);
        return kibibytes == UNKNOWN ? UNKNOWN : kibibytes * 1024;
    }

    static long softLimit(String limits, String label) {
        return limits.lines()
                .filter(line -> line.startsWith(label))
                .map(line -> line.substring(label.length()).strip().split("\\s+")[0])
                .mapToLong(limit -> limit.equals("unlimited") ? UNLIMITED : number(limit))
                .findFirst()
                .orElse(UNKNOWN);
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text.strip());
        } catch (NumberFormatException absent) {
            return UNKNOWN;
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException unreadable) {
            return ""; // A container may hide the file; whoever asks is told UNKNOWN.
        }
    }
}
