package io.doorbell.subsystem;

import io.doorbell.nvme.Status;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NvmRequest;

/** A namespace as one {@link IoPath} sees it, from when it took it up until what is in flight has ended. Owner: the path. */
final class PathSlot {
    /** Of {@link #gate}: within limits, and they have to be asked. */
    static final int LIMITED = 1 << 30;

    final NamespaceSession session;
    final long blockCount;
    final int blockShift;
    /** Of a Read: {@link NvmRequest#fill}. */
    final int fill;
    /** What one command may move; 0 where commands go by the checked session: with metadata, or marked blocks. */
    int maxBlocks;
    /** Whether commands have to be looked at before they may be executed; 0 mostly, and then nobody looks closer. */
    int gate;

    final PathUsage usage;

    // Cold.
    /** What the host may not do for a reservation's sake: {@link ReservationState#denied}. */
    private int denied;
    /** What every command ends with while the namespace cannot be reached by this way, or 0. */
    private int unreachable;

    final SubsystemNamespace namespace;
    /** Of the namespace, when the session was opened. */
    final int turn;

    final boolean zoned;
    final ReservationSession reservations;
    final NamespaceReservations.Seat seat;
    /** The namespace's own session where it has metadata; else another one, from the first command on that needs it. */
    CheckedSession checked;

    /** In the limits of the namespace, or null. */
    RateLimit.Share share;

    /** Commands that wait for a limit, in order, linked by {@code next}. */
    private NvmRequest head;

    private NvmRequest tail;

    private final Runnable marked = () -> maxBlocks = 0;
    /** Of a slot that is retiring for it: the drain that ends with what is in flight; 0 for none. */
    long draining;

    /** Whether commands that were admitted to a session before this one's were to be aborted. */
    boolean drained;

    PathSlot(
            SubsystemNamespace namespace,
            int turn,
            NamespaceSession session,
            ReservationSession reservations,
            NamespaceReservations.Seat seat,
            PathUsage usage,
            int maxTransferBytes) {
        this.namespace = namespace;
        this.turn = turn;
        this.zoned = namespace.zones() != null;
        this.session = session;
        this.reservations = reservations;
        this.seat = seat;
        this.usage = usage;
        var shape = namespace.shape();
        blockCount = shape.blockCount();
        blockShift = Integer.numberOfTrailingZeros(shape.blockBytes());
        fill = shape.keepsData() ? NvmRequest.FILLS_ALL : NvmRequest.FILLS_NONE;
        checked = session instanceof CheckedSession own ? own : null;
        maxBlocks = checked == null ? maxTransferBytes >> blockShift : 0;
        if (namespace.marks().watch(marked)) {
            maxBlocks = 0;
        }
    }

    void rules(int denied, int unreachable, boolean limited) {
        this.denied = denied;
        this.unreachable = unreachable;
        gate = denied | unreachable | (limited ? LIMITED : 0);
    }

    boolean isLimited() {
        return (gate & LIMITED) != 0;
    }

    void enqueue(NvmRequest request) {
        request.next = null;
        if (head == null) {
            head = request;
        } else {
            tail.next = request;
        }
        tail = request;
    }

    NvmRequest dequeue() {
        var first = head;
        head = first.next;
        first.next = null;
        return first;
    }

    NvmRequest waiting() {
        return head;
    }

    /** What waits in the slot that this one comes after. */
    void takeOver(PathSlot before) {
        head = before.head;
        tail = before.tail;
        before.head = null;
    }

    /** What a command ends with that may not be executed, or 0. */
    int refusal(int opc) {
        if (unreachable != 0) {
            return unreachable;
        }
        return denied != 0 && ReservationRules.isDenied(opc, denied)
                ? Status.RESERVATION_CONFLICT | Status.DNR
                : Status.SUCCESS;
    }

    int inFlight() {
        return session.inFlight() + (isBeside() ? checked.inFlight() : 0);
    }

    int poll(long nowNanos) {
        return session.poll(nowNanos) + (isBeside() ? checked.poll(nowNanos) : 0) + reservations.poll(nowNanos);
    }

    /** Whether a command was admitted to a session of this slot. */
    boolean has(NamespaceSession other) {
        return other == session || other == checked || other == reservations;
    }

    private boolean isBeside() {
        return checked != null && checked != session;
    }

    void leave() {
        seat.leave();
        if (share != null) {
            share.leave();
            share = null;
        }
    }

    void close() {
        namespace.marks().unwatch(marked);
        try {
            if (isBeside()) {
                namespace.close(checked, turn);
            }
        } finally {
            namespace.close(session, turn);
        }
    }
}
