package io.doorbell.subsystem;

import io.doorbell.nvme.Status;
import io.doorbell.nvme.Zone;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * The states and write pointers of a namespace's zones. Zoned Namespace Command Set 1.1 §2.1 "Zones", "Zone State Machine".
 *
 * <p>Any thread. Under one lock, which is held for a few instructions: where the next block of a zone goes is one answer for
 * all reactors that append to it, and no division of the work between them makes it two. Reads do without it, and
 * conventional namespaces know nothing of it.
 *
 * <p>A write moves the pointer when it is accepted, so that the next may be accepted before the first has ended.
 */
final class ZoneTable {
    private static final int DNR = Status.DNR;
    private static final VarHandle READABLE =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();

    private final ZoneLayout layout;

    // Guarded by this. By zone.
    private final byte[] states;
    /** Blocks behind the beginning that were written, or accepted; also of a full zone. */
    private final long[] written;

    /** What {@link #readable} answers. Written under the lock, read without. */
    private final long[] readable;

    private final int[] writing;
    private final boolean[] resetting;
    /** Of those: nothing is being written to them any more, and what is kept says that they are empty. */
    private final boolean[] emptied;
    /** In the order they were opened. */
    private final LinkedHashSet<Integer> implicitlyOpen = new LinkedHashSet<>();

    private int open;
    private int active;
    private long version;

    ZoneTable(ZoneLayout layout) {
        this.layout = layout;
        states = new byte[layout.zoneCount()];
        Arrays.fill(states, (byte) Zone.EMPTY);
        written = new long[layout.zoneCount()];
        readable = new long[layout.zoneCount()];
        writing = new int[layout.zoneCount()];
        resetting = new boolean[layout.zoneCount()];
        emptied = new boolean[layout.zoneCount()];
    }

    ZoneLayout layout() {
        return layout;
    }

    /** Grows with each change. */
    synchronized long version() {
        return version;
    }

    /**
     * Accepts a write. It is to be ended by {@link #endWrite}.
     *
     * @param offset where from, from the beginning of the zone on; -1 for where the pointer is
     * @return the offset, or a status as a negative number
     */
    synchronized long beginWrite(int zone, long offset, int blocks) {
        long at = offset < 0 ? written[zone] : offset;
        switch (states[zone]) {
            case Zone.FULL:
                return -(Status.ZONE_IS_FULL | DNR);
            case Zone.READ_ONLY:
                return -(Status.ZONE_IS_READ_ONLY | DNR);
            case Zone.OFFLINE:
                return -(Status.ZONE_IS_OFFLINE | DNR);
            default:
                break;
        }
        if (at + blocks > layout.capacity()) {
            return -(Status.ZONE_BOUNDARY_ERROR | DNR);
        }
        if (at != written[zone] || resetting[zone]) {
            return -(Status.ZONE_INVALID_WRITE | DNR);
        }
        if (!Zone.isOpen(states[zone])) {
            int status = makeRoom(zone);
            if (status != Status.SUCCESS) {
                return -status;
            }
            enter(zone, Zone.IMPLICITLY_OPENED);
        }
        written(zone, written[zone] + blocks);
        version++;
        writing[zone]++;
        if (written[zone] == layout.capacity()) {
            enter(zone, Zone.FULL);
        }
        return at;
    }

    /** @param lost whether the zone cannot be written any more: it becomes read only */
    synchronized void endWrite(int zone, boolean lost) {
        writing[zone]--;
        if (lost && states[zone] != Zone.OFFLINE) {
            enter(zone, Zone.READ_ONLY);
        }
        if (writing[zone] == 0) {
            notifyAll();
        }
    }

    /** Blocks from the beginning of a zone on that have been written, or a status as a negative number. Takes no lock. */
    long readable(int zone) {
        return (long) READABLE.getAcquire(readable, zone);
    }

    private void written(int zone, long blocks) {
        written[zone] = blocks;
        publish(zone);
    }

    private void publish(int zone) {
        READABLE.setRelease(
                readable, zone, states[zone] == Zone.OFFLINE ? -(Status.ZONE_IS_OFFLINE | DNR) : written[zone]);
    }

    /** Open, Close, Finish or Offline, of one zone: a status. */
    synchronized int manage(int zone, int action) {
        int state = states[zone];
        int target = target(state, action);
        if (target == 0 || resetting[zone]) {
            return Status.INVALID_ZONE_STATE_TRANSITION | DNR;
        }
        if (target == state) {
            return Status.SUCCESS;
        }
        if (target == Zone.EXPLICITLY_OPENED && !Zone.isOpen(state)) {
            int status = makeRoom(zone);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        enter(zone, target);
        return Status.SUCCESS;
    }

    /** Where an action leads from a state; 0 where it cannot be done. */
    private static int target(int state, int action) {
        return switch (action) {
            case Zone.OPEN ->
                Zone.isOpen(state) || state == Zone.EMPTY || state == Zone.CLOSED ? Zone.EXPLICITLY_OPENED : 0;
            case Zone.CLOSE -> Zone.isActive(state) ? Zone.CLOSED : 0;
            case Zone.FINISH -> Zone.hasWritePointer(state) || state == Zone.FULL ? Zone.FULL : 0;
            case Zone.RESET -> Zone.hasWritePointer(state) || state == Zone.FULL ? Zone.EMPTY : 0;
            case Zone.SET_OFFLINE -> state == Zone.READ_ONLY || state == Zone.OFFLINE ? Zone.OFFLINE : 0;
            default -> 0;
        };
    }

    /** The same for all zones that the action is for: those that are open, closed, read only. */
    synchronized int manageAll(int action) {
        if (action == Zone.OPEN) {
            int closed = count(Zone.CLOSED);
            if (layout.maxOpen() != 0 && count(Zone.EXPLICITLY_OPENED) + closed > layout.maxOpen()) {
                return Status.TOO_MANY_OPEN_ZONES | DNR;
            }
        }
        // Which ones, before one of them is closed for another.
        int[] selected = IntStream.range(0, states.length)
                .filter(zone -> isSelected(zone, action))
                .toArray();
        for (int zone : selected) {
            int status = manage(zone, action);
            if (status != Status.SUCCESS) {
                return status;
            }
        }
        return Status.SUCCESS;
    }

    private boolean isSelected(int zone, int action) {
        int state = states[zone];
        return !resetting[zone]
                && switch (action) {
                    case Zone.OPEN -> state == Zone.CLOSED;
                    case Zone.CLOSE -> Zone.isOpen(state);
                    case Zone.FINISH -> Zone.isActive(state);
                    case Zone.RESET -> Zone.isActive(state) || state == Zone.FULL;
                    case Zone.SET_OFFLINE -> state == Zone.READ_ONLY;
                    default -> false;
                };
    }

    private int count(int state) {
        int count = 0;
        for (byte one : states) {
            count += one == state ? 1 : 0;
        }
        return count;
    }

    /**
     * Begins to reset one zone, or all with -1: from here on no write to them is accepted. To be ended by {@link #endReset}.
     *
     * @return the zones that are to be reset; null when it cannot be done
     */
    synchronized int[] beginReset(int zone) {
        int[] zones = new int[zone < 0 ? states.length : 1];
        int count = 0;
        for (int i = zone < 0 ? 0 : zone; i < (zone < 0 ? states.length : zone + 1); i++) {
            if (zone >= 0 && (target(states[i], Zone.RESET) == 0 || resetting[i])) {
                return null;
            }
            if (zone < 0 ? isSelected(i, Zone.RESET) : states[i] != Zone.EMPTY) {
                resetting[i] = true;
                zones[count++] = i;
            }
        }
        return Arrays.copyOf(zones, count);
    }

    /**
     * Waits until nothing is being written to zones that are reset; what is kept from then on says that they are empty. Not
     * before: a reset that does not come to be takes nothing. Blocks; false when the bound is over.
     */
    synchronized boolean awaitWritten(int[] zones, long boundNanos) throws InterruptedException {
        long deadlineNanos = System.nanoTime() + boundNanos;
        for (int zone : zones) {
            while (writing[zone] > 0) {
                long leftNanos = deadlineNanos - System.nanoTime();
                if (leftNanos <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(this, leftNanos);
            }
        }
        for (int zone : zones) {
            emptied[zone] = true;
        }
        version++;
        return true;
    }

    /** @param done whether they are empty now, or as before */
    synchronized void endReset(int[] zones, boolean done) {
        for (int zone : zones) {
            resetting[zone] = false;
            emptied[zone] = false;
            if (done) {
                enter(zone, Zone.EMPTY);
                written(zone, 0);
            }
        }
        version++;
    }

    /** Everything was erased. */
    synchronized void clear() {
        for (int zone = 0; zone < states.length; zone++) {
            enter(zone, Zone.EMPTY);
            written(zone, 0);
        }
    }

    synchronized int state(int zone) {
        return states[zone];
    }

    /** Where the next block of a zone goes, {@link Zone#NO_WRITE_POINTER} where none does. */
    synchronized long writePointer(int zone) {
        return Zone.hasWritePointer(states[zone]) ? layout.start(zone) + written[zone] : Zone.NO_WRITE_POINTER;
    }

    /** What is kept of a zone: its state, with what was accepted. */
    synchronized void keep(ZoneStore.Keeper keeper) {
        for (int zone = 0; zone < states.length; zone++) {
            keeper.keep(zone, emptied[zone] ? Zone.EMPTY : states[zone], emptied[zone] ? 0 : written[zone]);
        }
    }

    /** A zone as it was kept. What was open is closed, or empty. */
    synchronized void restore(int zone, int state, long blocks) {
        written(zone, blocks);
        boolean wasOpen = Zone.isActive(state);
        enter(zone, wasOpen ? blocks == 0 ? Zone.EMPTY : Zone.CLOSED : state);
    }

    /** Resources for one more open zone: an active one, and an open one, for which an implicitly opened zone is closed. */
    private int makeRoom(int zone) {
        if (!Zone.isActive(states[zone]) && layout.maxActive() != 0 && active >= layout.maxActive()) {
            return Status.TOO_MANY_ACTIVE_ZONES | DNR;
        }
        if (layout.maxOpen() != 0 && open >= layout.maxOpen()) {
            if (implicitlyOpen.isEmpty()) {
                return Status.TOO_MANY_OPEN_ZONES | DNR;
            }
            enter(implicitlyOpen.getFirst(), Zone.CLOSED);
        }
        return Status.SUCCESS;
    }

    private void enter(int zone, int state) {
        int before = states[zone];
        open += (Zone.isOpen(state) ? 1 : 0) - (Zone.isOpen(before) ? 1 : 0);
        active += (Zone.isActive(state) ? 1 : 0) - (Zone.isActive(before) ? 1 : 0);
        if (before == Zone.IMPLICITLY_OPENED) {
            implicitlyOpen.remove(zone);
        }
        if (state == Zone.IMPLICITLY_OPENED) {
            implicitlyOpen.add(zone);
        }
        states[zone] = (byte) state;
        publish(zone);
        version++;
    }
}
