package io.doorbell.resources.reactor;

import io.doorbell.platform.CpuAffinity;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.MemoryView;
import io.doorbell.platform.Uninterrupted;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.ReactorStatistics;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A reactor: one platform thread that runs tasks and pollers in cycles. The pollers, the clock and the idle count are the
 * thread's own; other threads come in through {@link TaskQueue}, and adding and removing pollers are such tasks, so the
 * cycle reads nothing that another thread writes but one slot of that queue and the stop flag.
 *
 * <p><b>No wakeup is lost.</b> A sleep is entered in this order: (1) {@code parked = true}, volatile; (2) look for tasks,
 * and ask each poller, which arms its sign and looks again; (3) sleep on the eventfd. Whoever brings work (a) makes it
 * visible by a volatile store or a store and a full fence, and then (b) loads {@code parked}, volatile, in {@link #wake}.
 * All four are in one total order. If (b) comes before (1) and so sees {@code false}, then (a) comes before (2), which
 * finds the work, and there is no sleep. If (b) comes after (1), it sees {@code true} and signals; the signal stays in the
 * eventfd until it is taken, so it does not matter whether (3) has begun. A device that looks at an armed sign first (an
 * event index) either sees it armed, which was stored after (1), and so comes to (b) after (1); or it does not, and then
 * its work was visible to the poller's second look, by the same argument with the sign in the place of {@code parked}.
 */
final class ReactorThread implements Reactor {
    private static final Logger LOG = LoggerFactory.getLogger(ReactorThread.class);

    /** The longest sleep. Nothing depends on it but the age of {@link ReactorStatistics#lastCycleNanos}. */
    static final Duration LONGEST_PARK = Duration.ofSeconds(1);

    /** A sleep that would be shorter than a wakeup takes is not worth it. */
    private static final long MIN_PARK_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

    /** How long {@link #close}, {@link #add} and {@link #remove} wait for the thread to come round. */
    static final Duration ROUND_BOUND = Duration.ofSeconds(5);

    /** Tasks run in one cycle, so that a flood of them does not starve the pollers. */
    private static final int TASKS_PER_CYCLE = 16;

    /**
     * How long one that shares its CPU spins: a device that answers from memory has answered by then. A time, since a cycle may be a look into memory of
     * some 30 ns, or a system call for each socket.
     */
    private static final long CROWDED_SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(2);

    /** A neighbour that has slept so long does not wait for the CPU: longer than the time slices of Linux. */
    private static final long LONG_SLEEP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** How long it lets others have the CPU then, where its pollers do not agree to a sleep. Linux adds up to 50 µs of its own. */
    private static final long NAP_NANOS = TimeUnit.MICROSECONDS.toNanos(20);

    /** While it spins the clock is read once in this many cycles, a power of two. */
    private static final int CLOCK_EVERY_CYCLES = 8;

    /**
     * Faults of mapped memory that pollers may meet one after another. The JVM makes an {@link InternalError} of each and may throw it a moment late,
     * outside the handler of whoever touched the memory of a device that has gone. That is no defect of the poller, which still has commands to end.
     */
    static final int MAX_FAULTS = 64;

    /** Faults further apart than this are not one after another. */
    private static final int FAULT_CYCLES = 1024;

    private static final VarHandle NEIGHBOURS;
    private static final VarHandle PARKED;
    private static final VarHandle STOP;
    private static final VarHandle POLLERS;
    private static final VarHandle CYCLES;
    private static final VarHandle BUSY_CYCLES;
    private static final VarHandle LAST_CYCLE_NANOS;

    static {
        try {
            var lookup = MethodHandles.lookup();
            NEIGHBOURS = exact(lookup, "neighbours", ReactorThread[].class);
            PARKED = exact(lookup, "parked", boolean.class);
            STOP = exact(lookup, "stop", boolean.class);
            POLLERS = exact(lookup, "pollers", Poller[].class);
            CYCLES = exact(lookup, "cycles", long.class);
            BUSY_CYCLES = exact(lookup, "busyCycles", long.class);
            LAST_CYCLE_NANOS = exact(lookup, "lastCycleNanos", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private static VarHandle exact(MethodHandles.Lookup lookup, String field, Class<?> type)
            throws ReflectiveOperationException {
        return lookup.findVarHandle(ReactorThread.class, field, type).withInvokeExactBehavior();
    }

    private final TaskQueue tasks = new TaskQueue();
    private final boolean onlyCpu;
    private final long longestParkNanos;

    // The thread's own; the counters are stored opaque because statistics() reads them.
    private Poller[] pollers = new Poller[0];
    private long cycles;
    private long busyCycles;
    private long lastCycleNanos = System.nanoTime();
    private int spinCycles;
    private int yieldCycles;
    private int idleCycles;
    private long busyNanos = lastCycleNanos;
    private boolean refused;
    private int faults;
    private long lastFaultCycle;

    // Written by others.
    private ReactorThread[] neighbours = new ReactorThread[0];
    private boolean stop;
    private boolean parked;

    // Cold.
    private final String name;
    private final Thread thread;
    private final EventFd sign = EventFd.create();
    private final CountDownLatch started = new CountDownLatch(1);
    private final Runnable onEnd;
    private final int wantedCpu;
    private volatile int cpu = -1;
    private volatile long parks;
    private volatile long pollerFailures;

    /** @param wantedCpu the CPU to be pinned to, or -1 for none */
    ReactorThread(
            String name, int wantedCpu, ReactorOptions options, boolean onlyCpu, Duration longestPark, Runnable onEnd) {
        this.name = name;
        this.wantedCpu = wantedCpu;
        this.onEnd = onEnd;
        this.onlyCpu = onlyCpu;
        idleAs(options);
        longestParkNanos = longestPark.toNanos();
        thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
    }

    private void idleAs(ReactorOptions options) {
        // On an only CPU whoever we wait for cannot run while we spin.
        spinCycles = onlyCpu ? 0 : options.spinCycles();
        yieldCycles = options.yieldCycles();
    }

    /**
     * Has the thread take up how to idle, and move, when it comes round.
     *
     * @param to the CPU, or -1 for where it is
     */
    void configure(ReactorOptions options, int to) {
        try {
            execute(() -> {
                idleAs(options);
                if (to >= 0 && to != cpu) {
                    pin(to);
                }
            });
        } catch (RejectedExecutionException notNow) {
            if (!tasks.isClosed()) {
                LOG.warn("reactor {} goes on as it was configured before: {}", name, notNow.getMessage());
            }
        }
    }

    private boolean pin(int to) {
        var pinning = CpuAffinity.pinCurrentThread(to);
        if (pinning.pinned()) {
            cpu = to;
        } else {
            LOG.info("reactor {} is not bound to CPU {}: {}", name, to, pinning.problem());
        }
        return pinning.pinned();
    }

    /** Those on the same CPU, from now on. */
    void neighbours(ReactorThread[] others) {
        NEIGHBOURS.setOpaque(this, others);
    }

    /** Starts the thread and returns when it runs where it should. */
    void start() {
        thread.start();
        boolean interrupted = false;
        while (started.getCount() > 0) {
            try {
                started.await();
            } catch (InterruptedException e) {
                interrupted = true; // The thread comes up in any case; whoever interrupted us finds the flag.
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            place();
            started.countDown();
            while (!(boolean) STOP.getOpaque(this)) {
                if (cycle(lastCycleNanos) > 0) {
                    idleCycles = 0;
                    BUSY_CYCLES.setOpaque(this, busyCycles + 1);
                    readClock();
                    busyNanos = lastCycleNanos;
                    refused = false;
                } else {
                    idle();
                }
            }
        } catch (Throwable broken) {
            LOG.error("reactor {} ends by a defect of its own", name, broken);
        } finally {
            end();
        }
    }

    /** One duty cycle. A method of its own so that the compiler meets it as one, and not as part of an endless loop. */
    private int cycle(long nowNanos) {
        CYCLES.setOpaque(this, cycles + 1);
        int work = 0;
        var task = tasks.take();
        if (task != null) {
            work = runTasks(task);
        }
        var round = pollers;
        for (var poller : round) {
            try {
                work += poller.poll(nowNanos);
            } catch (InternalError fault) {
                faulted(poller, fault);
            } catch (Throwable failure) {
                drop(poller, failure);
            }
            if (pollers != round) {
                // A poller added or removed one: whoever was removed must not run any more, so begin anew.
                return work + 1;
            }
        }
        return work;
    }

    private int runTasks(Runnable first) {
        int count = 0;
        for (var task = first; task != null; task = count < TASKS_PER_CYCLE ? tasks.take() : null) {
            runTask(task);
            count++;
        }
        return count;
    }

    private void runTask(Runnable task) {
        try {
            task.run();
        } catch (Throwable failure) {
            LOG.error("task {} failed on reactor {}", task, name, failure);
        }
    }

    private void faulted(Poller poller, InternalError fault) {
        faults = cycles - lastFaultCycle <= FAULT_CYCLES ? faults + 1 : 1;
        lastFaultCycle = cycles;
        if (faults > MAX_FAULTS) {
            faults = 0;
            drop(poller, fault);
            return;
        }
        pollerFailures++;
        LOG.warn("poller {} on reactor {} met memory that has gone; it goes on", poller, name, fault);
    }

    private void drop(Poller poller, Throwable failure) {
        pollerFailures++;
        removeHere(poller);
        LOG.error("poller {} failed and was removed from reactor {}; the others go on", poller, name, failure);
    }

    private void readClock() {
        LAST_CYCLE_NANOS.setOpaque(this, System.nanoTime());
    }

    private void idle() {
        int idle = ++idleCycles;
        if (isCrowded()) {
            readClock();
            if (lastCycleNanos - busyNanos >= CROWDED_SPIN_NANOS) {
                makeRoom();
            } else {
                Thread.onSpinWait();
            }
        } else if (idle <= spinCycles) {
            Thread.onSpinWait();
            if ((idle & (CLOCK_EVERY_CYCLES - 1)) == 0) {
                readClock();
            }
        } else if (idle <= spinCycles + yieldCycles) {
            Thread.yield();
            readClock();
        } else if (!park()) {
            // Someone has to be polled: go on yielding, and ask again after as many cycles.
            idleCycles = spinCycles;
            Thread.yield();
            readClock();
        }
    }

    /**
     * Whether another reactor wants this CPU: spinning would hold it up, for time slices that are a thousand I/Os long. One that sleeps may have been woken
     * by its socket, and wait for us to let it have the CPU, which nothing here tells: it counts until it has slept for long.
     */
    private boolean isCrowded() {
        for (var neighbour : (ReactorThread[]) NEIGHBOURS.getOpaque(this)) {
            if (!(boolean) PARKED.getOpaque(neighbour)
                    || lastCycleNanos - (long) LAST_CYCLE_NANOS.getOpaque(neighbour) < LONG_SLEEP_NANOS) {
                return true;
            }
        }
        return false;
    }

    /** A sleep; and if not all agree, one more cycle, for that may have been since there is work, and then a nap. */
    private void makeRoom() {
        // Not counted any further: it may be so for days.
        idleCycles = 0;
        if (!refused) {
            refused = !park();
        } else {
            refused = false;
            parks++;
            LockSupport.parkNanos(NAP_NANOS);
            readClock();
        }
    }

    /** Sleeps if all agree; see the class comment for the order. */
    private boolean park() {
        // Nobody interrupts a reactor but the JVM, when memory that a poller reads is taken away.
        MemoryView.forgetInterrupt();
        PARKED.setVolatile(this, true);
        var round = pollers;
        int armed = 0;
        long limitNanos = tasks.isEmpty() && !(boolean) STOP.getVolatile(this) ? longestParkNanos : 0;
        while (limitNanos >= MIN_PARK_NANOS && armed < round.length && pollers == round) {
            var poller = round[armed];
            try {
                if (!poller.readyToPark()) {
                    break;
                }
                armed++;
                limitNanos = Math.min(limitNanos, poller.parkLimitNanos(lastCycleNanos));
            } catch (Throwable failure) {
                drop(poller, failure);
            }
        }
        boolean sleep = limitNanos >= MIN_PARK_NANOS && armed == round.length && pollers == round;
        boolean woken = false;
        if (sleep) {
            parks++;
            woken = sign.await(limitNanos);
        }
        PARKED.setVolatile(this, false);
        readClock();
        if (woken) {
            if (sign.isSignalled()) {
                sign.drain();
            }
            idleCycles = 0;
            busyNanos = lastCycleNanos;
        } else if (sleep) {
            // Time is up, and that is no news: one cycle, and if it finds nothing the next sleep.
            idleCycles = spinCycles + yieldCycles;
        }
        for (int i = 0; i < armed; i++) {
            try {
                round[i].unparked();
            } catch (Throwable failure) {
                drop(round[i], failure);
            }
        }
        return sleep;
    }

    private void place() {
        if (wantedCpu >= 0 && pin(wantedCpu)) {
            return;
        }
        // A thread starts with the CPUs of the thread that made it, which may have been a pinned one.
        CpuAffinity.bindCurrentThread(CpuAffinity.processCpus());
    }

    private void end() {
        started.countDown();
        STOP.setVolatile(this, true);
        tasks.close();
        while (!tasks.drained()) {
            var task = tasks.take();
            if (task != null) {
                runTask(task);
            } else {
                Thread.onSpinWait();
            }
        }
        POLLERS.setOpaque(this, new Poller[0]);
        onEnd.run();
        try {
            sign.close();
        } catch (IllegalStateException held) {
            LOG.warn("the eventfd of reactor {} stays open", name, held);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int cpu() {
        return cpu;
    }

    @Override
    public Thread thread() {
        return thread;
    }

    @Override
    public void add(Poller poller) {
        onThread("add a poller", () -> addHere(poller));
    }

    @Override
    public void remove(Poller poller) {
        try {
            onThread("remove a poller", () -> removeHere(poller));
        } catch (RejectedExecutionException closed) {
            if (!tasks.isClosed()) {
                throw closed; // Full: the poller still runs. Once it is closed, no poller does.
            }
        }
    }

    private void onThread(String what, Runnable change) {
        call(
                () -> {
                    change.run();
                    return null;
                },
                ROUND_BOUND,
                what);
    }

    private void addHere(Poller poller) {
        var now = pollers;
        if (Arrays.asList(now).contains(poller)) {
            throw new IllegalArgumentException(poller + " runs on reactor " + name + " already");
        }
        // First: whoever adds it is to hear that it cannot say.
        poller.descriptor();
        var more = Arrays.copyOf(now, now.length + 1);
        more[now.length] = poller;
        POLLERS.setOpaque(this, more);
        try {
            sleepOn(more);
        } catch (IllegalArgumentException tooMany) {
            removeHere(poller);
            throw tooMany;
        }
    }

    private void removeHere(Poller poller) {
        var now = pollers;
        int at = Arrays.asList(now).indexOf(poller);
        if (at >= 0) {
            var fewer = new Poller[now.length - 1];
            System.arraycopy(now, 0, fewer, 0, at);
            System.arraycopy(now, at + 1, fewer, at, fewer.length - at);
            POLLERS.setOpaque(this, fewer);
            sleepOn(fewer);
        }
    }

    /** A sleep ends by what these pollers watch, too. Whoever cannot say what that is goes, and the others do it again. */
    private void sleepOn(Poller[] round) {
        var descriptors = new int[round.length];
        int count = 0;
        for (var poller : round) {
            try {
                int descriptor = poller.descriptor();
                if (descriptor >= 0) {
                    descriptors[count++] = descriptor;
                }
            } catch (Throwable failure) {
                drop(poller, failure);
                return;
            }
        }
        sign.alsoOn(Arrays.copyOf(descriptors, count));
    }

    @Override
    public void execute(Runnable task) {
        switch (tasks.offer(task)) {
            case ACCEPTED -> wake();
            case FULL ->
                throw new RejectedExecutionException(
                        "reactor " + name + " has " + TaskQueue.CAPACITY + " tasks waiting already");
            case CLOSED -> throw new RejectedExecutionException("reactor " + name + " is closed");
        }
    }

    @Override
    public <T> T call(Callable<T> task, Duration bound) {
        return call(task, bound, "run a task");
    }

    private <T> T call(Callable<T> task, Duration bound, String what) {
        var call = new ReactorCall<>(task);
        if (isCurrent()) {
            call.run();
        } else {
            execute(call);
        }
        return call.result(bound, "reactor " + name + " to " + what);
    }

    @Override
    public void wake() {
        if ((boolean) PARKED.getVolatile(this) && PARKED.compareAndSet(this, true, false)) {
            try {
                sign.signal();
            } catch (IllegalStateException closed) {
                // It woke by itself and ended between the two lines: nobody sleeps there any more.
                assert (boolean) STOP.getVolatile(this) : closed;
            }
        }
    }

    @Override
    public EventFd sign() {
        return sign;
    }

    @Override
    public ReactorStatistics statistics() {
        return new ReactorStatistics(
                (long) CYCLES.getOpaque(this),
                (long) BUSY_CYCLES.getOpaque(this),
                parks,
                ((Poller[]) POLLERS.getOpaque(this)).length,
                pollerFailures,
                (long) LAST_CYCLE_NANOS.getOpaque(this),
                (boolean) PARKED.getVolatile(this));
    }

    @Override
    public void close() {
        STOP.setVolatile(this, true);
        wake();
        if (isCurrent()) {
            return;
        }
        // Closing is finished first, whoever interrupts.
        long deadline = System.nanoTime() + ROUND_BOUND.toNanos();
        if (!Uninterrupted.until(deadline, nanos -> thread.join(Duration.ofNanos(nanos)))) {
            var where = new IllegalStateException("reactor " + name + " is here");
            where.setStackTrace(thread.getStackTrace());
            LOG.error("reactor {} did not end within {}: a poller or a task does not return", name, ROUND_BOUND, where);
        }
    }

    @Override
    public String toString() {
        return "reactor " + name;
    }
}
