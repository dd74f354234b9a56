package io.doorbell.subsystem;

import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.ReservationNotificationLog;
import io.doorbell.nvme.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Registrations and the reservation of one namespace, and what each command makes of them. NVMe Base 2.1 "Reservations".
 * Values: a change is a new one.
 *
 * @param gen Generation; persisted with the rest, so that a host never sees an old value again
 * @param rtype 0 where nobody holds it
 * @param holder null where nobody or every registrant holds it
 * @param persistent Persist Through Power Loss
 */
record ReservationState(int gen, int rtype, HostId holder, boolean persistent, List<Registrant> registrants) {
    /** Hosts that can be registered at a time. */
    static final int MAX_REGISTRANTS = 64;

    /** Bits of {@link #denied}. */
    static final int DENIES_READS = 1;

    static final int DENIES_WRITES = 1 << 1;

    static final ReservationState NONE = new ReservationState(0, 0, null, false, List.of());

    private static final int CONFLICT = Status.RESERVATION_CONFLICT | Status.DNR;
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;

    record Registrant(HostId host, long key) {}

    /** {@code type} of {@link ReservationNotificationLog}. */
    record Notice(HostId host, int type) {}

    /**
     * What a command makes of the state.
     *
     * @param status success, or why nothing changes
     * @param preempted hosts whose registration is gone by another host's will
     */
    record Change(int status, ReservationState next, List<HostId> preempted, List<Notice> notices) {
        Change {
            preempted = List.copyOf(preempted);
            notices = List.copyOf(notices);
        }
    }

    ReservationState {
        registrants = List.copyOf(registrants);
        assert holder == null || !Reservation.isAllRegistrants(rtype) : "all of them hold it";
        assert rtype != 0 || holder == null : "there is nothing to hold";
    }

    /** What {@code host} may not do: {@link #DENIES_READS}, {@link #DENIES_WRITES}; 0 for no limits. */
    int denied(HostId host) {
        if (rtype == 0 || holds(host) || (Reservation.isRegistrantsOnly(rtype) && isRegistered(host))) {
            return 0;
        }
        return Reservation.excludesReads(rtype) ? DENIES_READS | DENIES_WRITES : DENIES_WRITES;
    }

    boolean holds(HostId host) {
        return rtype != 0 && (Reservation.isAllRegistrants(rtype) ? isRegistered(host) : host.equals(holder));
    }

    boolean isRegistered(HostId host) {
        return registrant(host) != null;
    }

    private Registrant registrant(HostId host) {
        for (var registrant : registrants) {
            if (registrant.host.equals(host)) {
                return registrant;
            }
        }
        return null;
    }

    /**
     * Reservation Register.
     *
     * @param ptpl Change Persist Through Power Loss State, as in the command
     */
    Change register(HostId host, int action, boolean ignoreKey, int ptpl, long crkey, long nrkey) {
        var mine = registrant(host);
        boolean keyFits = mine != null && (ignoreKey || mine.key == crkey);
        boolean stays = ptpl == Reservation.PERSISTENCE_UNCHANGED ? persistent : ptpl == Reservation.PERSISTENCE_ON;
        return switch (action) {
            case Reservation.REGISTER -> {
                if (nrkey == 0) {
                    yield refused(INVALID_FIELD);
                }
                yield mine != null && mine.key != nrkey ? refused(CONFLICT) : withKey(host, nrkey, stays);
            }
            case Reservation.UNREGISTER -> keyFits ? unregister(host, stays) : refused(CONFLICT);
            case Reservation.REPLACE -> {
                if (nrkey == 0) {
                    yield refused(INVALID_FIELD);
                }
                // Without a key to compare there need not be one.
                yield keyFits || (mine == null && ignoreKey) ? withKey(host, nrkey, stays) : refused(CONFLICT);
            }
            default -> refused(INVALID_FIELD);
        };
    }

    private Change withKey(HostId host, long key, boolean stays) {
        var next = new ArrayList<>(registrants);
        int index = next.indexOf(registrant(host));
        if (index >= 0) {
            next.set(index, new Registrant(host, key));
        } else if (next.size() == MAX_REGISTRANTS) {
            return refused(Status.INTERNAL_ERROR | Status.DNR);
        } else {
            next.add(new Registrant(host, key));
        }
        return done(new ReservationState(gen + 1, rtype, holder, stays, next));
    }

    private Change unregister(HostId host, boolean stays) {
        var next = without(registrant -> registrant.host.equals(host), stays);
        var notices = rtype != 0 && next.rtype == 0 && Reservation.isRegistrantsOnly(rtype)
                ? next.tell(ReservationNotificationLog.RESERVATION_RELEASED, host)
                : List.<Notice>of();
        return new Change(Status.SUCCESS, next, List.of(), notices);
    }

    /** A host went that cannot come again: its registration goes, and what it held. */
    Change forget(HostId host) {
        return isRegistered(host) ? unregister(host, persistent) : done(this);
    }

    Change persist(boolean stays) {
        return done(new ReservationState(gen, rtype, holder, stays, registrants));
    }

    /** Without some registrants, and without the reservation where its holder, or the last one of all, is among them. */
    private ReservationState without(Predicate<Registrant> gone, boolean stays) {
        var left = registrants.stream().filter(gone.negate()).toList();
        boolean released = Reservation.isAllRegistrants(rtype)
                ? left.isEmpty()
                : holder != null && left.stream().noneMatch(registrant -> registrant.host.equals(holder));
        return new ReservationState(gen + 1, released ? 0 : rtype, released ? null : holder, stays, left);
    }

    /** Reservation Acquire, Acquire. */
    Change acquire(HostId host, long crkey, int type) {
        if (!Reservation.isType(type)) {
            return refused(INVALID_FIELD);
        }
        if (!hasKey(host, crkey)) {
            return refused(CONFLICT);
        }
        if (rtype == 0) {
            return done(heldBy(host, type, registrants, gen));
        }
        return holds(host) && rtype == type ? done(this) : refused(CONFLICT);
    }

    /** Reservation Acquire, Preempt; whether the commands of who is preempted are aborted too is the caller's. */
    Change preempt(HostId host, long crkey, long prkey, int type) {
        if (!Reservation.isType(type)) {
            return refused(INVALID_FIELD);
        }
        if (!hasKey(host, crkey)) {
            return refused(CONFLICT);
        }
        boolean all = prkey == 0 && Reservation.isAllRegistrants(rtype);
        if (prkey == 0 && !all) {
            return refused(INVALID_FIELD);
        }
        if (!all && registrants.stream().noneMatch(registrant -> registrant.key == prkey)) {
            return refused(CONFLICT);
        }
        // Who preempts keeps its own registration, whatever its key.
        Predicate<Registrant> gone = registrant -> (all || registrant.key == prkey) && !registrant.host.equals(host);
        boolean takes = all || (holder != null && registrant(holder).key == prkey);
        var left = without(gone, persistent);
        var next = takes ? heldBy(host, type, left.registrants, gen + 1) : left;
        var preempted = registrants.stream().filter(gone).map(Registrant::host).toList();
        var notices = new ArrayList<Notice>();
        for (var victim : preempted) {
            notices.add(new Notice(victim, ReservationNotificationLog.REGISTRATION_PREEMPTED));
        }
        if (takes && rtype != type) {
            // Who stays registered had the rights of the old type.
            notices.addAll(next.tell(ReservationNotificationLog.RESERVATION_RELEASED, host));
        }
        return new Change(Status.SUCCESS, next, preempted, notices);
    }

    private ReservationState heldBy(HostId host, int type, List<Registrant> by, int newGen) {
        return new ReservationState(newGen, type, Reservation.isAllRegistrants(type) ? null : host, persistent, by);
    }

    /** Reservation Release, Release. */
    Change release(HostId host, long crkey, int type) {
        if (!hasKey(host, crkey)) {
            return refused(CONFLICT);
        }
        if (!holds(host)) {
            return done(this); // There is nothing it could release, and that is no error.
        }
        if (type != rtype) {
            return refused(INVALID_FIELD);
        }
        var next = new ReservationState(gen, 0, null, persistent, registrants);
        boolean shared = Reservation.isAllRegistrants(rtype) || Reservation.isRegistrantsOnly(rtype);
        var notices = shared ? next.tell(ReservationNotificationLog.RESERVATION_RELEASED, host) : List.<Notice>of();
        return new Change(Status.SUCCESS, next, List.of(), notices);
    }

    /** Reservation Release, Clear. */
    Change clear(HostId host, long crkey) {
        if (!hasKey(host, crkey)) {
            return refused(CONFLICT);
        }
        var next = new ReservationState(gen + 1, 0, null, persistent, List.of());
        return new Change(
                Status.SUCCESS, next, List.of(), tell(ReservationNotificationLog.RESERVATION_PREEMPTED, host));
    }

    private boolean hasKey(HostId host, long crkey) {
        var mine = registrant(host);
        return mine != null && mine.key == crkey;
    }

    /** A notice to every registrant but one. */
    private List<Notice> tell(int type, HostId but) {
        return registrants.stream()
                .filter(registrant -> !registrant.host.equals(but))
                .map(registrant -> new Notice(registrant.host, type))
                .toList();
    }

    private static Change done(ReservationState next) {
        return new Change(Status.SUCCESS, next, List.of(), List.of());
    }

    private Change refused(int status) {
        return new Change(status, this, List.of(), List.of());
    }
}
