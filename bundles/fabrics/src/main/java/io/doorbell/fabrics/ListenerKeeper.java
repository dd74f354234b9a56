package io.doorbell.fabrics;

import io.doorbell.target.AccessStates;
import io.doorbell.target.ListenerOperator;
import io.doorbell.target.ListenerStatus;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.osgi.framework.Constants;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A listener as it is configured, with the ANA states that hosts find there: opened as soon as its place can be had, which is tried again until
 * then, and opened anew when it is configured otherwise. The component of a transport is one. Any thread.
 *
 * @param <S> the settings of the transport; what is equal is not opened anew
 */
public abstract class ListenerKeeper<S extends ListenerSettings.Placed> implements ListenerOperator, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ListenerKeeper.class);

    private static final Duration RETRY = Duration.ofSeconds(5);

    /** A node that starts on a machine that is busy has all of its parts by then. */
    static final Duration PATIENCE = Duration.ofSeconds(15);

    /** A listener that is open. */
    public interface Listening extends AutoCloseable {
        /** How hosts reach ANA groups from now on; those that are connected are told, and stay so. */
        void accessStates(AccessStates states);

        /** Where it listens; with the port that it got. */
        InetSocketAddress address();

        /** Connections of hosts. */
        int connections();

        /** What its transport counts, by name, since it listens. */
        SortedMap<String, Long> counters();

        @Override
        void close();
    }

    /** What it would listen at is not there, but may be about to come, as when a node starts: no fault until that has lasted. */
    public static final class NotYet extends IOException {
        private static final long serialVersionUID = 1;

        public NotYet(String what) {
            super(what);
        }
    }

    private final Duration retry;
    private final LongSupplier clock;

    // Guarded by this.
    private S wanted;
    private long wantedSinceNanos;
    private boolean told;
    private AccessStates states = AccessStates.ALL_OPTIMIZED;
    private Listening open;
    private Thread opening;
    private String problem = "";

    protected ListenerKeeper() {
        this(RETRY, System::nanoTime);
    }

    ListenerKeeper(Duration retry, LongSupplier clock) {
        this.retry = retry;
        this.clock = clock;
    }

    /**
     * Opens a listener.
     *
     * @throws NotYet when its place is not there, and {@link #again} is called when it comes
     * @throws IOException when its place cannot be had now, and may be later
     */
    protected abstract Listening open(S settings, AccessStates states) throws IOException;

    /**
     * Takes up a configuration: hosts lose their connections and come again, but where nothing else than ANA states changed.
     *
     * @param ana as it is configured
     * @throws IllegalArgumentException for ANA states that cannot be; nothing is changed then
     */
    protected final synchronized void configure(S settings, String[] ana) {
        var next = AccessStates.parse(ana);
        if (settings.equals(wanted)) {
            accessStates(next);
            return;
        }
        close();
        wanted = settings;
        problem = "";
        states = next;
        beginAnew();
    }

    /**
     * As {@link #configure}, of a component that is modified: a configuration that cannot be changes nothing.
     *
     * @param properties of the component
     */
    protected final void configure(Supplier<S> settings, String[] ana, Map<String, ?> properties) {
        try {
            configure(settings.get(), ana);
        } catch (IllegalArgumentException wrong) {
            LOG.error(
                    "config/{}.cfg: {}. Nothing was changed",
                    properties.get(Constants.SERVICE_PID),
                    wrong.getMessage());
        }
    }

    /** Its place is there, or another one: tried at once. */
    protected final synchronized void again() {
        if (wanted != null && open == null) {
            opening.interrupt();
            begin();
        }
    }

    /** Its place has gone: closed, and tried again until it is back. */
    protected final synchronized void lose() {
        if (open != null) {
            try {
                letGo();
            } finally {
                beginAnew();
            }
        }
    }

    private void letGo() {
        var ending = open;
        open = null;
        ending.close();
    }

    private void beginAnew() {
        wantedSinceNanos = clock.getAsLong();
        told = false;
        begin();
    }

    private void begin() {
        var settings = wanted;
        opening = Thread.ofVirtual().name("listen " + settings.name()).start(() -> keepOpening(settings));
    }

    private void keepOpening(S settings) {
        while (!isOpened(settings)) {
            try {
                Thread.sleep(retry);
            } catch (InterruptedException ended) {
                return;
            }
        }
    }

    /** Whether there is nothing more to do. */
    private synchronized boolean isOpened(S settings) {
        if (wanted != settings || opening != Thread.currentThread()) {
            return true;
        }
        try {
            open = open(settings, states);
            problem = "";
            return true;
        } catch (IOException taken) {
            problem = taken.getMessage();
            complain(settings, taken);
            return false;
        } catch (RuntimeException | LinkageError failed) {
            // A reactor that did not come round, memory or descriptors that were short: it passes, on a node that is to
            // run for months.
            var why = failed.toString();
            if (!why.equals(problem)) {
                problem = why;
                LOG.error("{} does not listen. Tried again every {} s", settings.name(), retry.toSeconds(), failed);
            }
            return false;
        }
    }

    private void complain(S settings, IOException taken) {
        if (told) {
            return;
        }
        if (taken instanceof NotYet && clock.getAsLong() - wantedSinceNanos < PATIENCE.toNanos()) {
            LOG.debug("{}: {}", settings.name(), taken.getMessage());
            return;
        }
        told = true;
        LOG.warn("{}: {} Tried again every {} s", settings.name(), taken.getMessage(), retry.toSeconds());
    }

    @Override
    public final synchronized String name() {
        return wanted == null ? "" : wanted.name();
    }

    @Override
    public final synchronized AccessStates accessStates() {
        return states;
    }

    @Override
    public final synchronized void accessStates(AccessStates next) {
        if (!next.equals(states)) {
            states = next;
            LOG.info("{}: ANA states are {}", name(), List.of(next.spelled()));
            if (open != null) {
                open.accessStates(next);
            }
        }
    }

    @Override
    public synchronized ListenerStatus status() {
        if (wanted == null) {
            throw new IllegalStateException("the listener is not there any more");
        }
        var closed = wanted.whileClosed();
        return open == null
                ? closed.because(problem)
                : closed.whileOpen(open.address().getPort(), open.connections(), open.counters());
    }

    /** Listens no more. Idempotent. */
    @Override
    public final synchronized void close() {
        wanted = null;
        if (opening != null) {
            opening.interrupt();
            opening = null;
        }
        if (open != null) {
            letGo();
        }
    }
}
