package io.doorbell.subsystem;

import io.doorbell.nvme.Status;
import io.doorbell.subsystem.ReservationState.Change;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The reservations of one namespace, which all controllers share.
 *
 * <p>How reactors check what another thread changes: they do not look here for each command. Every I/O path has a
 * {@link Seat} and a plain field with what its host may not do, written by its own reactor alone. A change is made on a
 * control thread, one at a time: it is made durable, published, and every path is woken to take it up between two
 * commands. Only when all of them have is the command answered that caused it. So from that answer on no path executes a
 * command by the old rules, and a path without a reservation pays one compare of its own field. Preempt and Abort waits in
 * the same place, for the commands that the preempted host's paths had in flight.
 *
 * <p>Any thread, but for what a seat's methods say.
 */
final class NamespaceReservations {
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceReservations.class);

    /** How long a path may take to take a change up, and the commands of who is preempted to end. */
    static final Duration TAKE_UP_BOUND = Duration.ofSeconds(10);

    private final String name;
    private final UUID uuid;
    private final ReservationStore store;
    private final Teller teller;

    /** Replaced whole, under this, while {@link #seats} is held. */
    private volatile ReservationState state;

    // Guarded by seats, which is never held while something blocks.
    private final Set<Seat> seats = new HashSet<>();
    private long version;

    /** Tells the controllers of a host. */
    @FunctionalInterface
    interface Teller {
        void tell(HostId host, int type);
    }

    /** A path's place. Its methods are for the path's reactor. */
    final class Seat {
        private final IoPath path;
        /** The changes this path has taken up, and has no older command in flight of. Guarded by seats. */
        private long taken;

        private long drained;
        private long drainWanted;

        private Seat(IoPath path) {
            this.path = path;
        }

        /** What the host may not do from now on. */
        int take(HostId host) {
            synchronized (seats) {
                taken = version;
                seats.notifyAll();
                return state.denied(host);
            }
        }

        /** Whether what is in flight has to end; then {@link #drained} is to be called with the answer. 0 for no. */
        long drainWanted() {
            synchronized (seats) {
                return drained < drainWanted ? drainWanted : 0;
            }
        }

        void drained(long upTo) {
            synchronized (seats) {
                drained = Math.max(drained, upTo);
                seats.notifyAll();
            }
        }

        void leave() {
            synchronized (seats) {
                seats.remove(this);
                seats.notifyAll();
            }
        }

        private boolean waitedFor(long upTo) {
            // A thread that has ended executes nothing any more.
            return (taken < upTo || drained < drainWanted)
                    && path.reactor().thread().isAlive();
        }
    }

    /**
     * @param store null where nothing is kept
     * @throws UncheckedIOException when what is kept cannot be read
     */
    NamespaceReservations(String name, UUID uuid, ReservationStore store, Teller teller) {
        this.name = name;
        this.uuid = uuid;
        this.store = store;
        this.teller = teller;
        this.state = load();
    }

    private ReservationState load() {
        if (store == null) {
            return ReservationState.NONE;
        }
        try {
            return store.load();
        } catch (IOException failed) {
            // To forget them would let anyone write, and who was kept out would never know.
            throw new UncheckedIOException(
                    new IOException("who may write to " + name + " is not known: " + failed.getMessage() + ". Remove "
                            + store.file() + " to begin without reservations; hosts have to register anew then"));
        }
    }

    /** Of which data these are the reservations. */
    UUID uuid() {
        return uuid;
    }

    /** Whether Persist Through Power Loss can be had. */
    boolean canPersist() {
        return store != null;
    }

    ReservationState state() {
        return state;
    }

    /** What {@code host} may not do, for commands that no path executes: see {@link ReservationState#denied}. */
    int denied(HostId host) {
        return state.denied(host);
    }

    Seat seat(IoPath path) {
        var seat = new Seat(path);
        synchronized (seats) {
            // It takes the newest state up before it executes anything, and has nothing in flight.
            seat.taken = version;
            seat.drained = version;
            seats.add(seat);
        }
        return seat;
    }

    /**
     * Makes a change, and returns when it is durable and no path goes by the old state any more; blocks for that.
     *
     * @param abort whether the commands of who is preempted have to end too
     * @return a status; Internal Error when it could not be kept (nothing has changed then), or a path did not take it up
     *     within {@link #TAKE_UP_BOUND} (then it has changed)
     */
    synchronized int change(boolean abort, Function<ReservationState, Change> what) {
        var before = state;
        Change change = what.apply(before);
        if (change.status() != Status.SUCCESS) {
            return change.status();
        }
        var next = change.next();
        if (next.persistent() && store == null) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (!next.equals(before) && (next.persistent() || before.persistent())) {
            try {
                store.save(next);
            } catch (IOException failed) {
                LOG.error("the reservations of {} cannot be kept, and stay as they were", name, failed);
                return Status.INTERNAL_ERROR;
            }
        }
        var preempted = new HashSet<>(change.preempted());
        boolean inTime = publish(next, host -> abort && preempted.contains(host));
        for (var notice : change.notices()) {
            teller.tell(notice.host(), notice.type());
        }
        return inTime ? Status.SUCCESS : Status.INTERNAL_ERROR;
    }

    private boolean publish(ReservationState next, Predicate<HostId> drains) {
        long deadlineNanos = System.nanoTime() + TAKE_UP_BOUND.toNanos();
        synchronized (seats) {
            state = next;
            long wanted = ++version;
            for (var seat : seats) {
                if (drains.test(seat.path.host())) {
                    seat.drainWanted = wanted;
                }
                seat.path.rulesChanged();
            }
            while (seats.stream().anyMatch(seat -> seat.waitedFor(wanted))) {
                long leftNanos = deadlineNanos - System.nanoTime();
                if (leftNanos <= 0) {
                    seats.stream()
                            .filter(seat -> seat.waitedFor(wanted))
                            .forEach(seat -> LOG.error(
                                    "{} did not take up the reservations of {} within {}",
                                    seat.path,
                                    name,
                                    TAKE_UP_BOUND));
                    return false;
                }
                try {
                    TimeUnit.NANOSECONDS.timedWait(seats, leftNanos);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return false;
                }
            }
            return true;
        }
    }

    @Override
    public String toString() {
        return "reservations of " + name;
    }
}
