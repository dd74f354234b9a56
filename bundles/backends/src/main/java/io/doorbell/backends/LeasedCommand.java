package io.doorbell.backends;

import io.doorbell.storage.NvmRequest;

/** One request on its way through a {@link LeasedQueue}. Reused. Owner: the reactor. */
final class LeasedCommand {
    /** In the table of the queue: what the device's completions are told apart by. */
    final int index;

    /** Null when its session has closed: then nobody waits for it. */
    LeasedSession session;

    /** The request; of a fused pair the Write. */
    NvmRequest request;

    /** The Compare of a fused pair, or null. */
    NvmRequest compare;

    /** It is one, also when nobody waits for it any more. */
    boolean fused;

    /** Order of submission, which is the order of repetition. */
    long sequence;

    /** When it ends if there is no queue pair until then; 0 as long as it did not meet a pause. */
    long deadlineNanos;

    /** Blocks that are done, and those of the step under way: what the device does not take at once goes in steps. */
    int done;

    int count;

    int[] chunks = new int[8];
    int chunkCount;

    /** Commands of the device that have not ended: two of a fused pair, else one. */
    int partsInFlight;

    int compareStatus;
    int status;

    /** It was in flight when a lease ended, so the device may have executed it. */
    boolean mayHaveHappened;

    /** Link in whichever list it is in: free, waiting, done. */
    LeasedCommand next;

    LeasedCommand(int index) {
        this.index = index;
    }

    void room(int number) {
        if (chunks.length < number) {
            chunks = new int[number]; // Rarely: it keeps its size for reuse.
        }
    }
}
