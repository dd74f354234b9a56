package io.doorbell.driver;

import io.doorbell.host.InjectedError;
import io.doorbell.nvme.SubmissionEntry;
import java.util.List;

/**
 * Errors that a queue pair makes up. Queue pairs without have none of these, and look no further.
 *
 * <p>Owner: that of the queue pair.
 */
final class Injection {
    private final InjectedError[] errors;

    /** By error: to how many more commands it applies. */
    private final int[] left;

    /** By slot, where {@link Trackers#INJECTED} is set: what its end is replaced by. */
    private final InjectedError[] bySlot;

    Injection(int slots, List<InjectedError> injected) {
        errors = injected.toArray(InjectedError[]::new);
        left = injected.stream().mapToInt(InjectedError::count).toArray();
        bySlot = new InjectedError[slots];
    }

    /** What is to happen to the command that is staged next, with this id; null mostly. */
    InjectedError take(TrackedQueuePair pair, int cid) {
        int opc = SubmissionEntry.opc(pair.submission, pair.entry(0, cid));
        for (int i = 0; i < errors.length; i++) {
            if (left[i] > 0 && errors[i].opcode() == opc) {
                left[i]--;
                return errors[i];
            }
        }
        return null;
    }

    /** To the commands in these slots, all that was staged since the mark. */
    void apply(TrackedQueuePair pair, InjectedError error, int mark, int... slots) {
        for (int slot : slots) {
            if (error.submitted()) {
                bySlot[slot] = error;
                pair.trackers.ids[slot] |= Trackers.INJECTED;
            } else {
                pair.unstage(mark);
                defer(pair, slot, error, error.status());
            }
        }
    }

    private void defer(TrackedQueuePair pair, int slot, InjectedError error, int status) {
        pair.defer(slot, (int) error.delay().toMillis(), status);
    }

    /** The controller has ended a command whose end is to be replaced. */
    void ended(TrackedQueuePair pair, int slot, int id, int status, long result) {
        var error = bySlot[slot];
        pair.trackers.ids[slot] = id & ~Trackers.INJECTED;
        int outcome = error.status() == 0 ? status : error.status();
        if (error.delay().isZero()) {
            pair.ended(slot, id & ~Trackers.INJECTED, outcome, result);
        } else {
            defer(pair, slot, error, outcome);
        }
    }
}
