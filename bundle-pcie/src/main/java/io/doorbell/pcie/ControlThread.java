package io.doorbell.pcie;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does what owners of queue pairs and the admin thread must not wait for, in order, on one virtual thread. */
final class ControlThread implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlThread.class);

    /** Beyond that work is dropped: it is about a controller that floods us. */
    private static final int MAX_QUEUED = 1024;

    private final BlockingQueue<Runnable> tasks = new ArrayBlockingQueue<>(MAX_QUEUED);
    private final Thread thread;
    private final String name;

    ControlThread(String name) {
        this.name = name;
        thread = Thread.ofVirtual().name(name).start(this::run);
    }

    /** Any thread; returns at once. */
    void execute(Runnable task) {
        if (!tasks.offer(task)) {
            LOG.warn("{}: more than {} tasks are waiting, one is dropped", name, MAX_QUEUED);
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
