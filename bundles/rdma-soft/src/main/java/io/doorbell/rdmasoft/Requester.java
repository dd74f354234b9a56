package io.doorbell.rdmasoft;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.SendRequests;
import java.util.concurrent.TimeUnit;

/**
 * The half of a queue pair that asks: its send queue, which packets are on their way, and when they are sent again. IBTA vol. 1 release 1.4 §9.7
 * "Reliable Service".
 *
 * <p>Go back N: {@link #cursor} and {@link #nextPacket} say what is sent next, {@link #unackedPsn} what the peer has; to send again is to move the
 * cursor back. A read is asked for in parts of {@link #READ_PACKETS}, so that its answer does not come as one burst.
 *
 * <p>Owner: the lane.
 */
final class Requester {
    /** Packets that one request of a read asks for: what a peer sends back to back. */
    static final int READ_PACKETS = 16;

    /**
     * Packets of answers to reads that may be on their way. Linux's rxe lets a queue pair have 64 packets in the hands of the network, and sends
     * no request while there are more; answers to reads count, but are not held back.
     */
    private static final int READ_WINDOW = 3 * READ_PACKETS;

    /** The most packets on their way. */
    private static final int MAX_WINDOW = 128;

    private static final int MIN_WINDOW = 4;
    private static final int FIRST_WINDOW = 32;

    /** A packet in so many asks for an acknowledgement, and the last one of each request. */
    private static final int ACK_EVERY = 16;

    private static final long MIN_TIMEOUT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long FIRST_TIMEOUT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** The Local ACK Timeout that Linux asks for: 4.096 us * 2^19. */
    static final long MAX_TIMEOUT_NANOS = 4096L << 19;

    /** For each retry that was agreed on, a peer may be silent for so long: software peers are held up by their machines. */
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(1500);

    private static final int FOR_EVER = 7;
    private static final long NONE = Long.MAX_VALUE;

    private final SoftQueuePair pair;
    private final Lane lane;
    private final SendSlot[] slots;

    // Positions that only grow: completed below head, posted below tail.
    private long head;
    private long cursor;
    private long tail;
    private int nextPacket;

    private int unackedPsn;
    /** The first number that was never used. */
    private int freshPsn;

    private int mtu;

    // Loss.
    private int window = FIRST_WINDOW;
    private int threshold = MAX_WINDOW;
    private int grown;
    /** It went back, and nothing has come of it yet: what is on its way from before says nothing new. */
    private boolean wentBack;

    private int retries;
    private int rnrRetries;
    private int maxRetries;
    private int maxRnrRetries;
    private long deadlineNanos = NONE;
    private long silentSinceNanos;
    private long quietUntilNanos;
    private boolean quiet;

    // Round trips: one packet at a time is measured, and none that was sent twice.
    private boolean measuring;
    private int measuredPsn;
    private long measuredNanos;
    private long smoothNanos;
    private long variationNanos;
    private long timeoutNanos = FIRST_TIMEOUT_NANOS;

    // Parts of reads that are asked for: the last packet of each, in order.
    private int maxReads;
    private int[] readEnds = new int[1];
    private int[] readSizes = new int[1];
    private int readFirst;
    private int reads;
    private int readPackets;

    Requester(SoftQueuePair pair, Lane lane, int size, int mostSegments) {
        this.pair = pair;
        this.lane = lane;
        slots = new SendSlot[size];
        for (int i = 0; i < size; i++) {
            slots[i] = new SendSlot(mostSegments);
        }
    }

    void connect(int psn, int pathMtu, int reads, int retryCount, int rnrRetryCount) {
        unackedPsn = psn;
        freshPsn = psn;
        mtu = pathMtu;
        maxReads = reads;
        readEnds = new int[Math.max(1, reads)];
        readSizes = new int[readEnds.length];
        maxRetries = retryCount;
        maxRnrRetries = rnrRetryCount;
    }

    private SendSlot slot(long position) {
        return slots[(int) (position % slots.length)];
    }

    int post(SendRequests requests) {
        int posted = 0;
        while (posted < requests.count() && tail - head < slots.length) {
            slot(tail).take(pair.domain, requests, posted);
            tail++;
            posted++;
        }
        if (posted > 0) {
            lane.activate(pair);
        }
        return posted;
    }

    // Sending.

    /**
     * Puts packets into the lane's batch, up to so many.
     *
     * @return whether there is more that could be sent at once
     */
    boolean transmit(int budget, long nowNanos) {
        if (quiet) {
            return false;
        }
        for (int sent = 0; cursor < tail; ) {
            var slot = slot(cursor);
            if (!slot.started && !begin(slot)) {
                return false;
            }
            if (slot.packets == 0) {
                pass();
                completeExecuted();
                continue;
            }
            if (sent == budget || !lane.hasRoom()) {
                return true;
            }
            if (Psn.ahead(slot.firstPsn + nextPacket, unackedPsn) >= window) {
                return false;
            }
            if (slot.isRead() ? !askForRead(slot, nowNanos) : !sendPacket(slot, nowNanos)) {
                return false;
            }
            sent++;
            if (nextPacket == slot.packets) {
                pass();
            }
            arm(nowNanos);
        }
        return false;
    }

    private void pass() {
        cursor++;
        nextPacket = 0;
    }

    /** Gives a request its packet numbers, or executes what needs none. Returns false when it has to wait, or was the end of the queue pair. */
    private boolean begin(SendSlot slot) {
        if ((slot.flags & SendRequests.FENCE) != 0 && reads > 0) {
            return false;
        }
        int problem = problem(slot);
        if (problem != Completions.SUCCESS || slot.opcode == SendRequests.LOCAL_INVALIDATE) {
            // It fails, or takes effect, in its turn.
            if (cursor != head) {
                return false;
            }
            if (problem != Completions.SUCCESS) {
                pair.fail(problem, "a request cannot be executed: " + Completions.describe(problem));
                return false;
            }
        }
        slot.started = true;
        slot.firstPsn = freshPsn;
        slot.packets = slot.isLocal() ? 0 : Math.max(1, (slot.segments.total + mtu - 1) / mtu);
        if (slot.isLocal()) {
            slot.executed = execute(slot);
            if (!slot.executed) {
                pair.fail(Completions.WINDOW_BIND, "a memory window cannot be bound or invalidated");
                return false;
            }
        }
        freshPsn = Psn.add(freshPsn, slot.packets);
        return true;
    }

    private int problem(SendSlot slot) {
        if (!slot.isKnown() || slot.isRead() && maxReads == 0) {
            return Completions.LOCAL_OPERATION;
        }
        return slot.segments.bad ? Completions.LOCAL_PROTECTION : Completions.SUCCESS;
    }

    private boolean execute(SendSlot slot) {
        var keys = pair.domain.device.keys;
        if (slot.opcode == SendRequests.LOCAL_INVALIDATE) {
            return pair.invalidate(slot.immediateOrKey);
        }
        var window = keys.window(slot.window);
        var region = keys.region(slot.region);
        if (window == null
                || region == null
                || window.domain != pair.domain
                || region.domain != pair.domain
                || window.isBound()
                || (region.access() & Access.WINDOW_BIND) == 0
                || ((slot.access & Access.REMOTE_WRITE) != 0 && (region.access() & Access.LOCAL_WRITE) == 0)
                || !region.contains(slot.remoteAddress, slot.bindBytes)
                || !KeyTable.isSuccessor(window.key, slot.remoteKey)) {
            return false;
        }
        window.bind(pair, region, slot.remoteKey, slot.remoteAddress, slot.bindBytes, slot.access);
        return true;
    }

    private boolean sendPacket(SendSlot slot, long nowNanos) {
        int index = nextPacket;
        int opcode = slot.packetOpcode(index);
        int position = index * mtu;
        int bytes = Math.min(mtu, slot.segments.total - position);
        int psn = Psn.add(slot.firstPsn, index);
        boolean last = index == slot.packets - 1;
        boolean ask = last || psn % ACK_EVERY == 0 || Psn.ahead(psn, unackedPsn) == window - 1;
        long at = lane.begin();
        long behind = at + Headers.BTH_BYTES;
        Headers.bth(
                lane.out(),
                at,
                opcode,
                last && (slot.flags & SendRequests.SOLICITED) != 0,
                -bytes & 3,
                pair.peerNumber(),
                ask,
                psn);
        if (slot.isWrite() && index == 0) {
            Headers.reth(lane.out(), behind, slot.remoteAddress, slot.remoteKey, slot.segments.total);
            behind += Headers.RETH_BYTES;
        }
        if (Opcode.hasImmediate(opcode) || Opcode.hasInvalidate(opcode)) {
            Headers.word(lane.out(), behind, slot.immediateOrKey);
            behind += Integer.BYTES;
        }
        if (!slot.segments.gather(position, bytes, lane.out(), behind)) {
            pair.fail(Completions.LOCAL_PROTECTION, "memory of a request has gone");
            return false;
        }
        lane.end(pair, (int) (behind - at), bytes);
        nextPacket++;
        if (ask) {
            measure(psn, nowNanos);
        }
        return true;
    }

    /** Asks for the next part of a read. */
    private boolean askForRead(SendSlot slot, long nowNanos) {
        int index = nextPacket;
        int part = Math.min(READ_PACKETS - index % READ_PACKETS, slot.packets - index);
        if (reads == maxReads || readPackets + part > READ_WINDOW || !lane.takeReadCredit(pair, part)) {
            return false;
        }
        int position = index * mtu;
        int bytes = Math.min(part * mtu, slot.segments.total - position);
        long at = lane.begin();
        int psn = Psn.add(slot.firstPsn, index);
        Headers.bth(lane.out(), at, Opcode.READ_REQUEST, false, 0, pair.peerNumber(), true, psn);
        Headers.reth(lane.out(), at + Headers.BTH_BYTES, slot.remoteAddress + position, slot.remoteKey, bytes);
        lane.end(pair, Headers.BTH_BYTES + Headers.RETH_BYTES, 0);
        int place = (readFirst + reads) % readEnds.length;
        readEnds[place] = Psn.add(psn, part - 1);
        readSizes[place] = part;
        reads++;
        readPackets += part;
        nextPacket += part;
        measure(psn, nowNanos);
        return true;
    }

    // Answers.

    void acknowledged(int psn, int syndrome, long nowNanos) {
        if (isUnasked(psn)) {
            return;
        }
        switch (Syndrome.kind(syndrome)) {
            case Syndrome.KIND_ACK -> {
                if (!advance(psn, nowNanos)) {
                    goBack(nowNanos, false);
                }
            }
            case Syndrome.KIND_RNR -> receiverNotReady(psn, syndrome, nowNanos);
            case Syndrome.KIND_NAK -> refused(psn, syndrome, nowNanos);
            default -> lane.count(Count.DROP_RESERVED_SYNDROME);
        }
    }

    /** Of a number that was acknowledged before, or never sent. */
    private boolean isUnasked(int psn) {
        if (head == tail || Psn.ahead(psn, unackedPsn) < 0) {
            lane.count(Count.DROP_DUPLICATE_RESPONSE);
            return true;
        }
        if (Psn.ahead(psn, freshPsn) >= 0) {
            lane.count(Count.DROP_RESPONSE_UNASKED);
            return true;
        }
        return false;
    }

    private void receiverNotReady(int psn, int syndrome, long nowNanos) {
        lane.count(Count.RNR_RECEIVED);
        if (!advance(Psn.add(psn, -1), nowNanos)) {
            goBack(nowNanos, false);
            return;
        }
        if (maxRnrRetries != FOR_EVER && ++rnrRetries > maxRnrRetries) {
            pair.fail(Completions.RNR_RETRIES_EXCEEDED, "the peer has no receive for what is sent");
            return;
        }
        rewind();
        quiet = true;
        quietUntilNanos = nowNanos + Syndrome.rnrNanos(syndrome);
        deadlineNanos = NONE;
        lane.wakeAt(quietUntilNanos);
    }

    private void refused(int psn, int syndrome, long nowNanos) {
        boolean sequence = syndrome == Syndrome.NAK_SEQUENCE;
        lane.count(sequence ? Count.SEQUENCE_NAK_RECEIVED : Count.ERROR_NAK_RECEIVED);
        boolean complete = advance(Psn.add(psn, -1), nowNanos);
        if (sequence || !complete) {
            goBack(nowNanos, false);
            return;
        }
        int status = switch (syndrome) {
            case Syndrome.NAK_ACCESS -> Completions.REMOTE_ACCESS;
            case Syndrome.NAK_OPERATION -> Completions.REMOTE_OPERATION;
            default -> Completions.REMOTE_INVALID;
        };
        pair.fail(status, "the peer refuses a request: " + Completions.describe(status));
    }

    /** A packet of the answer to a read: {@code bytes} of data at {@code offset} of the lane's memory for what comes in. */
    void readAnswered(int psn, int syndrome, long offset, int bytes, long nowNanos) {
        if (isUnasked(psn)) {
            return;
        }
        if (Syndrome.kind(syndrome) != Syndrome.KIND_ACK) {
            lane.count(Count.DROP_RESERVED_SYNDROME);
            return;
        }
        boolean inOrder = advance(Psn.add(psn, -1), nowNanos) && psn == unackedPsn && head < tail && slot(head).started;
        if (!inOrder) {
            lane.count(Count.DROP_RESPONSE_OUT_OF_SEQUENCE);
            goBack(nowNanos, false);
            return;
        }
        var slot = slot(head);
        int index = Psn.ahead(psn, slot.firstPsn);
        int expected = Math.min(mtu, slot.segments.total - index * mtu);
        if (!slot.isRead() || bytes != expected) {
            pair.fail(Completions.BAD_RESPONSE, "an answer to a read is not what was asked for");
            return;
        }
        if (!slot.segments.scatter(index * mtu, bytes, lane.in(), offset)) {
            pair.fail(Completions.LOCAL_PROTECTION, "memory of a read has gone");
            return;
        }
        unackedPsn = Psn.add(psn, 1);
        if (index == slot.packets - 1) {
            complete(slot, slot.segments.total);
            completeExecuted();
        }
        progressed(1, nowNanos);
    }

    /**
     * The peer has everything up to and with this number.
     *
     * @return false when answers to a read before it are missing, which were lost
     */
    private boolean advance(int psn, long nowNanos) {
        int before = unackedPsn;
        boolean complete = true;
        completeExecuted();
        while (head < tail && slot(head).started && Psn.ahead(psn, unackedPsn) >= 0) {
            var slot = slot(head);
            if (slot.isRead()) {
                complete = false;
                break;
            }
            int last = Psn.add(slot.firstPsn, slot.packets - 1);
            if (Psn.ahead(psn, last) < 0) {
                unackedPsn = Psn.add(psn, 1);
                break;
            }
            unackedPsn = Psn.add(last, 1);
            complete(slot, 0);
            completeExecuted();
        }
        if (unackedPsn != before) {
            progressed(Psn.ahead(unackedPsn, before), nowNanos);
        }
        return complete;
    }

    private void completeExecuted() {
        while (head < cursor && slot(head).packets == 0 && slot(head).executed) {
            complete(slot(head), 0);
        }
    }

    private void complete(SendSlot slot, int bytes) {
        if ((slot.flags & SendRequests.SIGNALED) != 0) {
            pair.sendQueue.add(slot.id, Completions.SUCCESS, slot.completionOpcode(), bytes, 0, 0, pair.number());
        }
        head++;
    }

    private void progressed(int packets, long nowNanos) {
        wentBack = false;
        retries = 0;
        rnrRetries = 0;
        if (cursor < head) {
            cursor = head;
            nextPacket = 0;
        }
        if (cursor == head && head < tail && slot(head).started) {
            nextPacket = Math.max(nextPacket, Psn.ahead(unackedPsn, slot(head).firstPsn));
        }
        releaseReads();
        if (measuring && Psn.ahead(unackedPsn, measuredPsn) > 0) {
            measured(nowNanos - measuredNanos);
        }
        grow(packets);
        deadlineNanos = NONE;
        if (unackedPsn != sentPsn()) {
            arm(nowNanos);
        }
        if (cursor < tail) {
            lane.activate(pair);
        }
    }

    /** The first number that is not on its way. */
    private int sentPsn() {
        return cursor < tail && slot(cursor).started ? Psn.add(slot(cursor).firstPsn, nextPacket) : freshPsn;
    }

    private void releaseReads() {
        while (reads > 0 && Psn.ahead(unackedPsn, readEnds[readFirst]) > 0) {
            releaseRead();
        }
    }

    private void grow(int packets) {
        if (window < threshold) {
            window = Math.min(MAX_WINDOW, window + packets);
        } else {
            grown += packets;
            if (grown >= window) {
                grown = 0;
                window = Math.min(MAX_WINDOW, window + 1);
            }
        }
    }

    /** The network says that it is crowded, or loses packets. */
    void shrink() {
        threshold = Math.max(window / 2, 2 * MIN_WINDOW);
        window = threshold;
        grown = 0;
    }

    // Loss.

    /** Something was lost. Sends again what the peer has not, once until something comes of it. */
    private void goBack(long nowNanos, boolean timedOut) {
        if (wentBack && !timedOut || quiet) {
            return;
        }
        wentBack = true;
        shrink();
        if (timedOut) {
            window = MIN_WINDOW;
        }
        rewind();
        arm(nowNanos);
        lane.activate(pair);
    }

    private void rewind() {
        int again = Psn.ahead(sentPsn(), unackedPsn);
        if (again > 0) {
            lane.count(Count.SENT_AGAIN, again);
        }
        cursor = head;
        nextPacket = head < tail && slot(head).started ? Psn.ahead(unackedPsn, slot(head).firstPsn) : 0;
        measuring = false;
        releaseAllReads();
    }

    void releaseAllReads() {
        while (reads > 0) {
            releaseRead();
        }
    }

    private void releaseRead() {
        int packets = readSizes[readFirst];
        readFirst = (readFirst + 1) % readEnds.length;
        reads--;
        readPackets -= packets;
        lane.releaseReadCredit(packets);
    }

    private void measure(int psn, long nowNanos) {
        if (!measuring && !wentBack) {
            measuring = true;
            measuredPsn = psn;
            measuredNanos = nowNanos;
        }
    }

    /** RFC 6298 section 2 "The Basic Algorithm". */
    private void measured(long nanos) {
        measuring = false;
        if (smoothNanos == 0) {
            smoothNanos = nanos;
            variationNanos = nanos / 2;
        } else {
            variationNanos += (Math.abs(smoothNanos - nanos) - variationNanos) / 4;
            smoothNanos += (nanos - smoothNanos) / 8;
        }
        timeoutNanos = Math.clamp(smoothNanos + 4 * variationNanos, MIN_TIMEOUT_NANOS, MAX_TIMEOUT_NANOS);
    }

    /** Smoothed; 0 while none was measured. */
    long roundTripNanos() {
        return smoothNanos;
    }

    private void arm(long nowNanos) {
        if (deadlineNanos == NONE) {
            if (retries == 0) {
                silentSinceNanos = nowNanos;
            }
            deadlineNanos = nowNanos + timeoutNanos;
            lane.wakeAt(deadlineNanos);
        }
    }

    /** Looks at the clock. Returns when to look again. */
    long tick(long nowNanos) {
        if (quiet) {
            if (nowNanos - quietUntilNanos < 0) {
                return quietUntilNanos;
            }
            quiet = false;
            lane.activate(pair);
        }
        if (deadlineNanos != NONE && nowNanos - deadlineNanos >= 0) {
            deadlineNanos = NONE;
            lane.count(Count.TIMEOUTS);
            // It stays so until a round trip is measured: the peer, or its machine, is slow.
            timeoutNanos = Math.min(MAX_TIMEOUT_NANOS, 2 * timeoutNanos);
            if (++retries > maxRetries && nowNanos - silentSinceNanos > maxRetries * RETRY_NANOS) {
                pair.fail(Completions.RETRIES_EXCEEDED, "the peer does not answer");
            } else {
                goBack(nowNanos, true);
            }
        }
        return deadlineNanos;
    }

    /** Ends all requests: the first with {@code status}, the others as flushed. */
    void flush(int status) {
        releaseAllReads();
        deadlineNanos = NONE;
        quiet = false;
        for (; head < tail; head++) {
            var slot = slot(head);
            pair.sendQueue.add(slot.id, status, slot.completionOpcode(), 0, 0, 0, pair.number());
            status = Completions.FLUSHED;
        }
        cursor = tail;
        nextPacket = 0;
    }
}
