package io.doorbell.perf;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The flags as they are written: names and letters of SPDK's perf, then our own. Values are text here, so that all of
 * them are checked in one place and in one tone: {@link PerfOptions}.
 */
@Command(
        name = "perf",
        description = "The workload of SPDK's perf, on leased queue pairs.",
        sortOptions = false,
        separator = " ",
        footer = {
            "",
            "Each namespace is driven from one core or more: namespaces and cores are paired in turn until every one of"
                    + " both is in use. Sequential workloads split a namespace among the cores that drive it, so that"
                    + " they do not overlap. With --verify random workloads do so too.",
            "Failed I/Os are counted apart, never as IOPS. I/Os that complete after the time is over are not counted.",
            "I/Os that were interrupted since a lease was taken back are issued again when there is a new one.",
            "Exit code: 0 when every I/O succeeded, 1 when anything failed, 2 for wrong flags.",
        })
final class PerfFlags {
    @Option(
            names = {"-q", "--io-depth"},
            paramLabel = "DEPTH",
            required = true,
            description = "I/Os outstanding per namespace and core, 1 to " + PerfOptions.MAX_IO_DEPTH)
    String ioDepth;

    @Option(
            names = {"-o", "--io-size"},
            paramLabel = "BYTES",
            required = true,
            description =
                    "bytes per I/O, k and M are understood; a multiple of the block size. Metadata is not counted")
    String ioSize;

    @Option(
            names = {"-w", "--io-pattern"},
            paramLabel = "PATTERN",
            required = true,
            description = "read, write, randread, randwrite, rw, randrw")
    String ioPattern;

    @Option(
            names = {"-M", "--rwmixread"},
            paramLabel = "PERCENT",
            description = "reads in rw and randrw, 0 to 100")
    String readPercent;

    @Option(
            names = {"-t", "--time"},
            paramLabel = "SECONDS",
            description = "how long; may have a fraction. Not needed with -d")
    String time;

    @Option(
            names = {"-a", "--warmup-time"},
            paramLabel = "SECONDS",
            description = "runs that long before -t begins, and forgets what it measured")
    String warmupTime;

    @Option(
            names = {"-c", "--core-mask"},
            paramLabel = "CORES",
            description =
                    "mask (0x3) or list ([0,2-4]) of the CPUs to work on; default: the first that is free to hosts")
    String cores;

    @Option(
            names = "--use-every-core",
            description = "drives each namespace from each core, instead of pairing them in turn")
    boolean useEveryCore;

    @Option(
            names = {"-P", "--num-qpairs"},
            paramLabel = "N",
            description = "queue pairs per namespace and core, 1 to " + PerfOptions.MAX_QUEUE_PAIRS + "; default 1")
    String queuePairs;

    @Option(
            names = {"-U", "--num-unused-qpairs"},
            paramLabel = "N",
            description = "queue pairs per controller that are held and not used, 0 to " + PerfOptions.MAX_QUEUE_PAIRS
                    + "; default 0")
    String unusedQueuePairs;

    @Option(
            names = {"-C", "--max-completion-per-poll"},
            paramLabel = "N",
            description =
                    "the most completions taken by one poll of a queue pair; 0, the default: as many as there are")
    String maxCompletions;

    @Option(
            names = {"-d", "--number-ios"},
            paramLabel = "N|N%",
            description =
                    "ends after N I/Os per namespace and core, or N percent of what that core covers of it; at least -q")
    String numberIos;

    @Option(
            names = {"-F", "--zipf"},
            paramLabel = "THETA",
            description = "random addresses follow Zipf's law with this exponent, above 0 to " + PerfOptions.MAX_THETA)
    String zipf;

    @Option(
            names = {"-A", "--buffer-alignment"},
            paramLabel = "BYTES",
            description = "alignment of data buffers, a power of two, 64 to " + PerfOptions.MAX_ALIGNMENT + "; default "
                    + PerfOptions.DEFAULT_ALIGNMENT)
    String alignment;

    @Option(
            names = {"-O", "--io-unit-size"},
            paramLabel = "BYTES",
            description =
                    "the data lies in pieces of this size, a multiple of 4, which do not follow each other in memory;"
                            + " metadata behind a block is not counted. Default: one piece")
    String ioUnit;

    @Option(
            names = "--io-queue-size",
            paramLabel = "ENTRIES",
            description = "entries of a submission queue, 2 to 65536; default: what -q needs")
    String queueSize;

    @Option(
            names = {"-e", "--metadata"},
            paramLabel = "PI",
            description = "on namespaces with protection information: 'PRACT=0|1,PRCHK=GUARD|REFTAG|APPTAG', or one of"
                    + " the two. PRACT=1: the controller makes it; PRACT=0, the default: perf does, and checks it in"
                    + " what it reads. PRCHK: what is checked; default: nothing")
    String metadata;

    @Option(
            names = {"-r", "--transport"},
            paramLabel = "TRID",
            description = "a controller, or one namespace of it, as in 'trtype:EMULATED traddr:nvme0 ns:1'; may be"
                    + " repeated. Default: all controllers")
    List<String> transports = new ArrayList<>();

    @Option(
            names = {"-Q", "--continue-on-error"},
            paramLabel = "N",
            description =
                    "tells every Nth failed I/O of a namespace and core. A run goes on when I/Os fail, with this or"
                            + " without, and the exit code is 1")
    String continueOnError;

    @Option(
            names = {"-m", "--cpu-usage"},
            description = "the live line tells how busy the cores are: in what part of the rounds there was work")
    boolean cpuUsage;

    @Option(
            names = {"-L", "--enable-sw-latency-tracking"},
            description = "prints percentiles of the latency per namespace and core; twice (-LL): histograms as well")
    boolean[] latencyDetail = {};

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "writes the result there as JSON; '-' is the standard output, and the table goes to the error"
                    + " output then")
    String json;

    @Option(
            names = "--rate",
            paramLabel = "IOPS",
            description =
                    "open loop: so many I/Os per second are begun, all cores together, whether or not earlier ones"
                            + " are back; latency counts from when an I/O was due. -q bounds what is outstanding")
    String rate;

    @Option(
            names = "--verify",
            description = "writes carry a pattern made of address, generation and --seed; reads check it; what was"
                    + " written is read back at the end. Blocks are checked when this run wrote them; without writes"
                    + " all are, against an earlier run with the same seed")
    boolean verify;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "of the random addresses and of the pattern, default " + PerfOptions.DEFAULT_SEED)
    String seed;

    @Option(
            names = "--resume",
            paramLabel = "SECONDS",
            description = "how long to wait for a new lease when one is taken back; 0 fails at once. Default "
                    + PerfOptions.DEFAULT_RESUME_SECONDS)
    String resume;

    @Option(
            names = {"-E", "--interrupts"},
            description = "sleeps until completions interrupt, where the controller can, instead of polling")
    boolean interrupts;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "prints this")
    boolean help;
}
