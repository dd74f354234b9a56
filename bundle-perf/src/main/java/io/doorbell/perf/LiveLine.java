package io.doorbell.perf;

import io.doorbell.reactor.Reactor;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** The line that is written over itself each second while a run goes on, on a terminal. Owner: the run's thread. */
final class LiveLine {
    static final LiveLine NONE = new LiveLine(null, 0, false);

    private final PrintWriter out;
    private final long warmupNanos;
    private final boolean cpuUsage;
    private final long beginNanos = System.nanoTime();
    private long lastNanos = beginNanos;
    private long lastCompleted;
    private long lastCycles;
    private long lastBusyCycles;
    private int written;

    /**
     * @param out null for nowhere
     * @param cpuUsage whether it tells how busy the cores are
     */
    LiveLine(PrintWriter out, long warmupNanos, boolean cpuUsage) {
        this.out = out;
        this.warmupNanos = warmupNanos;
        this.cpuUsage = cpuUsage;
    }

    void tick(Supplier<List<WorkerResult>> look, List<Reactor> reactors) {
        if (out == null) {
            return;
        }
        var now = System.nanoTime();
        var results = look.get();
        var completed = 0L;
        var bytes = 0;
        for (var result : results) {
            completed += result.completed();
            bytes = result.ioBytes();
        }
        // The warm-up's count is forgotten when it ends.
        var iops = Math.max(0, completed - lastCompleted) / ((now - lastNanos) / 1e9);
        lastNanos = now;
        lastCompleted = completed;
        var line = text(now - beginNanos < warmupNanos, iops, bytes) + (cpuUsage ? usage(reactors) : "");
        out.print(line + "\r");
        out.flush();
        written = Math.max(written, line.length());
    }

    /** Since the last tick: in what part of their rounds the reactors had work. One that sleeps makes no rounds. */
    String usage(List<Reactor> reactors) {
        var cycles = 0L;
        var busyCycles = 0L;
        for (var reactor : reactors) {
            var statistics = reactor.statistics();
            cycles += statistics.cycles();
            busyCycles += statistics.busyCycles();
        }
        var busy = 100.0 * (busyCycles - lastBusyCycles) / Math.max(1, cycles - lastCycles);
        lastCycles = cycles;
        lastBusyCycles = busyCycles;
        return String.format(Locale.ROOT, ", %3d Core(s): %6.2f%% Busy", reactors.size(), busy);
    }

    /** Makes room for what is printed next. */
    void end() {
        if (written > 0) {
            out.print(" ".repeat(written) + "\r");
            out.flush();
            written = 0;
        }
    }

    static String text(boolean warmup, double iops, int ioBytes) {
        return String.format(
                Locale.ROOT,
                "%s%9d IOPS, %8.2f MiB/s",
                warmup ? "[warmup] " : "",
                Math.round(iops),
                iops * ioBytes / (1 << 20));
    }
}
