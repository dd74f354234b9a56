package io.doorbell.subsystem;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.reactor.Reactor;
import io.doorbell.statistics.LatencyRecorder;
import io.doorbell.statistics.LatencySnapshot;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import io.doorbell.target.IoUsage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * I/O commands of one controller on one reactor: the checks of NVM Command Set 1.1 §3 "I/O Commands for the NVM Command
 * Set", and the sessions that execute them.
 *
 * <p>Owner: the reactor. It looks namespaces up in a table of its own and takes up changes in {@link #poll}.
 */
final class IoPath implements CommandPath {
    private static final Logger LOG = LoggerFactory.getLogger(IoPath.class);

    /** PRINFO, dword 12 bits 29:26. */
    private static final int PRINFO = 0xF << 26;

    /** Zone Append, dword 12 bit 25. */
    private static final int PIREMAP = 1 << 25;

    private static final int BLOCK_COUNT_MASK = 0xFFFF;

    private static final long TIMED_AFTER_NANOS = 50_000;

    private PathSlot[] slots = new PathSlot[0];
    private SubsystemNamespace[] seen = new SubsystemNamespace[0];
    private final NvmController controller;
    private final PathBusyTime busyTime = new PathBusyTime();
    /** Commands that are not timed before the next one is. */
    private int untimed;

    /** Requests that sessions have yet to complete. */
    private int pending;
    /** {@link PathSlot#gate} of all slots together. */
    private int gates;

    /** A reservation, who the host is, or how it reaches a namespace has changed: to be taken up in {@link #poll}. Written by any thread. */
    private volatile boolean rulesChanged;

    // Cold from here.
    private final Reactor reactor;
    private final int maxTransferBytes;
    /** By namespace identifier less one; replaced whole, so that others can look. */
    private volatile PathUsage[] usages = new PathUsage[0];

    private long timedNanos;
    private final List<PathSlot> retiring = new ArrayList<>();
    private final PathThrottle throttle = new PathThrottle();
    private boolean hostLimited;
    /** The slot that was let go of last. */
    private int turn;

    /** Commands that waited and do not any more, to be completed in {@link #poll}. */
    private final ArrayDeque<Ended> ended = new ArrayDeque<>();

    private record Ended(NvmRequest request, int status) {}

    private boolean closed;

    IoPath(NvmController controller, Reactor reactor, int maxTransferBytes) {
        this.controller = controller;
        this.reactor = reactor;
        this.maxTransferBytes = maxTransferBytes;
        hostLimited = throttle.takeUp(limits(), controller.hostNqn());
        takeUpNamespaces(controller.attached());
    }

    @Override
    public int admit(NvmRequest request) {
        int status = check(request);
        if (status != Status.SUCCESS) {
            failed(request);
        }
        return status;
    }

    private int check(NvmRequest request) {
        int index = request.nsid - 1;
        var table = slots;
        PathSlot slot;
        if (index < 0 || index >= table.length || (slot = table[index]) == null) {
            slot = lateSlot(request.nsid);
            if (slot == null) {
                return noNamespace(request.nsid);
            }
        }
        if ((slot.gate & ~PathSlot.LIMITED) != 0) {
            int refusal = refusal(request);
            if (refusal != Status.SUCCESS) {
                return refusal;
            }
            slot = slots[index];
        }
        request.session = slot.session;
        request.result = 0;
        request.timedNanos = 0;
        int opc = request.opc;
        if ((opc != NvmOpcode.READ && opc != NvmOpcode.WRITE) || (request.flags & 3) != 0) {
            return admitOther(request, slot);
        }
        return admitTransfer(request, slot);
    }

    private int admitTransfer(NvmRequest request, PathSlot slot) {
        int blocks = (request.cdw12 & BLOCK_COUNT_MASK) + 1;
        if (blocks > slot.maxBlocks || (request.cdw12 & PRINFO) != 0) {
            return beyond(request, slot);
        }
        request.dataBytes = blocks << slot.blockShift;
        request.dataToHost = request.opc == NvmOpcode.READ;
        request.fill = slot.fill;
        return admitRange(request, slot, blocks);
    }

    /** Not in line, which the compiler answers with a slower way for everyone (measured: 1 to 2 ns a command). */
    private int beyond(NvmRequest request, PathSlot slot) {
        return slot.maxBlocks == 0 ? admitChecked(request, slot) : Status.INVALID_FIELD | Status.DNR;
    }

    /** A command that is more than moving data, or may be. */
    private int admitChecked(NvmRequest request, PathSlot slot) {
        if (slot.checked == null) {
            var beside = open(slot.namespace, slot.turn);
            if (beside == null) {
                return Status.INTERNAL_ERROR;
            }
            slot.checked = checked(slot.namespace, beside);
        }
        request.session = slot.checked;
        return slot.checked.admit(request, maxTransferBytes);
    }

    private static int admitRange(NvmRequest request, PathSlot slot, int blocks) {
        long slba = Integer.toUnsignedLong(request.cdw10) | (long) request.cdw11 << 32;
        // As a difference, since the sum may overflow; a negative slba is one beyond 2^63.
        if (slba < 0 || slba > slot.blockCount - blocks) {
            return Status.LBA_OUT_OF_RANGE | Status.DNR;
        }
        request.slba = slba;
        request.blockCount = blocks;
        return Status.SUCCESS;
    }

    private int admitOther(NvmRequest request, PathSlot slot) {
        int fuse = request.flags & 3;
        int opc = request.opc;
        boolean fusible = fuse == SubmissionEntry.FUSE_NONE
                || (fuse == SubmissionEntry.FUSE_FIRST && opc == NvmOpcode.COMPARE)
                || (fuse == SubmissionEntry.FUSE_SECOND && opc == NvmOpcode.WRITE);
        if (!fusible) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        request.dataBytes = 0;
        request.dataToHost = false;
        switch (opc) {
            case NvmOpcode.WRITE, NvmOpcode.COMPARE:
                return admitTransfer(request, slot);
            case NvmOpcode.COPY, NvmOpcode.WRITE_UNCORRECTABLE:
                // Zones are written at their write pointer, and by what knows of it.
                return slot.zoned ? Status.INVALID_OPCODE | Status.DNR : admitChecked(request, slot);
            case NvmOpcode.WRITE_ZEROES, NvmOpcode.VERIFY:
                if (slot.maxBlocks == 0) {
                    return admitChecked(request, slot);
                }
                if ((request.cdw12 & PRINFO) != 0) {
                    return Status.INVALID_FIELD | Status.DNR;
                }
                return admitRange(request, slot, (request.cdw12 & BLOCK_COUNT_MASK) + 1);
            case NvmOpcode.DATASET_MANAGEMENT:
                request.slba = 0;
                request.blockCount = 0;
                request.dataBytes = ((request.cdw10 & 0xFF) + 1) * 16;
                return Status.SUCCESS;
            case NvmOpcode.FLUSH:
                request.slba = 0;
                request.blockCount = 0;
                return Status.SUCCESS;
            case NvmOpcode.RESERVATION_REGISTER,
                    NvmOpcode.RESERVATION_REPORT,
                    NvmOpcode.RESERVATION_ACQUIRE,
                    NvmOpcode.RESERVATION_RELEASE:
                request.session = slot.reservations;
                return ReservationSession.admit(request, maxTransferBytes);
            default:
                return slot.zoned ? admitZoned(request, slot) : Status.INVALID_OPCODE | Status.DNR;
        }
    }

    private int admitZoned(NvmRequest request, PathSlot slot) {
        switch (request.opc) {
            case NvmOpcode.ZONE_APPEND:
                if ((request.cdw12 & PIREMAP) != 0) {
                    return Status.INVALID_FIELD | Status.DNR;
                }
                return admitTransfer(request, slot);
            case NvmOpcode.ZONE_MANAGEMENT_SEND:
                return admitRange(request, slot, 1);
            case NvmOpcode.ZONE_MANAGEMENT_RECEIVE:
                long bytes = (Integer.toUnsignedLong(request.cdw12) + 1) * 4; // NUMD, 0's based
                if (bytes > maxTransferBytes) {
                    return Status.INVALID_FIELD | Status.DNR;
                }
                request.dataBytes = (int) bytes;
                request.dataToHost = true;
                return admitRange(request, slot, 1);
            default:
                return Status.INVALID_OPCODE | Status.DNR;
        }
    }

    /** A host that was told of a namespace, by the end of a Format NVM say, may be faster than this path. */
    private PathSlot lateSlot(int nsid) {
        var attached = controller.attached();
        if (attached == seen || closed) {
            return null;
        }
        takeUpNamespaces(attached);
        return slot(nsid);
    }

    /**
     * An identifier that no namespace can have is invalid, one that none has here is inactive, and the two are answered
     * differently. NVMe Base 2.1 §3.2.1 "Namespace Overview". Flush to all namespaces is not offered (VWC).
     */
    private int noNamespace(int nsid) {
        int withheld = nsid >= 1 && nsid <= seen.length && seen[nsid - 1] != null ? seen[nsid - 1].withheld() : 0;
        if (withheld != 0) {
            return withheld;
        }
        return nsid >= 1 && nsid <= NvmSubsystem.MAX_NSID
                ? Status.INVALID_FIELD | Status.DNR
                : Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
    }

    @Override
    public int execute(NvmRequest request) {
        int status = gates == 0 ? start(request) : executeGated(request);
        if (status > Status.SUCCESS) {
            failed(request);
        }
        return status;
    }

    private int executeGated(NvmRequest request) {
        int refusal = refusal(request);
        if (refusal != Status.SUCCESS) {
            return refusal;
        }
        var slot = slot(request.nsid);
        if (slot != null && slot.isLimited() && mustWait(slot, request, null)) {
            throttle.hold(slot, request, null);
            return NvmRequest.PENDING;
        }
        return start(request);
    }

    private boolean mustWait(PathSlot slot, NvmRequest request, NvmRequest write) {
        return request.session != slot.reservations && (slot.waiting() != null || !throttle.pays(slot, request, write));
    }

    private int start(NvmRequest request) {
        boolean timed = --untimed < 0;
        if (timed) {
            beginTiming(request);
        }
        int status = request.session.submit(request);
        if (status == NvmRequest.PENDING) {
            pending++;
        } else if (status != Status.SUCCESS) {
            request.timedNanos = 0;
            return notExecuted(request, status);
        } else if (timed) {
            endTiming(request, slot(request.nsid));
        }
        count(request);
        return status;
    }

    private void beginTiming(NvmRequest request) {
        untimed = LatencyRecorder.TIMED_EVERY - 1;
        timedNanos = System.nanoTime();
        request.timedNanos = timedNanos;
    }

    private static void endTiming(NvmRequest request, PathSlot slot) {
        long nanos = System.nanoTime() - request.timedNanos;
        request.timedNanos = 0;
        switch (request.opc) {
            case NvmOpcode.READ, NvmOpcode.COMPARE -> took(slot, false, nanos);
            case NvmOpcode.WRITE, NvmOpcode.ZONE_APPEND -> took(slot, true, nanos);
            default -> {}
        }
    }

    private static void took(PathSlot slot, boolean write, long nanos) {
        if (slot != null) {
            slot.usage.took(write, nanos);
        }
    }

    private void failed(NvmRequest request) {
        var slot = slot(request.nsid);
        if (slot != null) {
            slot.usage.failed();
        }
    }

    @Override
    public void ended(NvmRequest request, int status) {
        if (status != Status.SUCCESS) {
            failed(request);
        }
        if (request.timedNanos != 0) {
            endTiming(request, slot(request.nsid));
        }
    }

    /**
     * What a command ends with that is not to be executed now, or 0. At execute too: since admit a transport may have waited for the
     * data, and a reservation may have come. A host that has just named itself is not to be taken for another.
     */
    private int refusal(NvmRequest request) {
        if (rulesChanged && !closed) {
            takeUpRules();
        }
        var slot = slot(request.nsid);
        return slot == null || slot.gate == 0 ? Status.SUCCESS : slot.refusal(request.opc);
    }

    /**
     * A session may have been closed since the command was admitted to it: by a drain, and then the command was to be aborted with the
     * rest; or because the namespace has another size, and then the command goes by the session of now.
     */
    private int notExecuted(NvmRequest request, int status) {
        var slot = slot(request.nsid);
        boolean replaced =
                Status.code(status) == Status.INVALID_NAMESPACE_OR_FORMAT && slot != null && !slot.has(request.session);
        if (!replaced) {
            return status;
        }
        if (slot.drained) {
            return Status.ABORTED_PREEMPT;
        }
        int again = admitAgain(request);
        return again == Status.SUCCESS ? start(request) : again;
    }

    /** Its data are there, so it can only be what it was. */
    private int admitAgain(NvmRequest request) {
        int bytes = request.dataBytes;
        int status = check(request);
        return status == Status.SUCCESS && request.dataBytes != bytes ? Status.INVALID_FIELD | Status.DNR : status;
    }

    private PathSlot slot(int nsid) {
        return nsid >= 1 && nsid <= slots.length ? slots[nsid - 1] : null;
    }

    /** SMART counts Read, Compare and Verify as reading. NVMe Base 2.1 §5.1.12.1.3 "SMART / Health Information". */
    private void count(NvmRequest request) {
        busyTime.commands++;
        var slot = slot(request.nsid);
        if (slot == null) {
            return;
        }
        switch (request.opc) {
            case NvmOpcode.READ, NvmOpcode.COMPARE -> slot.usage.read(request.dataBytes);
            case NvmOpcode.WRITE, NvmOpcode.ZONE_APPEND -> slot.usage.write(request.dataBytes);
            case NvmOpcode.VERIFY -> slot.usage.read((long) request.blockCount << slot.blockShift);
            default -> slot.usage.other();
        }
    }

    @Override
    public int executeFused(NvmRequest compare, NvmRequest write) {
        boolean pair = (compare.flags & 3) == SubmissionEntry.FUSE_FIRST
                && (write.flags & 3) == SubmissionEntry.FUSE_SECOND
                && compare.opc == NvmOpcode.COMPARE
                && write.opc == NvmOpcode.WRITE
                && compare.nsid == write.nsid
                && compare.slba == write.slba
                && compare.blockCount == write.blockCount;
        if (!pair) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (gates != 0) {
            int refusal = refusal(write);
            if (refusal != Status.SUCCESS) {
                return refusal;
            }
            var slot = slot(write.nsid);
            if (slot != null && slot.isLimited() && mustWait(slot, compare, write)) {
                throttle.hold(slot, compare, write);
                return NvmRequest.PENDING;
            }
        }
        int status = startFused(compare, write);
        if (status > Status.SUCCESS) {
            failed(write);
        }
        return status;
    }

    private int startFused(NvmRequest compare, NvmRequest write) {
        int status = compare.session == write.session
                ? write.session.submitFused(compare, write)
                : Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        if (status == NvmRequest.PENDING) {
            pending++;
        } else if (status != Status.SUCCESS) {
            return fusedNotExecuted(compare, write, status);
        }
        count(compare);
        count(write);
        return status;
    }

    private int fusedNotExecuted(NvmRequest compare, NvmRequest write, int status) {
        var slot = slot(write.nsid);
        boolean replaced = Status.code(status) == Status.INVALID_NAMESPACE_OR_FORMAT
                && slot != null
                && !(slot.has(compare.session) && slot.has(write.session));
        if (!replaced) {
            return status;
        }
        if (slot.drained) {
            return Status.ABORTED_PREEMPT;
        }
        int again = admitAgain(compare);
        again = again == Status.SUCCESS ? admitAgain(write) : again;
        return again == Status.SUCCESS ? startFused(compare, write) : again;
    }

    @Override
    public int poll(long nowNanos) {
        int work = 0;
        var attached = controller.attached();
        if (attached != seen && !closed) {
            takeUpNamespaces(attached);
            work++;
        }
        if (rulesChanged && !closed) {
            takeUpRules();
            work++;
        }
        if (pending != 0) {
            work += pollSessions(nowNanos);
        }
        if (throttle.isDue(nowNanos)) {
            work += release(nowNanos);
        }
        busyTime.polled(nowNanos, pending != 0 || throttle.isWaiting());
        if (nowNanos - timedNanos > TIMED_AFTER_NANOS) {
            untimed = 0;
        }
        while (!ended.isEmpty()) {
            var end = ended.remove();
            end.request.complete(end.status);
            work++;
        }
        return work;
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        return throttle.parkLimitNanos(nowNanos);
    }

    /** Lets go of what the limits allow by now, each slot in turn. */
    private int release(long nowNanos) {
        throttle.begin(nowNanos);
        int released = 0;
        for (int i = 0; i < slots.length && throttle.isWaiting(); i++) {
            turn = turn + 1 < slots.length ? turn + 1 : 0;
            var slot = slots[turn];
            while (slot != null && slot.waiting() != null && released < PathThrottle.MAX_RELEASED) {
                var first = slot.waiting();
                boolean pair = PathThrottle.isPair(first);
                int refusal = slot.refusal(pair ? first.next.opc : first.opc);
                if (refusal == Status.SUCCESS
                        && slot.isLimited()
                        && !throttle.pays(slot, first, pair ? first.next : null)) {
                    break;
                }
                throttle.take(slot);
                var last = pair ? slot.dequeue() : first;
                int status = refusal != Status.SUCCESS ? refusal : pair ? startFused(first, last) : start(first);
                released++;
                if (status != NvmRequest.PENDING) {
                    last.complete(status);
                }
                // A completion may have brought on a change.
                slot = turn < slots.length ? slots[turn] : null;
            }
        }
        if (released == PathThrottle.MAX_RELEASED) {
            throttle.again();
        }
        return released;
    }

    /** What waits in a slot ends, in the next cycle: this may be in the middle of another command. */
    private void endWaiting(PathSlot slot, int status) {
        while (slot.waiting() != null) {
            var first = throttle.take(slot);
            ended.add(new Ended(PathThrottle.isPair(first) ? slot.dequeue() : first, status));
        }
    }

    private int pollSessions(long nowNanos) {
        int completed = 0;
        for (var slot : slots) {
            if (slot != null) {
                completed += slot.poll(nowNanos);
            }
        }
        for (int i = retiring.size() - 1; i >= 0; i--) {
            var slot = retiring.get(i);
            completed += slot.poll(nowNanos);
            closeIfIdle(i);
        }
        pending -= completed;
        return completed;
    }

    /** Opens sessions to what is new, and lets those go that are not attached any more: after what they have in flight. */
    private void takeUpNamespaces(SubsystemNamespace[] attached) {
        var table = new PathSlot[attached.length];
        for (int i = 0; i < slots.length; i++) {
            var old = slots[i];
            if (old == null) {
                continue;
            }
            if (i < attached.length && attached[i] == old.namespace && old.turn == old.namespace.turns()) {
                table[i] = old;
            } else {
                old.leave();
                retiring.add(old);
            }
        }
        for (int i = 0; i < attached.length; i++) {
            if (table[i] == null && controller.isActive(attached[i])) {
                table[i] = slot(attached[i]);
                var before = i < slots.length ? slots[i] : null;
                if (table[i] != null && before != null && before.namespace == attached[i]) {
                    table[i].drained = before.drained;
                    table[i].takeOver(before);
                }
            }
        }
        var before = slots;
        slots = table;
        seen = attached;
        for (int i = 0; i < before.length; i++) {
            if (before[i] != null && slot(i + 1) != before[i]) {
                endWaiting(before[i], noNamespace(i + 1));
            }
        }
        sumGates();
        for (int i = retiring.size() - 1; i >= 0; i--) {
            closeIfIdle(i);
        }
    }

    private PathSlot slot(SubsystemNamespace namespace) {
        int turn = namespace.turns();
        var session = open(namespace, turn);
        if (session == null) {
            return null;
        }
        var reservations = namespace.reservations();
        var seat = reservations.seat(this);
        var slot = new PathSlot(
                namespace,
                turn,
                session,
                new ReservationSession(controller, reservations, reactor::wake),
                seat,
                usage(namespace.nsid()),
                maxTransferBytes);
        takeUpRules(slot);
        return slot;
    }

    private PathUsage usage(int nsid) {
        var table = usages;
        if (nsid <= table.length && table[nsid - 1] != null) {
            return table[nsid - 1];
        }
        table = Arrays.copyOf(table, Math.max(table.length, nsid));
        table[nsid - 1] = new PathUsage(nsid);
        usages = table;
        return table[nsid - 1];
    }

    /** Any thread. */
    List<IoUsage> usage() {
        var hostNqn = controller.countedAs();
        return Arrays.stream(usages)
                .filter(usage -> usage != null)
                .map(usage -> usage.snapshot(hostNqn))
                .toList();
    }

    private NamespaceSession open(SubsystemNamespace namespace, int turn) {
        try {
            var session = namespace.open(reactor, turn);
            boolean plain = session == null || namespace.shape().format().metadataBytes() == 0;
            return plain ? session : checked(namespace, session);
        } catch (IllegalStateException refused) {
            LOG.error("{} of {} cannot be used on {}", namespace, controller, reactor, refused);
            return null;
        }
    }

    private CheckedSession checked(SubsystemNamespace namespace, NamespaceSession store) {
        return new CheckedSession(store, namespace.shape(), namespace.marks(), reactor);
    }

    /** Any thread: a reservation, who the host is, or how it reaches a namespace has changed. */
    void rulesChanged() {
        rulesChanged = true;
        reactor.wake();
    }

    /** From here on no command goes by the old rules. */
    private void takeUpRules() {
        // Before the states are read: a change that comes meanwhile sets it again.
        rulesChanged = false;
        hostLimited = throttle.takeUp(limits(), controller.hostNqn());
        for (int i = 0; i < slots.length; i++) {
            var slot = slots[i];
            if (slot == null) {
                continue;
            }
            long drain = slot.seat.drainWanted();
            takeUpRules(slot);
            if (drain != 0 && !isDraining(slot, drain)) {
                slots[i] = drained(slot, drain);
            }
        }
        sumGates();
    }

    private void takeUpRules(PathSlot slot) {
        slot.share = limits().ofNamespace(slot.namespace.nsid(), slot.share);
        slot.rules(
                slot.seat.take(controller.host()),
                controller.access().refusal(slot.namespace.group()),
                hostLimited || slot.share != null);
    }

    private RateLimits limits() {
        return controller.subsystem().limits();
    }

    /** Whether what was in flight then is on its way to its end already. */
    private boolean isDraining(PathSlot slot, long upTo) {
        for (var old : retiring) {
            if (old.seat == slot.seat && old.draining >= upTo) {
                return true;
            }
        }
        return false;
    }

    /** What is in flight belongs to one session, what comes from now on to another: so the first comes to an end. */
    private PathSlot drained(PathSlot slot, long drain) {
        endWaiting(slot, Status.ABORTED_PREEMPT);
        if (slot.inFlight() == 0) {
            drainEnded(slot, drain);
            return slot;
        }
        slot.draining = drain;
        retiring.add(slot);
        var session = open(slot.namespace, slot.turn);
        if (session == null) {
            // No drain, then; who waits for it is told so at the end of the bound.
            retiring.removeLast();
            slot.draining = 0;
            return slot;
        }
        var next = new PathSlot(
                slot.namespace, slot.turn, session, slot.reservations, slot.seat, slot.usage, maxTransferBytes);
        next.share = slot.share;
        slot.share = null;
        takeUpRules(next);
        next.drained = true;
        return next;
    }

    private void sumGates() {
        int sum = 0;
        for (var slot : slots) {
            sum |= slot == null ? 0 : slot.gate;
        }
        gates = sum;
    }

    private void closeIfIdle(int index) {
        var slot = retiring.get(index);
        boolean idle = slot.inFlight() == 0 && (slot.draining != 0 || slot.reservations.inFlight() == 0);
        if (idle) {
            retiring.remove(index);
            slot.close();
            if (slot.draining != 0) {
                drainEnded(slot, slot.draining);
            }
        }
    }

    /** Nothing is in flight of this slot; the drain has ended when that is so of what was in flight earlier, too. */
    private void drainEnded(PathSlot slot, long drain) {
        for (var old : retiring) {
            if (old.seat == slot.seat && old.draining != 0 && old.draining <= drain) {
                old.draining = drain;
                return;
            }
        }
        slot.seat.drained(drain);
    }

    @Override
    public LatencySnapshot latency() {
        return usage().stream()
                .map(usage -> usage.readLatency().plus(usage.writeLatency()))
                .reduce(LatencySnapshot.EMPTY, LatencySnapshot::plus);
    }

    /** Who sends the commands. Any thread. */
    HostId host() {
        return controller.host();
    }

    long busyNanos() {
        return busyTime.busyNanos();
    }

    Reactor reactor() {
        return reactor;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (var slot : slots) {
            if (slot != null) {
                retiring.add(slot);
            }
        }
        slots = new PathSlot[0];
        pending = 0;
        ended.clear();
        throttle.close();
        RuntimeException first = null;
        for (var slot : retiring) {
            try {
                slot.leave();
                slot.reservations.close();
                slot.close();
            } catch (RuntimeException failed) {
                first = first == null ? failed : first;
            }
        }
        retiring.clear();
        controller.closed(this);
        if (first != null) {
            throw first;
        }
    }

    @Override
    public String toString() {
        return controller + " on " + reactor;
    }
}
