package io.doorbell.emulator;

import io.doorbell.nvme.Status;

/** Commands that a fault delays: nobody has begun with them. Owner: the device's reactor. */
final class HeldCommands {
    private EmulatedRequest first;

    boolean isEmpty() {
        return first == null;
    }

    void add(EmulatedRequest request, long dueNanos) {
        request.state = EmulatedRequest.HELD;
        request.dueNanos = dueNanos;
        request.link = first;
        first = request;
    }

    boolean remove(EmulatedRequest request) {
        EmulatedRequest previous = null;
        for (var at = first; at != null; previous = at, at = at.link) {
            if (at == request) {
                if (previous == null) {
                    first = at.link;
                } else {
                    previous.link = at.link;
                }
                at.link = null;
                return true;
            }
        }
        return false;
    }

    /** Begins with those whose time has come. Returns how many. */
    int begin(long nowNanos) {
        int begun = 0;
        for (var request = takeDue(nowNanos); request != null; request = takeDue(nowNanos)) {
            if (!FaultRun.beginOtherwise(request)) {
                request.queue.begin(request);
            }
            begun++;
        }
        return begun;
    }

    private EmulatedRequest takeDue(long nowNanos) {
        EmulatedRequest due = null;
        for (var at = first; at != null; at = at.link) {
            if (nowNanos - at.dueNanos >= 0 && (due == null || at.dueNanos - due.dueNanos < 0)) {
                due = at;
            }
        }
        if (due != null) {
            remove(due);
        }
        return due;
    }

    /** Nanoseconds until the next is due. */
    long nextDueNanos(long nowNanos) {
        long least = Long.MAX_VALUE;
        for (var at = first; at != null; at = at.link) {
            least = Math.min(least, Math.max(0, at.dueNanos - nowNanos));
        }
        return least;
    }

    /** Ends those of a queue that is deleted. */
    void abort(SubmissionQueue queue) {
        for (var at = first; at != null; ) {
            var following = at.link;
            if (at.queue == queue) {
                remove(at);
                queue.answer(at, Status.ABORTED_SQ_DELETION);
            }
            at = following;
        }
    }

    void clear() {
        first = null;
    }
}
