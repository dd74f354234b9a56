package io.doorbell.runtime.stamps;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Writes stamps that only grow into the blocks of a namespace, under FUA or followed by a Flush, and reads them back; takes a new lease whenever it
 * loses the one it has, and looks through all blocks then. A path error is no loss: it goes on. Whatever is not as it should be goes into the journal: a command that ends twice, or not
 * within the bound; a block that holds less than what was acknowledged as durable; a lease that does not end, or ends without a reason.
 */
final class StampedLoad implements Runnable {
    private static final int NSID = 1;
    private static final int BLOCK_BYTES = 4096;
    private static final int DEPTH = 32;

    /** In which everything that was begun has to end, whatever the device does. */
    private static final Duration BOUND = Duration.ofSeconds(30);

    private static final Duration LEASE_BOUND = Duration.ofSeconds(60);
    private static final long SHORT_LEASE_NANOS = 3_000_000;
    private static final int WRITES_TO_A_FLUSH = 64;
    private static final String LABEL = "stamps";

    private static final long UNKNOWN = -1;

    /** Instead of the stamp that a read should find: it finds out. */
    private static final long LOOK = -2;

    private enum Kind {
        READ,
        FUA_WRITE,
        WRITE,
        FLUSH
    }

    private final ResourceManager manager;
    private final LeaseRegistry registry;
    private final TransportId controller;
    private final Journal journal;
    private final Random random;

    // By slot. A slot has the blocks whose number it is, modulo the depth; so no block has two commands at a time.
    private final Kind[] kinds = new Kind[DEPTH];
    private final int[] blocks = new int[DEPTH];
    private final long[] stamps = new long[DEPTH];
    private final long[] sequences = new long[DEPTH];
    private final boolean[] inFlight = new boolean[DEPTH];

    /** Successful writes without FUA that no Flush has covered, and those that the one in flight covers. */
    private final long[] written = new long[Journal.BLOCKS];

    private final long[] flushing = new long[Journal.BLOCKS];

    /** What each block holds, or {@link #UNKNOWN}. */
    private final long[] known = new long[Journal.BLOCKS];

    private long sequence;
    private int inFlightCount;
    private int unflushed;
    private boolean flushInFlight;
    private boolean lookThrough = true;
    private boolean readsFailed;

    /** Whether nothing is accepted any more. */
    private boolean refused;

    /** Whether somebody else ends the lease. */
    private volatile boolean takenBack;

    private QueuePair pair;
    private DmaMemory data;

    StampedLoad(ResourceManager manager, LeaseRegistry registry, TransportId controller, Journal journal, long seed) {
        this.manager = manager;
        this.registry = registry;
        this.controller = controller;
        this.journal = journal;
        random = new Random(seed);
    }

    @Override
    public void run() {
        try {
            while (true) {
                if (journal.mode() == Journal.Mode.QUIET) {
                    journal.set(Journal.QUIET, 1);
                    // Who asks for quiet wants to know what is there.
                    lookThrough = true;
                    Thread.sleep(2);
                } else {
                    journal.set(Journal.QUIET, 0);
                    holdOnce();
                }
            }
        } catch (InterruptedException stopped) {
            // The bundle stops.
        } catch (RuntimeException | Error defect) {
            journal.violation("the load ended by " + defect);
            throw defect;
        }
    }

    private record End(LeaseState state, RevocationReason reason) {}

    /** One lease, from its grant to its end. */
    private void holdOnce() throws InterruptedException {
        var ended = new CompletableFuture<End>();
        takenBack = false;
        var listener = new LeaseListener() {
            @Override
            public void revoking(QueuePairLease lease, RevocationReason reason, Duration grace) {
                takenBack = true;
            }

            @Override
            public void ended(QueuePairLease lease, LeaseState state, RevocationReason reason) {
                takenBack = true;
                if (!ended.complete(new End(state, reason))) {
                    journal.violation("lease " + lease.id() + " ended twice");
                }
            }
        };
        QueuePairLease lease;
        try {
            lease = manager.lease(LeaseRequest.of(controller, Thread.currentThread(), this::complete, LABEL)
                    .withQueueEntries(DEPTH + 1)
                    .withListener(listener)
                    .withWaitBound(LEASE_BOUND));
        } catch (LeaseException refused) {
            journal.count(Journal.REFUSED);
            Thread.sleep(1);
            return;
        }
        journal.count(Journal.GRANTED);
        try {
            pair = lease.queuePair();
            data = lease.allocate((long) DEPTH * BLOCK_BYTES);
            work();
        } catch (LeaseException | IllegalStateException gone) {
            // Lost before it was used, or fenced.
            refused = true;
        }
        if (refused) {
            awaitRevocation(lease);
        }
        end(lease, ended);
    }

    /** Whoever is refused waits to be told why; to let go at once would hide it. */
    private void awaitRevocation(QueuePairLease lease) {
        long start = System.nanoTime();
        while (!takenBack) {
            try {
                pair.poll(DEPTH);
            } catch (IllegalStateException fenced) {
                Thread.yield();
            }
            Thread.yield();
            if (System.nanoTime() - start > BOUND.toNanos()) {
                journal.violation("lease " + lease.id() + " takes no commands and is not taken back: " + lease.state());
                return;
            }
        }
    }

    private void work() {
        refused = false;
        long start = System.nanoTime();
        while (lookThrough && !refused && mayGoOn(start)) {
            // Reads that failed are a lease that ends, or a path that has to be tried again.
            lookThrough = !look();
        }
        if (lookThrough) {
            return;
        }
        start = System.nanoTime();
        long lastEnd = start;
        long before = sequence;
        while (!refused && mayGoOn(start)) {
            for (int slot = 0; slot < DEPTH; slot++) {
                if (!inFlight[slot] && !stage(slot)) {
                    return;
                }
            }
            pair.commit();
            if (pair.poll(DEPTH) > 0) {
                lastEnd = System.nanoTime();
            } else if (System.nanoTime() - lastEnd > BOUND.toNanos()) {
                journal.violation(inFlightCount + " commands hang after " + (sequence - before));
                return;
            } else {
                Thread.onSpinWait();
            }
        }
    }

    private boolean mayGoOn(long startNanos) {
        return switch (journal.mode()) {
            case QUIET -> false;
            case GRANT -> System.nanoTime() - startNanos < SHORT_LEASE_NANOS;
            default -> !Thread.currentThread().isInterrupted();
        };
    }

    /** Lets go in order, whatever has become of the lease: what is in flight ends first. */
    private void end(QueuePairLease lease, CompletableFuture<End> ended) throws InterruptedException {
        long start = System.nanoTime();
        boolean interrupted = Thread.interrupted();
        drain(start);
        lease.close();
        drain(start);
        try {
            account(lease, ended.get(BOUND.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException late) {
            journal.violation("lease " + lease.id() + " did not end: " + lease.state());
        } catch (ExecutionException never) {
            throw new IllegalStateException(never);
        }
        long millis = (System.nanoTime() - start) / 1_000_000;
        journal.set(Journal.LONGEST_END_MILLIS, Math.max(millis, journal.get(Journal.LONGEST_END_MILLIS)));
        if (inFlightCount != 0) {
            journal.violation(inFlightCount + " commands of lease " + lease.id() + " never ended");
            Arrays.fill(inFlight, false);
            inFlightCount = 0;
            flushInFlight = false;
        }
        if (interrupted) {
            throw new InterruptedException();
        }
    }

    private void drain(long startNanos) {
        while (inFlightCount > 0) {
            try {
                pair.commit();
                if (pair.poll(DEPTH) == 0) {
                    Thread.yield();
                }
            } catch (IllegalStateException fenced) {
                if (inFlightCount == 0) {
                    return;
                }
                Thread.yield();
            }
            if (System.nanoTime() - startNanos > BOUND.toNanos()) {
                return;
            }
        }
    }

    private void account(QueuePairLease lease, End end) {
        boolean told = registry.history().stream()
                .anyMatch(event -> event.lease().id() == lease.id()
                        && event.kind().name().equals(end.state.name())
                        && event.reason() == end.reason);
        if (!told) {
            journal.violation("the history does not say that lease " + lease.id() + " ended as " + end);
        }
        journal.count(
                switch (end.reason) {
                    case CONTROLLER_GONE -> Journal.ENDED_CONTROLLER_GONE;
                    case RELEASED_BY_HOLDER -> Journal.ENDED_BY_HOLDER;
                    case OPERATOR -> Journal.ENDED_BY_OPERATOR;
                    default -> Journal.ENDED_OTHERWISE;
                });
        lookThrough |= end.reason != RevocationReason.RELEASED_BY_HOLDER;
    }

    // ------ commands

    /** Returns whether it was accepted, or there was nothing to do; else nothing more will be. */
    private boolean stage(int slot) {
        if (unflushed >= WRITES_TO_A_FLUSH && !flushInFlight) {
            return flush(slot);
        }
        int block = slot + DEPTH * random.nextInt(Journal.BLOCKS / DEPTH);
        int choice = random.nextInt(8);
        if (choice < 2) {
            return submit(slot, Kind.READ, block, known[block]);
        }
        long stamp = journal.get(Journal.LAST_STAMP) + 1;
        journal.set(Journal.LAST_STAMP, stamp);
        fill(slot, stamp);
        return submit(slot, choice < 6 ? Kind.FUA_WRITE : Kind.WRITE, block, stamp);
    }

    private boolean flush(int slot) {
        System.arraycopy(written, 0, flushing, 0, written.length);
        if (!submit(slot, Kind.FLUSH, 0, 0)) {
            return false;
        }
        Arrays.fill(written, 0);
        unflushed = 0;
        flushInFlight = true;
        return true;
    }

    private boolean submit(int slot, Kind kind, int block, long stamp) {
        long token = (sequence + 1) * DEPTH + slot;
        long at = (long) slot * BLOCK_BYTES;
        boolean writes = kind == Kind.FUA_WRITE || kind == Kind.WRITE;
        long before = journal.submitted(block);
        if (writes) {
            // First: if this process dies in between, the block may hold it.
            journal.submitted(block, stamp);
        }
        int staged = switch (kind) {
            case READ -> pair.read(NSID, block, 1, data, at, 0, token);
            case FUA_WRITE -> pair.write(NSID, block, 1, data, at, QueuePair.FUA, token);
            case WRITE -> pair.write(NSID, block, 1, data, at, 0, token);
            case FLUSH -> pair.submit(new NvmCommand().reset(NvmOpcode.FLUSH, NSID), null, 0, 0, token);
        };
        if (staged != 0) {
            if (writes) {
                journal.submitted(block, before);
            }
            refused = true;
            return false;
        }
        sequence++;
        sequences[slot] = sequence;
        kinds[slot] = kind;
        blocks[slot] = block;
        stamps[slot] = stamp;
        inFlight[slot] = true;
        inFlightCount++;
        if (writes) {
            known[block] = UNKNOWN;
            written[block] = 0;
        }
        journal.count(Journal.SUBMITTED);
        return true;
    }

    private void complete(long token, int status, long result) {
        int slot = (int) (token % DEPTH);
        if (!inFlight[slot] || sequences[slot] != token / DEPTH) {
            journal.violation("command " + token + " ended, status " + status + ", but is not in flight");
            return;
        }
        inFlight[slot] = false;
        inFlightCount--;
        journal.count(Journal.ENDED);
        if (status == Status.INTERNAL_PATH_ERROR) {
            // Of a target whose device is away: it is tried no more there, and may be tried again here.
            journal.count(Journal.PATH_ERRORS);
        } else if (status != 0) {
            // Its buffer is not filled again: a device that hangs may yet execute it, with what it finds there.
            refused = true;
        }
        int block = blocks[slot];
        long stamp = stamps[slot];
        switch (kinds[slot]) {
            case READ -> {
                if (status != 0) {
                    readsFailed = true;
                } else if (stamp == LOOK) {
                    known[block] = check(slot, block, journal.durable(block), journal.submitted(block));
                } else if (stamp != UNKNOWN) {
                    check(slot, block, stamp, stamp);
                }
            }
            case FUA_WRITE -> {
                if (status == 0) {
                    known[block] = stamp;
                    durable(block, stamp);
                }
            }
            case WRITE -> {
                if (status == 0) {
                    known[block] = stamp;
                    written[block] = stamp;
                    unflushed++;
                }
            }
            case FLUSH -> flushed(status);
        }
    }

    private void flushed(int status) {
        flushInFlight = false;
        for (int block = 0; block < flushing.length; block++) {
            if (status == 0 && flushing[block] > journal.durable(block)) {
                durable(block, flushing[block]);
            }
        }
    }

    private void durable(int block, long stamp) {
        journal.durable(block, stamp);
        journal.count(Journal.DURABLE);
    }

    // ------ data

    private void fill(int slot, long stamp) {
        for (int at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
            data.segment().set(ValueLayout.JAVA_LONG, (long) slot * BLOCK_BYTES + at, stamp);
        }
    }

    /** Returns the stamp, having checked that the block is one piece, and as it should be. */
    private long check(int slot, int block, long least, long most) {
        long found = data.segment().get(ValueLayout.JAVA_LONG, (long) slot * BLOCK_BYTES);
        for (int at = 0; at < BLOCK_BYTES; at += Long.BYTES) {
            long word = data.segment().get(ValueLayout.JAVA_LONG, (long) slot * BLOCK_BYTES + at);
            if (word != found) {
                journal.violation("block " + block + " is torn: " + found + ", and " + word + " at byte " + at);
                break;
            }
        }
        if (found < least || found > most) {
            journal.violation("block " + block + " holds " + found + ", but " + least + " to " + most + " it should");
        }
        return found;
    }

    /** Reads all blocks. Returns whether it could: all of them then hold what was acknowledged, or something later. */
    private boolean look() {
        Arrays.fill(known, UNKNOWN);
        Arrays.fill(written, 0);
        unflushed = 0;
        for (int first = 0; first < Journal.BLOCKS; first += DEPTH) {
            for (int slot = 0; slot < DEPTH; slot++) {
                data.segment().asSlice((long) slot * BLOCK_BYTES, BLOCK_BYTES).fill((byte) 0xEE);
                if (!submit(slot, Kind.READ, first + slot, LOOK)) {
                    return false;
                }
            }
            if (!awaitAll()) {
                return false;
            }
        }
        journal.count(Journal.VERIFIED);
        return true;
    }

    private boolean awaitAll() {
        pair.commit();
        long start = System.nanoTime();
        readsFailed = false;
        while (inFlightCount > 0) {
            if (pair.poll(DEPTH) == 0) {
                Thread.yield();
            }
            if (System.nanoTime() - start > BOUND.toNanos()) {
                journal.violation(inFlightCount + " reads hang");
                return false;
            }
        }
        return !readsFailed;
    }
}
