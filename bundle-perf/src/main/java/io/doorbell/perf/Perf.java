package io.doorbell.perf;

import io.doorbell.lease.ResourceManager;
import io.doorbell.workload.WorkloadRun;
import io.doorbell.workload.WorkloadRunner;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.spi.ToolProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The workload as a command and as a service; needs no container. Any thread. Closing it ends all runs and waits for
 * them and for whoever is inside {@link #run}: after that no thread and no lease is left, and nobody is in this code, whose
 * classes may go with their bundle.
 */
public final class Perf implements ToolProvider, WorkloadRunner, AutoCloseable {
    /** More at the same time would only measure each other. */
    static final int MAX_RUNS = 4;

    /** Runs that ended and are still told about. */
    static final int MAX_HISTORY = 16;

    /** Exit codes of the command. */
    static final int OK = 0;

    static final int FAILED = 1;
    static final int WRONG_FLAGS = 2;

    /** For in-flight I/Os to drain when everything ends, before the leases are closed over them. */
    private static final Duration STOP_BOUND = Duration.ofSeconds(3);

    /** For the leases to be given back. */
    private static final Duration RELEASE_BOUND = Duration.ofSeconds(15);

    /** For callers of the command to print their report; an output that takes nothing is not waited for any longer. */
    private static final Duration CALLERS_BOUND = Duration.ofSeconds(5);

    private static final String CLOSED = "perf is being stopped";
    private static final String TO_STDOUT = "-";

    private static final Logger LOG = LoggerFactory.getLogger(Perf.class);

    private final ResourceManager resourceManager;
    private final Deque<StartedRun> runs = new ArrayDeque<>();
    private long lastId;
    private int callers;
    private boolean closed;

    public Perf(ResourceManager resourceManager) {
        this.resourceManager = resourceManager;
    }

    @Override
    public String name() {
        return "perf";
    }

    /**
     * Runs and waits for the end. With {@code --json -} only the JSON goes to {@code out}.
     *
     * @return 0 when every I/O succeeded, 1 when anything failed, 2 for wrong flags
     */
    @Override
    public int run(PrintWriter out, PrintWriter err, String... args) {
        if (!enter()) {
            return failed(CLOSED, err);
        }
        try {
            return command(out, err, args);
        } finally {
            leave();
        }
    }

    @Override
    public WorkloadRun start(List<String> flags) {
        var options = PerfOptions.parse(flags);
        if (options.json() != null) {
            // Whoever may start a run may be far away, and is not to choose files of this machine.
            throw new UsageException("--json " + options.json() + ": allowed: from a command line only");
        }
        return begin(options, _ -> {}, LiveLine.NONE);
    }

    @Override
    public synchronized List<WorkloadRun> runs() {
        return List.copyOf(runs);
    }

    /** Ends all runs and waits for them, within a bound. Idempotent. */
    @Override
    public void close() {
        List<StartedRun> all;
        synchronized (this) {
            closed = true;
            all = new ArrayList<>(runs);
        }
        all.forEach(run -> run.stop(CLOSED));
        all.forEach(run -> run.end(STOP_BOUND, RELEASE_BOUND));
        awaitCallers();
    }

    private synchronized boolean enter() {
        if (!closed) {
            callers++;
        }
        return !closed;
    }

    private synchronized void leave() {
        callers--;
        notifyAll();
    }

    private synchronized void awaitCallers() {
        var deadline = System.nanoTime() + CALLERS_BOUND.toNanos();
        try {
            for (var left = CALLERS_BOUND.toNanos(); callers > 0 && left > 0; left = deadline - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (callers > 0) {
            LOG.warn("{} callers of the command are still in it: their output takes nothing", callers);
        }
    }

    private int command(PrintWriter out, PrintWriter err, String... args) {
        PerfOptions options;
        try {
            var words = List.of(args);
            var flags = PerfCommandLine.parse(words);
            if (flags.help) {
                PerfCommandLine.printHelp(out);
                out.flush();
                return OK;
            }
            options = PerfOptions.of(flags, words);
            requireWritable(options.json());
        } catch (UsageException e) {
            err.println("perf: " + e.getMessage());
            err.println("perf: --help tells all flags");
            err.flush();
            return WRONG_FLAGS;
        }
        return run(options, TO_STDOUT.equals(options.json()) ? err : out, out, err);
    }

    private int run(PerfOptions options, PrintWriter table, PrintWriter out, PrintWriter err) {
        StartedRun run;
        try {
            run = begin(
                    options,
                    line -> {
                        table.print(line + "\n");
                        table.flush();
                    },
                    new LiveLine(isTerminal() ? table : null, options.warmupNanos(), options.cpuUsage()));
        } catch (IllegalStateException e) {
            return failed(e.getMessage(), err);
        }
        var report = run.awaitReport();
        // What never began has nothing to show but why.
        boolean begun = run.launched();
        if (begun) {
            new ReportTable(table).print(report);
        }
        var ok = writeJson(options.json(), report, out, err);
        report.errors().forEach(error -> err.println("perf: " + error));
        if (begun && !report.ok()) {
            err.println("perf: errors occurred");
        }
        err.flush();
        return ok && report.ok() ? OK : FAILED;
    }

    private static int failed(String why, PrintWriter err) {
        err.println("perf: " + why);
        err.flush();
        return FAILED;
    }

    private synchronized StartedRun begin(PerfOptions options, Consumer<String> preamble, LiveLine liveLine) {
        if (closed) {
            throw new IllegalStateException(CLOSED);
        }
        var living = runs.stream().filter(run -> !run.hasEnded()).count();
        if (living >= MAX_RUNS) {
            throw new IllegalStateException(living + " runs go on: at most " + MAX_RUNS + " at the same time");
        }
        while (runs.size() - living >= MAX_HISTORY) {
            runs.stream().filter(StartedRun::hasEnded).findFirst().ifPresent(runs::remove);
        }
        var id = ++lastId;
        var run = new StartedRun(id, options, new PerfRun(resourceManager, options, "perf-" + id, preamble, liveLine));
        runs.addLast(run);
        run.start();
        return run;
    }

    /** The output may still be a file: then there is no terminal that a line could be written over on. */
    private static boolean isTerminal() {
        var console = System.console();
        return console != null && console.isTerminal();
    }

    private static void requireWritable(String json) {
        if (json == null || json.equals(TO_STDOUT)) {
            return;
        }
        var path = Path.of(json).toAbsolutePath();
        if (Files.isDirectory(path) || !Files.isDirectory(path.getParent())) {
            throw UsageException.of("--json", json, "a file in a folder that is there, or -");
        }
    }

    private static boolean writeJson(String json, PerfReport report, PrintWriter out, PrintWriter err) {
        if (json == null) {
            return true;
        }
        var text = ReportJson.write(report);
        if (json.equals(TO_STDOUT)) {
            out.print(text);
            out.flush();
            return true;
        }
        try {
            Files.writeString(Path.of(json), text);
            return true;
        } catch (IOException e) {
            err.println("perf: cannot write " + json + ": " + e);
            return false;
        }
    }
}
