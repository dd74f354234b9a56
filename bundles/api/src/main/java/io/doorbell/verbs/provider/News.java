package io.doorbell.verbs.provider;

import io.doorbell.verbs.ConnectionListener;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/** What a connection tells its listener: in order, one call at a time, on virtual threads, and nothing after the end. Any thread; does not wait. */
public final class News {
    private final ConnectionListener listener;
    private final String name;
    private final Consumer<Throwable> broken;

    // Guarded by this.
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private boolean telling;
    private boolean ended;

    /**
     * @param name of the threads
     * @param broken hears what the listener throws, whose bundle may be going at that moment
     */
    public News(ConnectionListener listener, String name, Consumer<Throwable> broken) {
        this.listener = listener;
        this.name = name;
        this.broken = broken;
    }

    public synchronized void established() {
        if (!ended) {
            tell(listener::established);
        }
    }

    /** Only the first is told. */
    public synchronized void disconnected(String reason) {
        if (!ended) {
            ended = true;
            tell(() -> listener.disconnected(reason));
        }
    }

    private void tell(Runnable event) {
        waiting.add(event);
        if (!telling) {
            telling = true;
            Thread.ofVirtual().name(name).start(this::drain);
        }
    }

    private void drain() {
        while (true) {
            Runnable event;
            synchronized (this) {
                event = waiting.poll();
                if (event == null) {
                    telling = false;
                    return;
                }
            }
            try {
                event.run();
            } catch (RuntimeException | LinkageError thrown) {
                broken.accept(thrown);
            }
        }
    }
}
