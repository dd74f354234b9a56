package io.doorbell.rdmanic;

import io.doorbell.platform.IbvContext.AsyncEvent;
import io.doorbell.platform.IbvCq;
import io.doorbell.platform.PlatformException;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.provider.Users;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A completion queue of the device. It knows its queue pairs by their numbers: each completion gives room back to its queue pair, and those of
 * one that is closed are dropped, which some devices keep.
 */
final class NicCompletionQueue implements CompletionQueue {
    /** What is taken when the owner would like to sleep and something is there. */
    private static final int STASH = 16;

    private static final int ENTRY_BYTES = 48;
    private static final int FLAGS_AT = 36;

    /** The kernel's IB_WC_WITH_INVALIDATE, which is another bit than libibverbs' IBV_WC_WITH_INV. */
    private static final int KERNEL_WITH_INVALIDATE = 4;

    private static final int SMALLEST_TABLE = 16;

    private final NicDevice device;
    private final Reactor owner;
    private final IbvCq queue;
    private final DataPath path;
    private final int entries;
    private final boolean kernelFlags;
    final Users users = new Users("completion queue", "queue pairs");
    private volatile boolean overrun;

    // The owner's.
    private final Completions stash = new Completions(STASH);
    private int stashed;
    private int stashedFrom;
    private NicQueuePair[] table = new NicQueuePair[SMALLEST_TABLE];
    private int pairs;

    NicCompletionQueue(NicDevice device, Reactor owner, int entries, IbvCq queue) {
        this.device = device;
        this.owner = owner;
        this.entries = entries;
        this.queue = queue;
        kernelFlags = device.isRxe();
        path = device.path();
        device.events().handle(queue.address(), this::happened);
    }

    private void happened(AsyncEvent event) {
        if (event.type() == AsyncEvent.QUEUE_OVERRUN) {
            overrun = true;
            owner.wake();
        }
    }

    IbvCq queue() {
        return queue;
    }

    static void requireOwner(Reactor owner) {
        if (Thread.currentThread() != owner.thread()) {
            throw new IllegalStateException(
                    Thread.currentThread().getName() + " is not the owner, which is " + owner.name());
        }
    }

    void requireOwner() {
        requireOwner(owner);
    }

    // The table: open addressing by the lower bits of the number. The owner's thread.

    void add(NicQueuePair pair) {
        if (find(pair.number()) == pair) {
            return;
        }
        if (2 * (pairs + 1) > table.length) {
            var old = table;
            table = new NicQueuePair[2 * old.length];
            for (var known : old) {
                if (known != null) {
                    put(known);
                }
            }
        }
        put(pair);
        pairs++;
    }

    private void put(NicQueuePair pair) {
        int at = pair.number() & table.length - 1;
        while (table[at] != null) {
            at = at + 1 & table.length - 1;
        }
        table[at] = pair;
    }

    void remove(NicQueuePair pair) {
        var old = table;
        table = new NicQueuePair[old.length];
        pairs = 0;
        for (var known : old) {
            if (known != null && known != pair) {
                put(known);
                pairs++;
            }
        }
    }

    private NicQueuePair find(int number) {
        int at = number & table.length - 1;
        while (table[at] != null && table[at].number() != number) {
            at = at + 1 & table.length - 1;
        }
        return table[at];
    }

    // Completions.

    @Override
    public int poll(Completions into) {
        requireOwner();
        if (overrun) {
            throw new IllegalStateException("a completion queue of " + entries + " entries has overrun");
        }
        int count = stashed > 0 ? unstash(into) : take(into);
        int kept = 0;
        for (int i = 0; i < count; i++) {
            var pair = find(into.queuePair(i));
            if (pair == null) {
                continue;
            }
            pair.completed(into.status(i), into.opcode(i));
            if (kernelFlags) {
                translate(into, i);
            }
            if (kept < i) {
                MemorySegment.copy(
                        into.memory(), (long) ENTRY_BYTES * i, into.memory(), (long) ENTRY_BYTES * kept, ENTRY_BYTES);
            }
            kept++;
        }
        return kept;
    }

    /** rdma_rxe shows the kernel's flag to the user. What the bit means to libibverbs, a checksum, is not for reliable connections. */
    private static void translate(Completions into, int index) {
        int flags = into.flags(index);
        if ((flags & KERNEL_WITH_INVALIDATE) != 0) {
            into.memory()
                    .set(
                            ValueLayout.JAVA_INT,
                            (long) ENTRY_BYTES * index + FLAGS_AT,
                            flags & ~KERNEL_WITH_INVALIDATE | Completions.WITH_INVALIDATE);
        }
    }

    private int take(Completions into) {
        try {
            return path.poll(queue, into.memory(), into.size());
        } catch (PlatformException broken) {
            throw new IllegalStateException(device + " is broken: " + broken.getMessage(), broken);
        }
    }

    private int unstash(Completions into) {
        int count = Math.min(stashed, into.size());
        MemorySegment.copy(
                stash.memory(), (long) ENTRY_BYTES * stashedFrom, into.memory(), 0, (long) ENTRY_BYTES * count);
        stashed -= count;
        stashedFrom += count;
        return count;
    }

    @Override
    public Reactor owner() {
        return owner;
    }

    @Override
    public int entries() {
        return entries;
    }

    @Override
    public boolean readyToPark() {
        if (stashed == 0 && !overrun) {
            queue.arm();
            stashedFrom = 0;
            stashed = take(stash);
        }
        return stashed == 0 && !overrun;
    }

    @Override
    public int descriptor() {
        return queue.fd();
    }

    @Override
    public void close() {
        users.close(() -> {
            device.events().forget(queue.address());
            queue.close();
            stash.close();
            device.release();
        });
    }
}
