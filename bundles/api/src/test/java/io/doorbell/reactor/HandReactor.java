package io.doorbell.reactor;

import io.doorbell.platform.EventFd;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A reactor for tests: {@link #cycle} is called by hand, on the thread that made it; or {@link #running}, by a thread of
 * its own without a pause. It never sleeps, and counts who wanted to wake it. It is as late, and as full of tasks, as the test says.
 */
public final class HandReactor implements Reactor {
    private static final int MAX_TASKS = 1024;
    private static final Duration ROUND_BOUND = Duration.ofSeconds(60);

    private final String name;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    /** Replaced whenever one comes or goes: to go through it allocates nothing, which tests of hot paths count on. */
    private volatile Poller[] pollers = {};

    private final EventFd sign = EventFd.create();
    private final AtomicLong wakes = new AtomicLong();
    private Thread thread;
    private boolean runs;
    private volatile boolean closed;

    // Guarded by this.
    private int late;
    private int slow;
    private int full;

    private HandReactor(String name) {
        this.name = name;
    }

    /** A reactor of the calling thread. */
    public static HandReactor byHand(String name) {
        var reactor = new HandReactor(name);
        reactor.thread = Thread.currentThread();
        return reactor;
    }

    /** A reactor with a thread that runs its cycles until {@link #close}. */
    public static HandReactor running(String name) {
        var reactor = new HandReactor(name);
        reactor.thread = Thread.ofPlatform().daemon().name(name).unstarted(() -> {
            while (!reactor.closed) {
                if (reactor.cycle() == 0) {
                    Thread.yield();
                }
            }
        });
        reactor.runs = true;
        reactor.thread.start();
        return reactor;
    }

    /** Runs what tasks there are, and each poller once. */
    public int cycle() {
        int work = 0;
        for (var task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
            work++;
        }
        for (var poller : pollers) {
            work += poller.poll(System.nanoTime());
        }
        return work;
    }

    @Override
    public EventFd sign() {
        return sign;
    }

    /** It does not come round in time for the next so many who wait for it, on other threads. */
    public synchronized void late(int times) {
        late = times;
    }

    /** It does what the next so many want who wait for it, but when they wait no more. */
    public synchronized void slow(int times) {
        slow = times;
    }

    private synchronized void comesTooLate() {
        if (!isCurrent() && slow > 0) {
            slow--;
            throw new IllegalStateException("waited for " + this + "; it has begun, and goes on");
        }
    }

    /** It has no room for the next so many tasks. */
    public synchronized void full(int times) {
        full = times;
    }

    private synchronized void awaitRound() {
        if (!isCurrent() && late > 0) {
            late--;
            throw new IllegalStateException("waited for " + this + "; it was withdrawn");
        }
    }

    private synchronized boolean isFull() {
        return tasks.size() >= MAX_TASKS || full > 0 && full-- > 0;
    }

    /** How often somebody woke it. */
    public long wakes() {
        return wakes.get();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int cpu() {
        return -1;
    }

    @Override
    public Thread thread() {
        return thread;
    }

    @Override
    public void add(Poller poller) {
        change(() -> {
            var more = Arrays.copyOf(pollers, pollers.length + 1);
            more[pollers.length] = poller;
            pollers = more;
        });
    }

    @Override
    public void remove(Poller poller) {
        change(() ->
                pollers = Arrays.stream(pollers).filter(each -> each != poller).toArray(Poller[]::new));
    }

    private void change(Runnable what) {
        if (runs && !closed) {
            call(
                    () -> {
                        what.run();
                        return null;
                    },
                    ROUND_BOUND);
        } else {
            awaitRound();
            synchronized (this) {
                what.run();
            }
        }
    }

    @Override
    public void execute(Runnable task) {
        if (closed || isFull()) {
            throw new RejectedExecutionException(name + " takes no task");
        }
        tasks.add(task);
        wake();
    }

    @Override
    public <T> T call(Callable<T> task, Duration bound) {
        awaitRound();
        var result = new CompletableFuture<T>();
        Runnable run = () -> {
            try {
                result.complete(task.call());
            } catch (Exception failed) {
                result.completeExceptionally(failed);
            }
        };
        if (isCurrent()) {
            run.run();
        } else {
            execute(run);
        }
        var value = result.orTimeout(bound.toNanos(), TimeUnit.NANOSECONDS).join();
        comesTooLate();
        return value;
    }

    @Override
    public void wake() {
        wakes.incrementAndGet();
    }

    @Override
    public ReactorStatistics statistics() {
        return new ReactorStatistics(0, 0, 0, pollers.length, 0, System.nanoTime(), false);
    }

    @Override
    public void close() {
        closed = true;
        if (runs && !isCurrent()) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(10));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        sign.close();
    }

    @Override
    public String toString() {
        return "hand reactor " + name;
    }
}
