package io.doorbell.perf;

import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the flags mean, checked. What depends on a namespace (block size, capacity) is checked when it is known.
 *
 * @param flags as they were given
 * @param ioDepth outstanding per namespace and core
 * @param readPercent 0 to 100; 100 and 0 for patterns of one kind
 * @param timeNanos how long, 0 when only the number of I/Os ends the run
 * @param cores CPUs to work on; empty for one, wherever the reactors place it
 * @param unusedQueuePairs per controller, held and idle
 * @param maxCompletions per poll, {@link Integer#MAX_VALUE} for no limit
 * @param ioLimit null for none
 * @param zipfTheta 0 for uniform
 * @param useEveryCore whether each namespace is driven from each core
 * @param ioUnitBytes the data lies in pieces of so many; 0 for one piece
 * @param queueEntries 0 for what is needed
 * @param targets empty for all controllers
 * @param latencyDetail how often {@code -L} was given, 0 to 2
 * @param json null for none, {@code -} for the standard output
 * @param rate I/Os per second of all workers, 0 for a closed loop
 * @param tellEachFailed every so many failed I/Os of a worker one is told; 0 for none
 * @param cpuUsage whether the live line tells how busy the cores are
 * @param protection of namespaces with protection information
 * @param interrupts whether it sleeps until completions interrupt, where they can
 */
record PerfOptions(
        List<String> flags,
        int ioDepth,
        int ioBytes,
        IoPattern pattern,
        int readPercent,
        long timeNanos,
        long warmupNanos,
        List<Integer> cores,
        boolean useEveryCore,
        int queuePairs,
        int unusedQueuePairs,
        int maxCompletions,
        IoLimit ioLimit,
        double zipfTheta,
        int alignment,
        int ioUnitBytes,
        int queueEntries,
        List<TransportId> targets,
        int latencyDetail,
        String json,
        long rate,
        boolean verify,
        long seed,
        Duration resume,
        BlockProtection protection,
        int tellEachFailed,
        boolean cpuUsage,
        boolean interrupts) {
    static final int MAX_IO_DEPTH = 65_535;
    static final int MAX_IO_BYTES = 64 << 20;
    static final int MAX_QUEUE_PAIRS = 256;
    static final int MAX_ALIGNMENT = 2 << 20;
    static final int DEFAULT_ALIGNMENT = 4096;
    static final int MAX_PIECES = 1024;
    static final int MAX_THETA = 10;
    static final int MAX_TARGETS = 256;
    static final int MAX_SECONDS = 31_536_000;
    static final int MAX_RATE = 1_000_000_000;
    static final int MAX_RESUME_SECONDS = 3600;
    static final int DEFAULT_RESUME_SECONDS = 10;
    static final int DEFAULT_SEED = 1;

    private static final int MIN_IO_BYTES = 512;
    private static final int MIN_ALIGNMENT = 64;
    private static final int MIN_UNIT_BYTES = 4;
    private static final int MAX_QUEUE_ENTRIES = 65_536;
    private static final Pattern SIZE = Pattern.compile("(\\d{1,9})([kKmM]?)");
    private static final Pattern SECONDS = Pattern.compile("(\\d{1,8})(?:\\.(\\d{1,9}))?");
    private static final Pattern LIMIT = Pattern.compile("(\\d{1,18})(%?)");

    /** After how many I/Os a worker ends: a number, or a part of what it covers of the namespace. */
    record IoLimit(long value, boolean percent) {
        /** I/Os, of a region that has room for {@code ioCount}. */
        long ios(long ioCount) {
            // In two steps: the product may pass 63 bits.
            return percent ? ioCount / 100 * value + ioCount % 100 * value / 100 : value;
        }

        @Override
        public String toString() {
            return value + (percent ? "%" : "");
        }
    }

    /** @throws UsageException for the first thing that is wrong */
    static PerfOptions parse(List<String> flags) {
        return of(PerfCommandLine.parse(flags), flags);
    }

    /** @throws UsageException for the first thing that is wrong */
    static PerfOptions of(PerfFlags flags, List<String> words) {
        var ioDepth = number("-q", flags.ioDepth, 1, MAX_IO_DEPTH);
        var pattern = pattern(flags.ioPattern);
        var queuePairs = flags.queuePairs == null ? 1 : number("-P", flags.queuePairs, 1, MAX_QUEUE_PAIRS);
        if (queuePairs > ioDepth) {
            throw UsageException.of("-P", flags.queuePairs, "1 to " + ioDepth + ", as -q is " + ioDepth);
        }
        if (flags.time == null && flags.numberIos == null) {
            throw new UsageException("-t is missing: seconds above 0 to " + MAX_SECONDS + ", or -d");
        }
        var warmupNanos = flags.warmupTime == null ? 0 : nanos("-a", flags.warmupTime, true);
        if (flags.numberIos != null && flags.warmupTime != null) {
            throw new UsageException("-a " + flags.warmupTime + ": not together with -d " + flags.numberIos);
        }
        if (flags.latencyDetail.length > 2) {
            throw new UsageException("-L given " + flags.latencyDetail.length + " times: allowed: -L or -LL");
        }
        var maxCompletions = flags.maxCompletions == null ? 0 : number("-C", flags.maxCompletions, 0, MAX_IO_DEPTH);
        return new PerfOptions(
                List.copyOf(words),
                ioDepth,
                ioBytes(flags.ioSize),
                pattern,
                readPercent(flags.readPercent, pattern),
                flags.time == null ? 0 : nanos("-t", flags.time, false),
                warmupNanos,
                flags.cores == null ? List.of() : CoreSet.parse("-c", flags.cores),
                flags.useEveryCore,
                queuePairs,
                flags.unusedQueuePairs == null ? 0 : number("-U", flags.unusedQueuePairs, 0, MAX_QUEUE_PAIRS),
                maxCompletions == 0 ? Integer.MAX_VALUE : maxCompletions,
                flags.numberIos == null ? null : ioLimit(flags.numberIos, ioDepth),
                flags.zipf == null ? 0 : theta(flags.zipf, pattern),
                flags.alignment == null ? DEFAULT_ALIGNMENT : alignment(flags.alignment),
                flags.ioUnit == null ? 0 : ioUnit(flags.ioUnit, flags.ioSize),
                flags.queueSize == null ? 0 : number("--io-queue-size", flags.queueSize, 2, MAX_QUEUE_ENTRIES),
                targets(flags.transports),
                flags.latencyDetail.length,
                flags.json,
                flags.rate == null ? 0 : number("--rate", flags.rate, 1, MAX_RATE),
                flags.verify,
                flags.seed == null ? DEFAULT_SEED : seed(flags.seed),
                Duration.ofSeconds(
                        flags.resume == null
                                ? DEFAULT_RESUME_SECONDS
                                : number("--resume", flags.resume, 0, MAX_RESUME_SECONDS)),
                flags.metadata == null ? BlockProtection.NONE : BlockProtection.parse("-e", flags.metadata),
                flags.continueOnError == null ? 0 : number("-Q", flags.continueOnError, 1, MAX_RATE),
                flags.cpuUsage,
                flags.interrupts);
    }

    boolean openLoop() {
        return rate > 0;
    }

    private static int number(String flag, String text, int least, int most) {
        if (text.matches("\\d{1,9}|1000000000")) {
            var value = Integer.parseInt(text);
            if (value >= least && value <= most) {
                return value;
            }
        }
        throw UsageException.of(flag, text, least + " to " + most);
    }

    /** Bytes, or -1 where the text is no size. */
    private static long size(String text) {
        var size = SIZE.matcher(text);
        if (!size.matches()) {
            return -1;
        }
        var shift = size.group(2).isEmpty() ? 0 : size.group(2).equalsIgnoreCase("k") ? 10 : 20;
        return Long.parseLong(size.group(1)) << shift;
    }

    private static int ioBytes(String text) {
        var bytes = size(text);
        if (bytes < MIN_IO_BYTES || bytes > MAX_IO_BYTES || bytes % MIN_IO_BYTES != 0) {
            throw UsageException.of("-o", text, "512 to 64M, a multiple of 512, as 4096, 4k or 1M");
        }
        return (int) bytes;
    }

    private static int ioUnit(String text, String ioSize) {
        var bytes = size(text);
        if (bytes < MIN_UNIT_BYTES || bytes > MAX_IO_BYTES || bytes % MIN_UNIT_BYTES != 0) {
            throw UsageException.of("-O", text, "4 to 64M, a multiple of 4");
        }
        var pieces = Math.ceilDiv(ioBytes(ioSize), (int) bytes);
        if (pieces > MAX_PIECES) {
            throw UsageException.of("-O", text, "at most " + MAX_PIECES + " pieces of -o, not " + pieces);
        }
        return (int) bytes;
    }

    private static int alignment(String text) {
        var bytes = size(text);
        if (bytes < MIN_ALIGNMENT || bytes > MAX_ALIGNMENT || Long.bitCount(bytes) != 1) {
            throw UsageException.of("-A", text, "a power of two, 64 to 2M");
        }
        return (int) bytes;
    }

    /**
     * For a run inside a node, where any namespace may be the disk of a host.
     *
     * @throws UsageException when it would write to one that is not named
     */
    void requireNamesOfWhatIsWritten() {
        if (readPercent < 100 && (targets.isEmpty() || targets.stream().anyMatch(each -> each.ns() == 0))) {
            throw UsageException.of(
                    "-w",
                    pattern.flag(),
                    "inside a node, whose hosts may have data there, with each namespace that is written over named,"
                            + " as in -r 'trtype:EMULATED traddr:nvme0 ns:2'");
        }
    }

    private static IoPattern pattern(String text) {
        for (var pattern : IoPattern.values()) {
            if (pattern.flag().equals(text)) {
                return pattern;
            }
        }
        throw UsageException.of("-w", text, IoPattern.allowed());
    }

    private static int readPercent(String text, IoPattern pattern) {
        if (pattern.mixed()) {
            if (text == null) {
                throw new UsageException("-M is missing: 0 to 100, the percentage of reads in -w " + pattern.flag());
            }
            return number("-M", text, 0, 100);
        }
        if (text != null) {
            throw UsageException.of("-M", text, "only with -w rw or randrw, not with " + pattern.flag());
        }
        return pattern.reads() ? 100 : 0;
    }

    private static long nanos(String flag, String text, boolean mayBeZero) {
        var seconds = SECONDS.matcher(text);
        if (seconds.matches()) {
            var fraction = seconds.group(2) == null ? "" : seconds.group(2);
            var nanos = Long.parseLong(seconds.group(1)) * 1_000_000_000L
                    + Long.parseLong(fraction + "0".repeat(9 - fraction.length()));
            if ((nanos > 0 || mayBeZero) && nanos <= MAX_SECONDS * 1_000_000_000L) {
                return nanos;
            }
        }
        throw UsageException.of(flag, text, "seconds, " + (mayBeZero ? "0" : "above 0") + " to " + MAX_SECONDS);
    }

    private static IoLimit ioLimit(String text, int ioDepth) {
        var limit = LIMIT.matcher(text);
        if (limit.matches()) {
            var value = Long.parseLong(limit.group(1));
            var percent = !limit.group(2).isEmpty();
            if (percent ? value >= 1 && value <= 1_000_000 : value >= ioDepth) {
                return new IoLimit(value, percent);
            }
        }
        throw UsageException.of("-d", text, "a number of I/Os, at least -q (" + ioDepth + "), or 1% to 1000000%");
    }

    private static double theta(String text, IoPattern pattern) {
        if (!pattern.random()) {
            throw UsageException.of("-F", text, "only with random patterns, not with -w " + pattern.flag());
        }
        if (text.matches("\\d{1,2}(\\.\\d{1,9})?")) {
            var theta = Double.parseDouble(text);
            if (theta > 0 && theta <= MAX_THETA) {
                return theta;
            }
        }
        throw UsageException.of("-F", text, "above 0 to " + MAX_THETA);
    }

    private static long seed(String text) {
        if (text.matches("\\d{1,18}")) {
            return Long.parseLong(text);
        }
        throw UsageException.of("--seed", text, "a whole number of up to 18 digits");
    }

    private static List<TransportId> targets(List<String> texts) {
        if (texts.size() > MAX_TARGETS) {
            throw new UsageException("-r given " + texts.size() + " times: at most " + MAX_TARGETS);
        }
        var targets = new ArrayList<TransportId>();
        var seen = new HashSet<TransportId>();
        for (var text : texts) {
            try {
                targets.add(TransportId.parse(text));
            } catch (IllegalArgumentException e) {
                throw new UsageException("-r: " + e.getMessage());
            }
            if (!seen.add(targets.getLast())) {
                throw new UsageException("-r " + targets.getLast() + ": given twice");
            }
        }
        return List.copyOf(targets);
    }
}
