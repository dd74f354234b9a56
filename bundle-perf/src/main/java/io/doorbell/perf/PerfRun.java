package io.doorbell.perf;

import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One run, from the first lease to the last: a straight sequence on the thread that calls {@link #execute()}. Everything it
 * takes is given back in reverse order when that method returns, however it returns.
 */
final class PerfRun implements NamespaceWorker.Events {
    /** Beyond what a worker needs by itself to drain, before it is given up. */
    private static final Duration END_MARGIN = Duration.ofSeconds(5);

    private static final Duration TICK = Duration.ofSeconds(1);

    /** For a look at a running worker. */
    private static final Duration LOOK_BOUND = Duration.ofMillis(500);

    /** Of what happened again and again, the last are told, and how many there were. */
    static final int MAX_RESUMPTIONS = 100;

    static final int MAX_ERRORS = 100;

    /** Failed I/Os told in one {@link #TICK}. */
    static final int MAX_TOLD = 100;

    private final ResourceManager resourceManager;
    private final PerfOptions options;
    private final String name;
    private final Consumer<String> preamble;
    private final LiveLine liveLine;

    private final List<Reactor> reactors = new ArrayList<>();
    private final List<Integer> cores = new ArrayList<>();
    private final List<Driven> driven = new ArrayList<>();
    private final Map<Lane, LaneKeeper> keepers = new ConcurrentHashMap<>();
    private final List<LaneKeeper> opened = new ArrayList<>();
    private final UnusedQueuePairs unused;
    private final ArrayBlockingQueue<String> failedIos = new ArrayBlockingQueue<>(MAX_TOLD);
    private CountDownLatch ended;

    // Shared with the reactors' threads and with those who look or stop; guarded by this.
    private final List<String> errors = new ArrayList<>();
    private final Deque<Resumption> resumptions = new ArrayDeque<>();
    private long resumptionCount;
    private final List<Resumer> resumers = new ArrayList<>();
    private volatile boolean stopping;
    private volatile boolean launched;
    private volatile boolean workersEnded;

    /** Lets go of a lost lease; {@code needed}: and asks for another. */
    private record Resumer(Thread thread, boolean needed) {}

    /** A worker and where it runs. */
    private record Driven(NamespaceWorker worker, Reactor reactor) {}

    /**
     * @param name unique among the living runs; reactors are named after it
     * @param preamble hears what is attached and associated, and of failed I/Os, a line at a time
     */
    PerfRun(
            ResourceManager resourceManager,
            PerfOptions options,
            String name,
            Consumer<String> preamble,
            LiveLine liveLine) {
        this.resourceManager = resourceManager;
        this.unused = new UnusedQueuePairs(resourceManager);
        this.options = options;
        this.name = name;
        this.preamble = preamble;
        this.liveLine = liveLine;
    }

    /** Runs, and returns when everything is given back. Interrupting the thread ends the run, as failed. */
    PerfReport execute() {
        var interrupted = false;
        try {
            prepare();
            launch();
            awaitEnd();
        } catch (PerfException e) {
            error(e.getMessage());
        } catch (InterruptedException e) {
            interrupted = true;
            error("interrupted");
        } finally {
            close();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return report();
    }

    /** Asks the run to end; any thread. */
    void stop() {
        stopping = true;
        stopWorkers();
    }

    /** Ends the run as failed; any thread. */
    void stop(String why) {
        error(why);
        stop();
    }

    boolean launched() {
        return launched;
    }

    boolean draining() {
        return stopping || workersEnded;
    }

    /** What was done so far; any thread. A worker that does not answer in time is left out. */
    List<WorkerResult> look() {
        if (!launched || workersEnded) {
            return List.of();
        }
        var results = new ArrayList<WorkerResult>();
        for (var each : driven) {
            try {
                results.add(each.reactor.call(each.worker::result, LOOK_BOUND));
            } catch (IllegalStateException | RejectedExecutionException e) {
                // Closed by now, or busy: the next look may see it.
            }
        }
        return results;
    }

    @Override
    public void ended(NamespaceWorker worker) {
        ended.countDown();
    }

    @Override
    public void failed(NamespaceWorker worker, String why) {
        stop(why);
    }

    /** Dropped when there are too many: they are counted anyway. */
    @Override
    public void ioFailed(String what) {
        failedIos.offer(what);
    }

    @Override
    public void laneLost(Lane lane, String why) {
        var needed = lane.worker().needsLanes();
        synchronized (this) {
            // After this point close() takes the leases itself.
            if (!stopping) {
                var thread =
                        Thread.ofVirtual().name(name + "-resume").unstarted(() -> resume(keepers.get(lane), needed));
                resumers.removeIf(each -> !each.thread.isAlive());
                resumers.add(new Resumer(thread, needed));
                thread.start();
            }
        }
    }

    private void prepare() throws InterruptedException {
        var targets = new Targets(resourceManager, options, Targets.APPEARANCE_BOUND).find();
        preamble.accept("Initializing NVMe Controllers");
        targets.stream()
                .map(Target::controller)
                .distinct()
                .forEach(id -> preamble.accept("Attached to " + (id.trtype().isFabric() ? "NVMeoF" : "NVMe")
                        + " Controller at " + Target.controllerName(id)));
        for (var core : options.cores().isEmpty() ? List.of(Reactors.ANY_CPU) : options.cores()) {
            var reactor = openReactor(core);
            reactors.add(reactor);
            // Where pinning is not permitted the number asked for is still what tells the workers apart.
            cores.add(core == Reactors.ANY_CPU ? Math.max(reactor.cpu(), 0) : core);
        }
        assign(targets);
        ended = new CountDownLatch(driven.size());
        for (var id : targets.stream().map(Target::controller).distinct().toList()) {
            requireWanted();
            unused.open(id, options.unusedQueuePairs(), reactors.getFirst().thread());
        }
        for (var each : driven) {
            preamble.accept("Associating " + each.worker.target().name() + " with lcore " + each.worker.core());
            each.reactor.add(each.worker);
            for (var lane : each.worker.lanes()) {
                requireWanted();
                var keeper = new LaneKeeper(resourceManager, options, lane, each.reactor, this::error);
                keepers.put(lane, keeper);
                opened.add(keeper);
                keeper.open();
            }
        }
    }

    private Reactor openReactor(int core) {
        var suffix = core == Reactors.ANY_CPU ? "" : "-" + core;
        try {
            return resourceManager.reactors().open(name + suffix, Reactors.Role.HOST, core);
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new PerfException(
                    "opening the reactor for core " + (core == Reactors.ANY_CPU ? "any" : core) + ": " + e.getMessage(),
                    e);
        }
    }

    /** Pairs namespaces and cores in turn, until every one of both is in use; or each with each. */
    private void assign(List<Target> targets) {
        var everyCore = options.useEveryCore();
        var workers = everyCore ? targets.size() * reactors.size() : Math.max(targets.size(), reactors.size());
        for (var i = 0; i < workers; i++) {
            var target = targets.get(i % targets.size());
            var place = everyCore ? i / targets.size() : i % reactors.size();
            var reactor = reactors.get(place);
            var parts = workers / targets.size() + (i % targets.size() < workers % targets.size() ? 1 : 0);
            var region = region(target, i / targets.size(), parts);
            var core = cores.get(place);
            driven.add(new Driven(new NamespaceWorker(options, target, region, core, i, workers, this), reactor));
        }
    }

    private IoRegion region(Target target, int part, int parts) {
        var ioCount = target.namespace().byteSize() / options.ioBytes();
        var split = !options.pattern().random() || options.verify();
        var region = split ? IoRegion.part(ioCount, part, parts) : new IoRegion(0, ioCount);
        if (options.verify() && region.ioCount() > Verifier.MAX_IOS) {
            region = new IoRegion(region.firstIo(), Verifier.MAX_IOS);
        }
        var least = options.verify() ? options.ioDepth() : 1;
        if (region.ioCount() < least) {
            throw new PerfException(target.name() + " has room for " + ioCount + " I/Os of " + options.ioBytes()
                    + " bytes, too few for " + parts + " cores" + (options.verify() ? " with -q " + least : ""));
        }
        var limit = options.ioLimit();
        if (limit != null && limit.ios(region.ioCount()) < options.ioDepth()) {
            throw new PerfException("-d " + limit + " of " + target.name() + " is " + limit.ios(region.ioCount())
                    + " I/Os: allowed: at least -q (" + options.ioDepth() + ")");
        }
        return region;
    }

    private void launch() {
        preamble.accept("Initialization complete. Launching workers.");
        requireWanted();
        launched = true;
        for (var each : driven) {
            onReactor(each, each.worker::start);
        }
        if (stopping) {
            // It came between: whoever asked may have met workers that had not begun.
            stopWorkers();
        }
    }

    private void awaitEnd() throws InterruptedException {
        var deadline = Long.MAX_VALUE;
        while (!ended.await(TICK.toMillis(), TimeUnit.MILLISECONDS)) {
            tellFailedIos();
            liveLine.tick(this::look, reactors);
            if (stopping && deadline == Long.MAX_VALUE) {
                deadline = System.nanoTime()
                        + NamespaceWorker.DRAIN_BOUND.plus(END_MARGIN).toNanos();
            }
            if (deadline != Long.MAX_VALUE && System.nanoTime() - deadline >= 0) {
                throw new PerfException("workers did not end when they were told to");
            }
            for (var reactor : reactors) {
                if (reactor.statistics().pollerFailures() > 0) {
                    throw new PerfException("reactor " + reactor.name() + " dropped a worker that threw; see the log");
                }
            }
        }
        synchronized (this) {
            if (!stopping && resumers.stream().anyMatch(each -> each.needed && each.thread.isAlive())) {
                error("the time was over while a worker waited for a new lease");
            }
        }
    }

    private void resume(LaneKeeper keeper, boolean needed) {
        try {
            if (!needed) {
                keeper.close();
                return;
            }
            var resumption = keeper.resume();
            resumed(resumption);
        } catch (PerfException | IllegalStateException e) {
            if (!stopping) {
                stop(e.getMessage());
            }
        } catch (InterruptedException e) {
            // The run ends, and nobody needs the lease any more. This thread ends with it.
        } catch (RuntimeException | LinkageError e) {
            // A driver that is replaced meanwhile, say. Nobody else would see that this worker waits for ever.
            if (!stopping) {
                stop(keeper.name() + ": no new lease: " + e);
            }
        }
    }

    /** Counts it; told are the last. */
    synchronized void resumed(Resumption resumption) {
        resumptionCount++;
        if (resumptions.size() == MAX_RESUMPTIONS) {
            resumptions.removeFirst();
        }
        resumptions.addLast(resumption);
        if (resumption.reason() == null || resumption.reason() == RevocationReason.QUEUE_PAIR_FAILED) {
            error(resumption.sentence());
        }
    }

    private void close() {
        workersEnded = true;
        liveLine.end();
        tellFailedIos();
        synchronized (this) {
            stopping = true;
        }
        joinResumers();
        for (var keeper : opened.reversed()) {
            quietly("releasing " + keeper.name(), keeper::close);
        }
        for (var lease : unused.held()) {
            quietly("releasing an unused queue pair", lease::close);
        }
        for (var reactor : reactors.reversed()) {
            quietly("closing reactor " + reactor.name(), reactor::close);
        }
    }

    private void tellFailedIos() {
        for (var told = 0; told < MAX_TOLD; told++) {
            var what = failedIos.poll();
            if (what == null) {
                return;
            }
            liveLine.end();
            preamble.accept(what);
        }
    }

    private void joinResumers() {
        List<Resumer> alive;
        synchronized (this) {
            alive = List.copyOf(resumers);
        }
        opened.forEach(LaneKeeper::cancelWait);
        for (var each : alive) {
            try {
                if (!each.thread.join(END_MARGIN)) {
                    error(each.thread.getName() + " did not end");
                }
            } catch (InterruptedException e) {
                error("interrupted while a lease was being let go");
            }
        }
    }

    private void quietly(String step, Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            error(step + ": " + e.getMessage());
        }
    }

    /** The reactors have ended: what their threads wrote is seen here. */
    PerfReport report() {
        var results = driven.stream().map(each -> each.worker.result()).toList();
        synchronized (this) {
            return new PerfReport(options, results, resumptionCount, List.copyOf(resumptions), List.copyOf(errors));
        }
    }

    private void stopWorkers() {
        if (launched) {
            for (var each : driven) {
                onReactor(each, each.worker::stop);
            }
        }
    }

    private void onReactor(Driven each, Runnable task) {
        try {
            each.reactor.execute(task);
        } catch (RejectedExecutionException e) {
            error(each.worker.name() + ": its reactor takes no task: " + e.getMessage());
        }
    }

    private void requireWanted() {
        if (stopping) {
            throw new PerfException("stopped before it began");
        }
    }

    /** Once: all workers of a controller hear of its reset. */
    private synchronized void error(String why) {
        if (errors.size() < MAX_ERRORS && !errors.contains(why)) {
            errors.add(errors.size() < MAX_ERRORS - 1 ? why : "and more that is not told");
        }
    }
}
