package io.doorbell.emulator;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import java.lang.foreign.MemorySegment;

/**
 * The device's side of a completion queue. NVMe Base 2.1 §3.3.1 "Queue Setup and Initialization", §4.2 "Completion Queue Entry". It is
 * full with one slot free, so that head and tail tell full from empty. Owner: the device's reactor.
 */
final class CompletionQueue {
    static final int NO_VECTOR = -1;

    final EmulatedController controller;
    final int qid;
    final int size;

    /** Its interrupt vector, or {@link #NO_VECTOR}. */
    final int vector;

    private final MemorySegment ring;

    private int tail;
    private int phase = 1;

    /** The host's head, as last looked at: older than it is at worst. */
    private int head;

    private MemorySegment doorbells;
    private long doorbellOffset;
    private boolean dead;

    // Ended commands that found no room, oldest first; bounded by the requests there are.
    private EmulatedRequest oldestWaiting;
    private EmulatedRequest newestWaiting;

    // Cold.
    /** Submission queues that complete here. */
    int submissionQueues;

    private DoorbellBuffers shadow;
    private int movedSinceHold;
    private int laps;
    private int raisedTail;
    private int raisedLaps;

    CompletionQueue(
            EmulatedController controller,
            int qid,
            int size,
            int vector,
            MemorySegment ring,
            MemorySegment doorbells,
            int dstrd) {
        this.controller = controller;
        this.qid = qid;
        this.size = size;
        this.vector = vector;
        this.ring = ring;
        this.doorbells = doorbells;
        doorbellOffset = Doorbell.shadowCompletionHeadOffset(qid, dstrd);
        Doorbell.store(doorbells, doorbellOffset, 0);
    }

    /** Slots that can be posted to, {@code wanted} at most are looked for: the doorbell is read only when it matters. */
    int room(int wanted) {
        int room = head - tail - 1;
        if (room < 0) {
            room += size;
        }
        return room >= wanted ? wanted : Math.min(wanted, refreshedRoom());
    }

    private int refreshedRoom() {
        if (dead) {
            return 0;
        }
        int newHead = Doorbell.load(doorbells, doorbellOffset);
        if (Integer.compareUnsigned(newHead, size) >= 0 || distance(head, newHead) > distance(head, tail)) {
            dead = true;
            controller.invalidDoorbell(
                    AsyncEvent.ERROR_INVALID_DOORBELL_VALUE, "head " + newHead + " of completion queue " + qid);
            return 0;
        }
        int moved = distance(head, newHead);
        head = newHead;
        if (shadow != null && (movedSinceHold += moved) >= size / 2) {
            hold();
        }
        return size - 1 - distance(newHead, tail);
    }

    private int distance(int from, int to) {
        int distance = to - from;
        return distance < 0 ? distance + size : distance;
    }

    /** Posts one entry; there is {@link #room}. */
    void post(long dw01, int sqhd, int sqid, int cid, int status) {
        CompletionEntry.post(ring, (long) tail * CompletionEntry.SIZE_BYTES, dw01, sqhd, sqid, cid, status, phase);
        if (++tail == size) {
            tail = 0;
            phase ^= 1;
            laps++;
        }
    }

    /** Interrupts, if anything was posted since this last looked. */
    void raise(InterruptVectors vectors) {
        if (raisedTail != tail || raisedLaps != laps) {
            raisedTail = tail;
            raisedLaps = laps;
            vectors.raise(vector);
        }
    }

    /** Posts the end of a command, now or when there is room, and gives the request back to its queue then. */
    void answer(EmulatedRequest request, int status) {
        if (oldestWaiting == null && room(1) > 0) {
            post(request, status);
            return;
        }
        controller.completionsWait = true;
        request.state = EmulatedRequest.ENDED;
        request.status = status;
        request.link = null;
        if (oldestWaiting == null) {
            oldestWaiting = request;
        } else {
            newestWaiting.link = request;
        }
        newestWaiting = request;
    }

    private void post(EmulatedRequest request, int status) {
        var queue = request.queue;
        post(request.result, queue.head, queue.qid, request.cid, status);
        queue.release(request);
    }

    /** Posts what has waited for room. Returns how many. */
    int flush() {
        int posted = 0;
        while (oldestWaiting != null && room(1) > 0) {
            var request = oldestWaiting;
            oldestWaiting = request.link;
            post(request, request.status);
            posted++;
        }
        controller.completionsWait |= oldestWaiting != null;
        return posted;
    }

    /** Forgets what waits for room and is of this queue, which is deleted: those commands have ended by that. */
    void forget(SubmissionQueue queue) {
        EmulatedRequest kept = null;
        EmulatedRequest lastKept = null;
        for (var request = oldestWaiting; request != null; ) {
            var following = request.link;
            if (request.queue == queue) {
                queue.release(request);
            } else {
                request.link = null;
                if (lastKept == null) {
                    kept = request;
                } else {
                    lastKept.link = request;
                }
                lastKept = request;
            }
            request = following;
        }
        oldestWaiting = kept;
        newestWaiting = lastKept;
    }

    MemorySegment ring() {
        return ring;
    }

    boolean waiting() {
        return oldestWaiting != null;
    }

    boolean hasShadow() {
        return shadow != null;
    }

    /** From now on the head is in the shadow buffer. */
    void attach(DoorbellBuffers buffers) {
        int value = Doorbell.load(doorbells, doorbellOffset);
        shadow = buffers;
        doorbells = buffers.shadow();
        doorbellOffset = Doorbell.shadowCompletionHeadOffset(qid, buffers.dstrd());
        Doorbell.store(doorbells, doorbellOffset, value);
        hold();
    }

    /** No doorbell, please: we look ourselves. The index just behind the head is the one that is reached last. */
    void hold() {
        if (shadow != null) {
            movedSinceHold = 0;
            shadow.eventIndex(doorbellOffset, head == 0 ? size - 1 : head - 1);
        }
    }

    /** Ring when the head moves. */
    void arm() {
        // Not when there is room: nobody waits, and the host would wake us for nothing.
        if (shadow != null && (waiting() || room(1) == 0)) {
            shadow.eventIndex(doorbellOffset, head);
        }
    }
}
