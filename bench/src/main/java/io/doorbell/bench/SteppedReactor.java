package io.doorbell.bench;

import io.doorbell.platform.EventFd;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.ReactorStatistics;
import io.doorbell.reactor.Reactors;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A reactor that runs when it is told to, on the thread that made it: so a measurement is host and device in turn on one thread, waits for
 * nobody, and can take the time of either. The only one of its {@link Reactors}.
 */
final class SteppedReactor implements Reactor, Reactors {
    private final Thread thread = Thread.currentThread();
    private final List<Poller> pollers = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final EventFd sign = EventFd.create();

    /** One cycle. Returns work done. */
    int step() {
        int work = 0;
        for (var task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
            work++;
        }
        long now = System.nanoTime();
        for (int i = 0; i < pollers.size(); i++) {
            work += pollers.get(i).poll(now);
        }
        return work;
    }

    @Override
    public Reactor open(String name, Role role, int cpu) {
        return this;
    }

    @Override
    public List<Reactor> reactors() {
        return List.of(this);
    }

    @Override
    public String name() {
        return "stepped";
    }

    @Override
    public int cpu() {
        return ANY_CPU;
    }

    @Override
    public Thread thread() {
        return thread;
    }

    @Override
    public void add(Poller poller) {
        pollers.add(poller);
    }

    @Override
    public void remove(Poller poller) {
        pollers.remove(poller);
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public <T> T call(Callable<T> task, Duration bound) {
        var future = new FutureTask<>(task);
        if (isCurrent()) {
            future.run();
        } else {
            tasks.add(future);
        }
        try {
            return future.get(bound.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | InterruptedException | TimeoutException failed) {
            throw new IllegalStateException("a task of the stepped reactor", failed);
        }
    }

    @Override
    public void wake() {}

    @Override
    public EventFd sign() {
        return sign;
    }

    @Override
    public ReactorStatistics statistics() {
        return new ReactorStatistics(0, 0, 0, pollers.size(), 0, System.nanoTime(), false);
    }

    /** Idempotent, as a target and whoever made it both do. */
    @Override
    public void close() {
        sign.close();
    }
}
