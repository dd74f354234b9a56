package io.doorbell.subsystem;

import io.doorbell.nvme.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The blocks of a namespace that Write Uncorrectable has marked: who reads one gets an error until it is written. NVM Command
 * Set 1.1 §3.3.7 "Write Uncorrectable command". They are forgotten with the namespace's opening: a store keeps blocks, not
 * damage.
 *
 * <p>Any thread. Locked; nobody comes here before the first block of a namespace is marked.
 */
final class UncorrectableBlocks {
    /** Ranges that do not touch each other. */
    static final int MAX_RANGES = 65_536;

    /** First block to the one behind the last. Guarded by this. */
    private final TreeMap<Long, Long> ranges = new TreeMap<>();

    /** Told of the first mark. Guarded by this. */
    private final List<Runnable> watchers = new ArrayList<>();

    /** Whether there has been a mark; else {@code watcher} is called at the first, on the thread that makes it. */
    synchronized boolean watch(Runnable watcher) {
        watchers.add(watcher);
        return !ranges.isEmpty();
    }

    synchronized void unwatch(Runnable watcher) {
        watchers.remove(watcher);
    }

    /** Marks blocks. Returns a status. */
    synchronized int mark(long first, int count) {
        long from = first;
        long to = first + count;
        var before = ranges.floorEntry(from);
        if (before != null && before.getValue() >= from) {
            from = before.getKey();
            to = Math.max(to, before.getValue());
        }
        for (var next = ranges.ceilingEntry(from);
                next != null && next.getKey() <= to;
                next = ranges.ceilingEntry(from)) {
            to = Math.max(to, next.getValue());
            ranges.remove(next.getKey());
        }
        if (ranges.size() == MAX_RANGES) {
            return Status.INTERNAL_ERROR;
        }
        ranges.put(from, to);
        // The mark is there before anybody acts on the news of it.
        watchers.forEach(Runnable::run);
        return Status.SUCCESS;
    }

    synchronized boolean meets(long first, long count) {
        if (ranges.isEmpty()) {
            return false;
        }
        var last = ranges.lowerEntry(first + count);
        return last != null && last.getValue() > first;
    }

    /** These blocks were written. */
    synchronized void clear(long first, long count) {
        long end = first + count;
        while (true) {
            var last = ranges.lowerEntry(end);
            if (last == null || last.getValue() <= first) {
                return;
            }
            ranges.remove(last.getKey());
            long before = Math.max(0, first - last.getKey());
            long after = Math.max(0, last.getValue() - end);
            // A hole makes one range two. Where there are as many as may be, the shorter one is forgotten: a mark that
            // is
            // lost is a block that reads as it was, and a host that writes every second block fills no memory.
            boolean both = before == 0 || after == 0 || ranges.size() + 2 <= MAX_RANGES;
            if (after > 0 && (both || after >= before)) {
                ranges.put(end, last.getValue());
            }
            if (before > 0 && (both || before > after)) {
                ranges.put(last.getKey(), first);
            }
        }
    }
}
