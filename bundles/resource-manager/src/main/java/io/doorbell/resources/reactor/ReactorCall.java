package io.doorbell.resources.reactor;

import io.doorbell.platform.Uninterrupted;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** A task with a result that somebody waits for, and that is not begun any more once nobody does. */
final class ReactorCall<T> implements Runnable {
    private enum State {
        WAITING,
        BEGUN,
        WITHDRAWN
    }

    private final Callable<T> task;
    private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
    private final CountDownLatch done = new CountDownLatch(1);
    private T result;
    private Throwable failure;

    ReactorCall(Callable<T> task) {
        this.task = task;
    }

    @Override
    public void run() {
        if (!state.compareAndSet(State.WAITING, State.BEGUN)) {
            return;
        }
        try {
            result = task.call();
        } catch (Throwable thrown) {
            failure = thrown;
        }
        done.countDown();
    }

    /**
     * Waits. An interrupt does not end the wait, which is bounded anyway: callers clean up with this, and what they clean
     * up must not stay behind because they were interrupted. The flag is kept.
     *
     * @throws IllegalStateException when the bound has passed, or with what the task threw if that was checked
     */
    T result(Duration bound, String who) {
        boolean ended = Uninterrupted.until(
                System.nanoTime() + bound.toNanos(), nanos -> done.await(nanos, TimeUnit.NANOSECONDS));
        if (!ended && state.compareAndSet(State.WAITING, State.WITHDRAWN)) {
            throw new IllegalStateException("waited " + bound + " for " + who + "; it was withdrawn");
        }
        if (!ended && done.getCount() > 0) {
            throw new IllegalStateException("waited " + bound + " for " + who + "; it has begun, and goes on");
        }
        return switch (failure) {
            case null -> result;
            case RuntimeException unchecked -> throw unchecked;
            case Error error -> throw error;
            default -> throw new IllegalStateException("failed: " + who, failure);
        };
    }
}
