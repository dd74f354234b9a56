package io.doorbell.perf;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** The line that is written over itself each second while a run goes on, on a terminal. Owner: the run's thread. */
final class LiveLine {
    static final LiveLine NONE = new LiveLine(null, 0);

    private final PrintWriter out;
    private final long warmupNanos;
    private final long beginNanos = System.nanoTime();
    private long lastNanos = beginNanos;
    private long lastCompleted;
    private boolean written;

    /** @param out null for nowhere */
    LiveLine(PrintWriter out, long warmupNanos) {
        this.out = out;
        this.warmupNanos = warmupNanos;
    }

    void tick(Supplier<List<WorkerResult>> look) {
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
        out.print(text(now - beginNanos < warmupNanos, iops, bytes));
        out.flush();
        written = true;
    }

    /** Makes room for what is printed next. */
    void end() {
        if (written) {
            out.print(" ".repeat(text(true, 0, 0).length()) + "\r");
            out.flush();
        }
    }

    static String text(boolean warmup, double iops, int ioBytes) {
        return String.format(
                Locale.ROOT,
                "%s%9d IOPS, %8.2f MiB/s\r",
                warmup ? "[warmup] " : "",
                Math.round(iops),
                iops * ioBytes / (1 << 20));
    }
}
