package io.doorbell.backends;

import io.doorbell.host.CompletionHandler;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NvmRequest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The commands of one namespace on one reactor, and the leased queue pair that they go through. Owner: the reactor; {@link
 * LeaseKeeper} brings leases by its tasks.
 *
 * <p>A lease may end at any time. Then this <em>pauses</em>: what was in flight is handed back by the queue pair, and is
 * repeated under the next lease, first and in the order in which it came; what comes meanwhile waits behind it. All of it
 * was pending for its host when the lease ended, and commands that are pending together have no order among them, so a
 * Read, Write, Flush, Compare, Write Zeroes, Deallocate or Verify may be executed twice. A fused pair may not: a Compare
 * that fails the second time may have met what the first one wrote. Such a pair ends with an error that is not to be
 * retried, and its host has to look. A command that has waited for {@link NvmeBackendOptions#pause} ends with Internal Path
 * Error: a host tries again, or goes by another path.
 */
final class LeasedQueue implements Poller, CompletionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(LeasedQueue.class);

    static final int CLOSED = Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;

    private static final int COMPLETIONS_PER_POLL = 64;

    /** More polls than a queue pair needs to hand everything back. */
    private static final int POLLS_TO_THE_END = 65_536;

    private static final long EXPIRY_LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private LeasedCommand[] commands = new LeasedCommand[64];
    private int commandCount;
    private LeasedCommand free;
    private long sequence;

    /** Null while there is none. */
    private LeaseStage stage;

    private boolean staged;

    /** The lease is over, or about to be: nothing is submitted, and what is in flight is waited for. */
    private boolean ending;

    /** Commands of the device that have not ended. */
    private int partsInFlight;

    private LeasedCommand waitingHead;
    private LeasedCommand waitingTail;

    // Cold.
    private final LeasedNamespace namespace;
    private final Reactor reactor;
    private final long pauseNanos;
    private final DatasetRanges ranges;
    private final List<LeasedCommand> handedBack = new ArrayList<>();
    private QueuePairLease lease;
    private LeaseStage next;
    private QueuePairLease nextLease;
    private LeaseKeeper keeper;
    private int sessions;
    private boolean closed;
    private long pausedNanos;
    private long nextLookNanos;

    LeasedQueue(LeasedNamespace namespace, Reactor reactor, long pauseNanos) {
        this.namespace = namespace;
        this.reactor = reactor;
        this.pauseNanos = pauseNanos;
        ranges = new DatasetRanges(namespace.shape().blockCount());
        pausedNanos = System.nanoTime();
    }

    void keptBy(LeaseKeeper its) {
        keeper = its;
    }

    Reactor reactor() {
        return reactor;
    }

    // Sessions.

    LeasedSession open() {
        sessions++;
        return new LeasedSession(this);
    }

    void closed(LeasedSession session) {
        for (int i = 0; i < commandCount; i++) {
            if (commands[i].session == session) {
                forget(commands[i]);
            }
        }
        dropForgotten();
        if (--sessions == 0) {
            closed = true;
            namespace.closed(this, keeper);
        }
    }

    private static void forget(LeasedCommand command) {
        command.session = null;
        command.request = null;
        command.compare = null;
    }

    private void dropForgotten() {
        var each = waitingHead;
        waitingHead = null;
        waitingTail = null;
        while (each != null) {
            var behind = each.next;
            if (each.session == null) {
                recycle(each);
            } else {
                enqueue(each);
            }
            each = behind;
        }
    }

    // Commands.

    /** Returns a status, or PENDING. */
    int submit(LeasedSession session, NvmRequest compare, NvmRequest request) {
        int answer = answerAtOnce(compare, request);
        if (answer != NvmRequest.PENDING) {
            return answer;
        }
        var command = take();
        command.session = session;
        command.request = request;
        command.compare = compare;
        command.fused = compare != null;
        command.sequence = ++sequence;
        if (waitingHead != null || !start(command)) {
            park(command);
        }
        return NvmRequest.PENDING;
    }

    /** What needs no device, or is not to be had of any. */
    private int answerAtOnce(NvmRequest compare, NvmRequest request) {
        if (compare != null) {
            int most = namespace.device().fusedBlocks();
            if (most == 0) {
                return Status.INVALID_FIELD | Status.DNR;
            }
            return request.blockCount > most ? Status.ATOMIC_WRITE_UNIT_EXCEEDED | Status.DNR : NvmRequest.PENDING;
        }
        return switch (request.opc) {
            case NvmOpcode.READ, NvmOpcode.WRITE, NvmOpcode.COMPARE, NvmOpcode.WRITE_ZEROES, NvmOpcode.VERIFY ->
                NvmRequest.PENDING;
            case NvmOpcode.FLUSH -> namespace.device().volatileCache() ? NvmRequest.PENDING : Status.SUCCESS;
            case NvmOpcode.DATASET_MANAGEMENT -> admitRanges(request);
            default -> Status.INVALID_OPCODE | Status.DNR;
        };
    }

    /** Deallocate is a hint, which is not taken where it would mean something else, or takes more than one command. */
    private int admitRanges(NvmRequest request) {
        int status = ranges.load(request);
        var device = namespace.device();
        if (status != Status.SUCCESS || !DatasetRanges.deallocates(request) || !device.deallocates()) {
            return status;
        }
        long sum = 0;
        for (int i = 0; i < ranges.count(); i++) {
            if (ranges.blockCount(i) > device.rangeBlocks()) {
                return Status.SUCCESS;
            }
            sum += ranges.blockCount(i);
        }
        boolean fits = ranges.count() <= device.rangeCount() && sum <= device.rangesBlocks();
        return fits ? NvmRequest.PENDING : Status.SUCCESS;
    }

    private LeasedCommand take() {
        var command = free;
        if (command == null) {
            if (commandCount == commands.length) {
                commands = Arrays.copyOf(commands, 2 * commandCount); // As many as the transports have at once.
            }
            command = new LeasedCommand(commandCount);
            commands[commandCount++] = command;
        } else {
            free = command.next;
        }
        command.next = null;
        command.deadlineNanos = 0;
        command.done = 0;
        command.partsInFlight = 0;
        command.compareStatus = 0;
        command.status = 0;
        command.mayHaveHappened = false;
        return command;
    }

    void recycle(LeasedCommand command) {
        forget(command);
        command.next = free;
        free = command;
    }

    private void park(LeasedCommand command) {
        if (command.deadlineNanos == 0 && (stage == null || ending)) {
            command.deadlineNanos = System.nanoTime() + pauseNanos;
        }
        enqueue(command);
    }

    private void enqueue(LeasedCommand command) {
        command.next = null;
        if (waitingHead == null) {
            waitingHead = command;
        } else {
            waitingTail.next = command;
        }
        waitingTail = command;
    }

    /** Hands it to the device, or ends it. False when that has to wait. */
    private boolean start(LeasedCommand command) {
        var through = stage;
        if (through == null || ending) {
            return false;
        }
        int answer;
        try {
            answer = through.stage(command);
        } catch (IllegalStateException gone) {
            through.buffers.release(command);
            if (through.isAlive()) {
                end(command, Status.DATA_TRANSFER_ERROR); // The host's memory was taken away while we were at it.
                return true;
            }
            leaseEnds();
            return false;
        } catch (IllegalArgumentException changed) {
            // The driver knows no such blocks any more: somebody has detached or formatted the namespace.
            through.buffers.release(command);
            LOG.warn("{}: {}", namespace, changed.getMessage());
            leaseEnds();
            return false;
        }
        partsInFlight += command.partsInFlight;
        staged |= command.partsInFlight > 0;
        if (answer == QueuePair.LEASE_REVOKED || answer == QueuePair.NOT_CONNECTED) {
            leaseEnds();
        }
        return command.partsInFlight > 0;
    }

    /** A completion of the device. */
    @Override
    public void complete(long token, int status, long result) {
        var command = commands[(int) (token >>> 1)];
        partsInFlight--;
        command.partsInFlight--;
        if (command.fused) {
            completeHalf(command, (token & 1) != 0, status);
        } else {
            completeWhole(command, status);
        }
    }

    /** The pair ends with the first status that is not success, which may come second. */
    private void completeHalf(LeasedCommand command, boolean compare, int status) {
        if (compare) {
            command.compareStatus = status;
        } else {
            command.status = status;
        }
        if (command.partsInFlight > 0) {
            return;
        }
        int first = command.compareStatus != 0 ? command.compareStatus : command.status;
        if (first != Status.SUCCESS && command.mayHaveHappened && Status.code(first) == Status.COMPARE_FAILURE) {
            first = Status.INTERNAL_PATH_ERROR | Status.DNR;
        }
        stage.fusedEnded();
        completeWhole(command, first);
    }

    private void completeWhole(LeasedCommand command, int status) {
        if (command.session == null) {
            stage.buffers.release(command);
            recycle(command);
            return;
        }
        if (status != Status.SUCCESS) {
            if (isOfTheLeaseEnd(status)) {
                handBack(command);
            } else {
                end(command, status);
            }
            return;
        }
        int answer;
        try {
            answer = stage.finish(command);
        } catch (IllegalStateException gone) {
            if (stage.isAlive()) {
                answer = Status.DATA_TRANSFER_ERROR;
            } else {
                handBack(command);
                return;
            }
        }
        if (answer == NvmRequest.PENDING) {
            stage.buffers.release(command);
            if (!start(command)) {
                park(command);
            }
        } else {
            end(command, answer);
        }
    }

    private void end(LeasedCommand command, int status) {
        if (stage != null) {
            stage.buffers.release(command);
        }
        command.status = status;
        if (command.session == null) {
            recycle(command);
        } else {
            command.session.ended(command);
        }
    }

    /** To be executed again, from its beginning. */
    private void handBack(LeasedCommand command) {
        stage.buffers.release(command);
        command.mayHaveHappened = true;
        command.done = 0;
        command.compareStatus = 0;
        command.status = 0;
        handedBack.add(command);
        leaseEnds();
    }

    /**
     * Whether the command ended because its queue pair did: reset, deleted, or its device gone. No device says so of a queue that
     * lives; Abort is ours, or the lease's.
     */
    private boolean isOfTheLeaseEnd(int status) {
        return switch (Status.code(status)) {
            case Status.ABORTED_BY_HOST, Status.HOST_PATHING_ERROR, Status.ABORTED_SQ_DELETION -> true;
            case Status.ABORTED_BY_REQUEST -> ending || lease.state() != LeaseState.GRANTED;
            default -> false;
        };
    }

    // The cycle.

    @Override
    public int poll(long nowNanos) {
        int work = 0;
        if (stage != null) {
            work = pollDevice();
        }
        if (waitingHead != null) {
            work += pollWaiting(nowNanos);
        }
        return work;
    }

    private int pollDevice() {
        int work = 0;
        boolean over = false;
        try {
            if (staged) {
                staged = false;
                stage.pair.commit();
            }
            work = stage.pair.poll(COMPLETIONS_PER_POLL);
        } catch (IllegalStateException fenced) {
            // Everything has been handed back.
            over = true;
            leaseEnds();
        }
        if (ending && (over || partsInFlight == 0)) {
            settle();
            work++;
        }
        return work;
    }

    private int pollWaiting(long nowNanos) {
        if (stage == null || ending) {
            return expire(nowNanos);
        }
        int started = 0;
        while (waitingHead != null) {
            var command = waitingHead;
            var behind = command.next;
            if (!start(command)) {
                break;
            }
            waitingHead = behind;
            started++;
        }
        return started;
    }

    /** Ends what has waited for too long. */
    private int expire(long nowNanos) {
        if (nowNanos - nextLookNanos < 0) {
            return 0;
        }
        nextLookNanos = nowNanos + EXPIRY_LOOK_NANOS;
        int expired = 0;
        var each = waitingHead;
        waitingHead = null;
        waitingTail = null;
        while (each != null) {
            var behind = each.next;
            if (each.deadlineNanos != 0 && nowNanos - each.deadlineNanos >= 0) {
                boolean unknown = each.fused && each.mayHaveHappened;
                end(each, unknown ? Status.INTERNAL_PATH_ERROR | Status.DNR : Status.INTERNAL_PATH_ERROR);
                expired++;
            } else {
                enqueue(each);
            }
            each = behind;
        }
        if (expired > 0) {
            LOG.warn("{} on {}: {} commands have waited for a queue pair for too long", namespace, reactor, expired);
        }
        return expired;
    }

    // Leases.

    /** The lease is being taken back, or has ended. */
    void leaseEnds(QueuePairLease which) {
        if (which == lease) {
            leaseEnds();
        }
    }

    private void leaseEnds() {
        if (!ending) {
            ending = true;
            pausedNanos = System.nanoTime();
        }
    }

    /** Nothing of the old lease is in flight any more: what it did not do is to be done by the next. */
    private void settle() {
        for (int i = 0; i < commandCount; i++) {
            // Of a queue pair that did not hand it back: there is none such, and a command must not be lost for it.
            if (commands[i].partsInFlight > 0) {
                LOG.error("{} on {}: a command was not handed back", namespace, reactor);
                commands[i].partsInFlight = 0;
                handBack(commands[i]);
            }
        }
        partsInFlight = 0;
        stage = null;
        // It may live, if it was the device that said all this. Without it nothing would ever go on.
        keeper.doubt(lease);
        lease = null;
        ending = false;
        staged = false;
        handedBack.sort(Comparator.comparingLong(command -> command.sequence));
        var behind = waitingHead;
        waitingHead = null;
        waitingTail = null;
        long deadline = System.nanoTime() + pauseNanos;
        handedBack.forEach(command -> await(command, deadline));
        int repeated = handedBack.size();
        handedBack.clear();
        while (behind != null) {
            var after = behind.next;
            await(behind, deadline);
            behind = after;
        }
        LOG.info("{} pauses on {}, with {} commands to be repeated", namespace, reactor, repeated);
        if (next != null) {
            begin();
        }
    }

    private void await(LeasedCommand command, long deadline) {
        if (command.session == null) {
            recycle(command);
            return;
        }
        if (command.deadlineNanos == 0) {
            command.deadlineNanos = deadline;
        }
        enqueue(command);
    }

    /** There is a lease; the one before has ended, if there was one. */
    void takeUp(QueuePairLease granted, LeaseStage through) {
        next = through;
        nextLease = granted;
        if (stage != null) {
            leaseEnds();
            for (int i = 0; i < POLLS_TO_THE_END && stage != null && stage != through; i++) {
                pollDevice();
            }
            return;
        }
        begin();
    }

    private void begin() {
        stage = next;
        lease = nextLease;
        next = null;
        nextLease = null;
        LOG.info(
                "{} goes on on {} after {} ms, by lease {}",
                namespace,
                reactor,
                (System.nanoTime() - pausedNanos) / 1_000_000,
                lease.id());
        pollWaiting(System.nanoTime());
    }

    // Sleep.

    @Override
    public boolean readyToPark() {
        if (stage == null) {
            return true;
        }
        return !ending && !staged && waitingHead == null && stage.pair.readyToPark();
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        if (stage == null) {
            return waitingHead == null ? Long.MAX_VALUE : EXPIRY_LOOK_NANOS;
        }
        return stage.pair.parkLimitNanos();
    }

    @Override
    public String toString() {
        return "queue of " + namespace;
    }
}
