package io.doorbell.pcie;

import io.doorbell.host.InjectedError;
import io.doorbell.nvme.SubmissionEntry;
import java.util.List;

/**
 * A queue pair that makes errors up. A class of its own, so that the others do not even ask.
 *
 * <p>Owner: as that of every queue pair.
 */
final class InjectingQueuePair extends PcieQueuePair {
    private final InjectedError[] errors;

    /** By error: to how many more commands it applies. */
    private final int[] left;

    /** By slot, where {@link Trackers#INJECTED} is set: what its end is replaced by. */
    private final InjectedError[] bySlot;

    InjectingQueuePair(Parts parts, List<InjectedError> injected) {
        super(parts);
        errors = injected.toArray(InjectedError[]::new);
        left = injected.stream().mapToInt(InjectedError::count).toArray();
        bySlot = new InjectedError[trackers.slotMask + 1];
    }

    @Override
    void begin(int cid, long token) {
        int before = tail;
        var error = take();
        super.begin(cid, token);
        if (error != null) {
            apply(error, trackers.slot(cid), before);
        }
    }

    @Override
    void beginParts(long token, int parts, int newTail) {
        int before = tail;
        var error = take();
        var slots = new int[error == null ? 0 : parts];
        for (int i = 0; i < slots.length; i++) {
            slots[i] = trackers.slot(trackers.nextId(i));
        }
        super.beginParts(token, parts, newTail);
        for (int slot : slots) {
            apply(error, slot, before);
        }
    }

    /** What is to happen to the command in the entry at the tail; null mostly. */
    private InjectedError take() {
        int opc = SubmissionEntry.opc(submissionRing, (long) tail << ENTRY_SHIFT);
        for (int i = 0; i < errors.length; i++) {
            if (left[i] > 0 && errors[i].opcode() == opc) {
                left[i]--;
                return errors[i];
            }
        }
        return null;
    }

    private void apply(InjectedError error, int slot, int tailBefore) {
        if (error.submitted()) {
            bySlot[slot] = error;
            trackers.ids[slot] |= Trackers.INJECTED;
        } else {
            // Out of the ring again: nobody has told the device.
            tail = tailBefore;
            defer(slot, error, error.status());
        }
    }

    private void defer(int slot, InjectedError error, int status) {
        trackers.ids[slot] |= Trackers.DEFERRED;
        deferred.toEnd(slot, clock.millis + (int) error.delay().toMillis(), status);
    }

    @Override
    void ended(int slot, int id, int status, long result) {
        if ((id & Trackers.INJECTED) == 0) {
            super.ended(slot, id, status, result);
            return;
        }
        var error = bySlot[slot];
        trackers.ids[slot] = id & ~Trackers.INJECTED;
        int outcome = error.status() == 0 ? status : error.status();
        if (error.delay().isZero()) {
            super.ended(slot, id & ~Trackers.INJECTED, outcome, result);
        } else {
            defer(slot, error, outcome);
        }
    }

    @Override
    public int poll(int limit) {
        int ended = super.poll(limit);
        // At once, not with the clock's next step.
        if (deferred.count > 0 && ended < limit && poller == Thread.currentThread()) {
            ended += endDeferred(limit - ended);
            commit();
        }
        return ended;
    }
}
