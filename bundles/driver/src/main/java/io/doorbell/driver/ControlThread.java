package io.doorbell.driver;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does what others must not wait for, in order, on one virtual thread. */
public final class ControlThread implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlThread.class);

    private final BlockingQueue<Runnable> tasks;
    private final Thread thread;
    private final String name;
    private final int mostTasks;

    public ControlThread(String name, int mostTasks) {
        this.name = name;
        this.mostTasks = mostTasks;
        tasks = new ArrayBlockingQueue<>(mostTasks);
        thread = Thread.ofVirtual().name(name).start(this::run);
    }

    /** Any thread; returns at once. Whether there was room for the task. */
    public boolean execute(Runnable task) {
        return tasks.offer(task);
    }

    /** As {@link #execute}, and when there is no room the oldest task makes it: what came since says more. One at a time. */
    public void executeLatest(Runnable task) {
        while (!tasks.offer(task)) {
            if (tasks.poll() != null) {
                LOG.warn("{}: more than {} tasks are waiting, the oldest is dropped", name, mostTasks);
            }
        }
    }

    private void run() {
        try {
            while (true) {
                runOne(tasks.take());
            }
        } catch (InterruptedException e) {
            // Closed. What is left tells listeners of the end, and does not block.
            for (var task = tasks.poll(); task != null; task = tasks.poll()) {
                runOne(task);
            }
        }
    }

    private void runOne(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | Error e) {
            // A listener's, mostly. The next task is not to suffer from it.
            LOG.error("{}: {}", name, e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
