package io.doorbell.driver;

import io.doorbell.nvme.NvmeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Has a controller opened sooner or later, published while it is there, and closed in the right order: out of sight first, so that
 * leases are taken back from a controller that still answers. Any thread.
 */
public final class ControllerKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControllerKeeper.class);

    /** Shutdown, disabling and a bring-up that has to end first, each with bounds of their own. */
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(60);

    /**
     * How often it is tried to open a controller.
     *
     * @param first pause, which doubles up to {@code longest}
     * @param mostAttempts after which it is given up; 0 for never
     * @param afterRefusal whether it is tried again although the same will be refused again, by its own word
     */
    public record Patience(Duration first, Duration longest, int mostAttempts, boolean afterRefusal) {}

    private final String name;
    private final Supplier<DriverController> opener;
    private final Function<DriverController, Runnable> publisher;
    private final Patience patience;
    private final CountDownLatch closing = new CountDownLatch(1);

    // Guarded by this.
    private Thread bringUp;
    /** Null while none was lost. */
    private Thread ending;

    private DriverController controller;
    private Runnable unpublish;

    /**
     * Begins at once, on a thread of its own: a controller may take seconds to become ready.
     *
     * @param opener opens the controller, or throws
     * @param publisher shows it to everybody; what it returns takes it out of sight again, and returns when everybody has heard of it. Null
     *     when nothing can be published any more
     */
    public ControllerKeeper(
            String name,
            Supplier<DriverController> opener,
            Function<DriverController, Runnable> publisher,
            Patience patience) {
        this.name = name;
        this.opener = opener;
        this.publisher = publisher;
        this.patience = patience;
        begin();
    }

    private synchronized void begin() {
        bringUp = Thread.ofVirtual().name("nvme-" + name + "-bring-up").start(this::open);
    }

    private void open() {
        var opened = openSoonerOrLater();
        if (opened != null && !publish(opened)) {
            opened.close();
        }
    }

    /** Null when it is not usable, or this is closed first. */
    private DriverController openSoonerOrLater() {
        var pause = patience.first();
        var trouble = "";
        boolean warned = false;
        for (int attempt = 1; closing.getCount() > 0; attempt++) {
            try {
                return opener.get();
            } catch (RuntimeException e) {
                boolean hopeless = !patience.afterRefusal()
                        && e instanceof NvmeException refused
                        && refused.kind() == NvmeException.Kind.GIVE_UP;
                if (hopeless || attempt == patience.mostAttempts()) {
                    LOG.error("{} is not usable: {}", name, e.getMessage(), e);
                    return null;
                }
                // Once is nothing: a node that starts may be the host of its neighbour, who starts too.
                boolean lasts = trouble.equals(e.getMessage());
                if (!lasts) {
                    trouble = String.valueOf(e.getMessage());
                    warned = false;
                }
                if (!warned) {
                    LOG.atLevel(lasts ? Level.WARN : Level.INFO)
                            .log("{} is not usable, and tried again in {} ms: {}", name, pause.toMillis(), trouble);
                    warned = lasts;
                }
            }
            if (closedWithin(pause)) {
                return null;
            }
            pause = pause.multipliedBy(2);
            pause = pause.compareTo(patience.longest()) < 0 ? pause : patience.longest();
        }
        return null;
    }

    private boolean closedWithin(Duration pause) {
        try {
            return closing.await(pause.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** Without a lock: those who see the controller do what they like. */
    private boolean publish(DriverController opened) {
        if (closing.getCount() == 0) {
            return false;
        }
        var published = publisher.apply(opened);
        if (published == null) {
            return false;
        }
        synchronized (this) {
            if (closing.getCount() > 0) {
                controller = opened;
                unpublish = published;
                return true;
            }
        }
        published.run();
        return false;
    }

    /** The controller is of no use any more: it goes, and another one is opened as soon as that can be. Returns at once. */
    public synchronized void lost() {
        ending = Thread.ofVirtual().name("nvme-" + name + "-lost").start(() -> {
            try {
                end();
            } catch (RuntimeException | LinkageError defect) {
                LOG.error("{} does not end well; it is opened anew all the same", name, defect);
            }
            if (closing.getCount() > 0) {
                begin();
            }
        });
    }

    private void end() {
        Runnable published;
        DriverController toClose;
        synchronized (this) {
            published = unpublish;
            toClose = controller;
            unpublish = null;
            controller = null;
        }
        try {
            if (published != null) {
                published.run();
            }
        } finally {
            if (toClose != null) {
                toClose.close();
            }
        }
    }

    /** Waits for all of it, within a bound. Idempotent. */
    @Override
    public void close() {
        closing.countDown();
        end();
        // Of one that was lost at this moment another thread sees to the end; when that is over it begins no more.
        join(endingNow());
        join(openingNow());
    }

    private synchronized Thread endingNow() {
        return ending;
    }

    private synchronized Thread openingNow() {
        return bringUp;
    }

    private static void join(Thread thread) {
        if (thread != null && thread != Thread.currentThread()) {
            join(thread, CLOSE_BOUND);
        }
    }

    /** Closes several, side by side: each may take as long as its controller's shutdown. */
    public static void closeAll(Iterable<ControllerKeeper> keepers) {
        var closing = new ArrayList<Thread>();
        for (var keeper : keepers) {
            closing.add(Thread.ofVirtual().start(keeper::close));
        }
        for (var thread : closing) {
            join(thread, CLOSE_BOUND);
        }
    }

    private static void join(Thread thread, Duration bound) {
        try {
            if (!thread.join(bound)) {
                LOG.warn("{} did not end within {} s", thread.getName(), bound.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
