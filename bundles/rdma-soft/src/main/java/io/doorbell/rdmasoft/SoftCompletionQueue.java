package io.doorbell.rdmasoft;

import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.provider.Users;

/** A ring of completions. They are added on the thread that polls, so nobody sleeps through one. Owner: the lane. */
final class SoftCompletionQueue implements CompletionQueue {
    final Lane lane;
    final Users users = new Users("completion queue", "queue pairs");
    private final SoftDevice device;
    private final int size;
    private final long[] ids;
    private final int[] words;
    private int head;
    private int count;
    private boolean overrun;

    /** Of an entry: status, opcode, bytes, flags, immediate or key, queue pair. */
    private static final int WORDS = 6;

    SoftCompletionQueue(SoftDevice device, Lane lane, int size) {
        this.device = device;
        this.lane = lane;
        this.size = size;
        ids = new long[size];
        words = new int[size * WORDS];
    }

    void add(long id, int status, int opcode, int bytes, int flags, int immediateOrKey, int pair) {
        if (count == size) {
            overrun = true;
            return;
        }
        int index = head + count < size ? head + count : head + count - size;
        put(index, id, status, opcode, bytes, flags, immediateOrKey, pair);
        count++;
    }

    private void put(int index, long id, int status, int opcode, int bytes, int flags, int immediateOrKey, int pair) {
        ids[index] = id;
        int at = index * WORDS;
        words[at] = status;
        words[at + 1] = opcode;
        words[at + 2] = bytes;
        words[at + 3] = flags;
        words[at + 4] = immediateOrKey;
        words[at + 5] = pair;
    }

    /** A queue pair is closed: its completions go. */
    void purge(int pair) {
        int left = count;
        count = 0;
        int from = head;
        for (int i = 0; i < left; i++) {
            int at = from * WORDS;
            if (words[at + 5] != pair) {
                add(ids[from], words[at], words[at + 1], words[at + 2], words[at + 3], words[at + 4], words[at + 5]);
            }
            from = from + 1 == size ? 0 : from + 1;
        }
    }

    @Override
    public int poll(Completions into) {
        lane.requireOwner();
        if (overrun) {
            throw new IllegalStateException("a completion queue of " + size + " entries has overrun");
        }
        int taken = Math.min(count, into.size());
        for (int i = 0; i < taken; i++) {
            int at = head * WORDS;
            into.set(
                    i, ids[head], words[at], words[at + 1], words[at + 2], words[at + 3], words[at + 4], words[at + 5]);
            head = head + 1 == size ? 0 : head + 1;
        }
        count -= taken;
        return taken;
    }

    @Override
    public Reactor owner() {
        return lane.reactor();
    }

    @Override
    public int entries() {
        return size;
    }

    @Override
    public boolean readyToPark() {
        return count == 0;
    }

    /** The lane is a poller of the owner and has the descriptor. */
    @Override
    public int descriptor() {
        return -1;
    }

    @Override
    public void close() {
        users.close(() -> device.release(lane));
    }
}
