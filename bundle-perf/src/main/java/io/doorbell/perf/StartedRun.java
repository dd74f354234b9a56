package io.doorbell.perf;

import io.doorbell.workload.WorkloadRun;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A {@link PerfRun} on a thread of its own. */
final class StartedRun implements WorkloadRun {
    private static final Logger LOG = LoggerFactory.getLogger(StartedRun.class);

    /** Several attributes read one after the other are to be of one moment, and cost the workers one look. */
    private static final long LOOK_EVERY_NANOS = 200_000_000;

    private final long id;
    private final PerfOptions options;
    private final PerfRun run;
    private final Thread thread;
    private final long startedAtMillis = System.currentTimeMillis();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile PerfReport report;
    private Progress lastProgress;
    private long lastLookNanos;

    StartedRun(long id, PerfOptions options, PerfRun run) {
        this.id = id;
        this.options = options;
        this.run = run;
        this.thread = Thread.ofVirtual().name("perf-" + id).unstarted(this::execute);
    }

    void start() {
        thread.start();
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public String flags() {
        return String.join(" ", options.flags());
    }

    @Override
    public State state() {
        var result = report;
        if (result != null) {
            return result.ok() ? State.SUCCEEDED : State.FAILED;
        }
        if (run.draining()) {
            return State.DRAINING;
        }
        return run.launched() ? State.RUNNING : State.STARTING;
    }

    /** Whether it came to drive anything. */
    boolean launched() {
        return run.launched();
    }

    @Override
    public synchronized Progress progress() {
        var result = report;
        if (result != null) {
            return progress(result);
        }
        var now = System.nanoTime();
        if (lastProgress == null || now - lastLookNanos >= LOOK_EVERY_NANOS) {
            lastProgress = progress(new PerfReport(options, run.look(), List.of(), List.of()));
            lastLookNanos = now;
        }
        return lastProgress;
    }

    @Override
    public void stop() {
        run.stop();
    }

    /** Ends it as failed. */
    void stop(String why) {
        if (!hasEnded()) {
            run.stop(why);
        }
    }

    @Override
    public boolean await(Duration bound) throws InterruptedException {
        return ended.await(bound.toNanos(), TimeUnit.NANOSECONDS);
    }

    boolean hasEnded() {
        return report != null;
    }

    /** Waits for the end; interrupted, it ends the run as failed, and waits for that. */
    PerfReport awaitReport() {
        var interrupted = false;
        while (report == null) {
            try {
                ended.await();
            } catch (InterruptedException e) {
                interrupted = true;
                run.stop("interrupted");
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return report;
    }

    /** Waits for a run that was told to stop; lets go of its leases when it does not drain. */
    void end(Duration drainBound, Duration releaseBound) {
        try {
            if (!await(drainBound)) {
                thread.interrupt();
                if (!await(releaseBound)) {
                    LOG.error("run {} did not end: {}", id, flags());
                }
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    private void execute() {
        try {
            report = run.execute();
        } catch (RuntimeException | Error e) {
            LOG.error("run {}", id, e);
            report = new PerfReport(options, List.of(), List.of(), List.of(e.toString()));
        } finally {
            ended.countDown();
        }
    }

    private Progress progress(PerfReport soFar) {
        var all = soFar.all();
        return new Progress(
                startedAtMillis,
                soFar.seconds(),
                soFar.completed(),
                soFar.failed(),
                all.iops(),
                all.mebibytesPerSecond(),
                all.latency().average(),
                all.latency().percentile(50),
                all.latency().percentile(99),
                all.latency().max(),
                report == null ? "" : String.join("; ", soFar.errors()));
    }
}
