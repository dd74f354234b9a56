package io.doorbell.rdmasoft;

import io.doorbell.verbs.Access;
import io.doorbell.verbs.Completions;
import java.util.concurrent.TimeUnit;

/**
 * The half of a queue pair that answers: what the peer sends, writes and reads. IBTA vol. 1 release 1.4 §9.7 "Reliable Service".
 *
 * <p>Acknowledgements are gathered: one for all packets of a cycle, with the highest number. Answers to reads go out in order, as far as the lane
 * has room; no acknowledgement overtakes one, since it would say that the read was answered.
 *
 * <p>To be told to send again costs some peers their connection: Linux's rxe, up to 6.12 at least, then executes once more what its send queue has of
 * registrations behind the packet that is missing, finds the memory registered already, and its queue pair has failed; that of 6.1 also drops all
 * acknowledgements from then on and says nothing to anybody ({@code rxe_requester}, {@code check_type_state}). So what comes early is kept for a moment,
 * the last acknowledgement is repeated, and who was told and does not send is given up.
 *
 * <p>Nothing that a packet says is used before it is checked: key, range and rights at each packet of a message.
 *
 * <p>Owner: the lane.
 */
final class Responder {
    /** RNR NAK timer code 12: 0.64 ms. */
    private static final int RNR_CODE = 12;

    /** Longer reads than anybody asks for, and few enough packets for their numbers. */
    private static final long MAX_READ_BYTES = 1L << 30;

    private static final int NO_ANSWER = -1;

    private static final long NEVER = Long.MAX_VALUE;

    /** How long what came early is kept before the peer is told: a round trip, within these. */
    private static final long MIN_KEEP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long MAX_KEEP_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    /** The last acknowledgement is repeated so long after it when nothing follows, and once more after four times that. */
    private static final long ACK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(25);

    private static final int ACKS_AGAIN = 2;

    /** Farther ahead than any peer has packets on their way, 64 MiB of them: such a one is nobody's, and nobody owes what it says is missing. */
    private static final int MOST_PLAUSIBLE = 1 << 16;

    /** Outcomes of a packet that are no syndrome of a NAK. */
    private static final int TAKEN = 0;

    private static final int NOT_READY = 1;

    private enum Message {
        NONE,
        SEND,
        WRITE
    }

    private final SoftQueuePair pair;
    private final Lane lane;
    private final ReceiveQueue receives;
    private final boolean sharedReceives;

    private int expectedPsn;
    private int msn;
    private int mtu;

    private final Debt debt;

    /** The list of what came early. */
    private int early = EarlyPackets.NONE;

    /** Until then what is missing may come by itself. */
    private long keepUntilNanos = NEVER;

    private long ackAgainNanos = NEVER;
    private int acksAgain;
    private int ackedPsn;

    private Message message = Message.NONE;
    private ReceiveQueue.Receive current;
    private ReceiveQueue.Receive spare;
    /** Bytes of the message that have come. */
    private int position;

    private int writeKey;
    private long writeAddress;
    private long writeLeft;

    private int answer = NO_ANSWER;
    private int answerPsn;

    /** Reads that were taken lately, to be answered again when answers are lost. */
    private Reads remembered = new Reads(1);

    private int maxReads;

    /** Reads to be answered, the first one from its packet {@link #readPacket} on. */
    private Reads waiting = new Reads(1);

    private int readPacket;

    /** A ring of reads. */
    private static final class Reads {
        final int[] psn;
        final int[] packets;
        final long[] address;
        final int[] key;
        final long[] bytes;

        /** Of those to be answered: whether the peer may have had the answer. */
        final boolean[] again;

        int first;
        int count;

        Reads(int size) {
            psn = new int[size];
            packets = new int[size];
            address = new long[size];
            key = new int[size];
            bytes = new long[size];
            again = new boolean[size];
        }

        boolean isFull() {
            return count == psn.length;
        }

        int place(int index) {
            return (first + index) % psn.length;
        }

        void add(int atPsn, int many, long at, int withKey, long howMany, boolean repeated) {
            int place = place(count++);
            psn[place] = atPsn;
            packets[place] = many;
            address[place] = at;
            key[place] = withKey;
            bytes[place] = howMany;
            again[place] = repeated;
        }

        void removeFirst() {
            first = place(1);
            count--;
        }
    }

    Responder(SoftQueuePair pair, Lane lane, ReceiveQueue receives, boolean sharedReceives, int mostSegments) {
        this.pair = pair;
        this.lane = lane;
        this.receives = receives;
        this.sharedReceives = sharedReceives;
        debt = new Debt(lane);
        spare = new ReceiveQueue.Receive(mostSegments);
    }

    void connect(int psn, int pathMtu, int reads) {
        expectedPsn = psn;
        mtu = pathMtu;
        maxReads = reads;
        remembered = new Reads(Math.max(1, reads));
        waiting = new Reads(2 * Math.max(1, reads));
    }

    // Requests.

    /** A packet of the peer's, of so many bytes with its check, at {@code at} of the lane's memory for what comes in. */
    void requested(int psn, long at, int packetBytes) {
        int ahead = Psn.ahead(psn, expectedPsn);
        if (ahead > 0) {
            early(psn, ahead, at, packetBytes);
        } else if (ahead < 0) {
            duplicate(Headers.opcode(lane.in(), at), psn, at);
        } else {
            inOrder(psn, at, packetBytes);
            takeEarly();
        }
    }

    private void inOrder(int psn, long at, int packetBytes) {
        int opcode = Headers.opcode(lane.in(), at);
        boolean ask = Headers.ackRequested(lane.in(), at);
        debt.come();
        // It came late, but in the same cycle as those that overtook it: these the peer has still to be told to send
        // again.
        boolean overtaken = answer == Syndrome.NAK_SEQUENCE;
        // That also said what has come, which now has to be said in another way.
        boolean owing = answer != NO_ANSWER && Syndrome.kind(answer) != Syndrome.KIND_ACK;
        if (owing) {
            answer = NO_ANSWER;
        }
        int outcome = take(opcode, at, Opcode.headerBytes(opcode), Lane.dataBytes(lane.in(), at, packetBytes));
        switch (outcome) {
            case TAKEN -> {
                if (opcode != Opcode.READ_REQUEST) {
                    expectedPsn = Psn.add(expectedPsn, 1);
                }
                debt.paid(expectedPsn);
                if (overtaken && debt.isOwed()) {
                    debt.told();
                    answer(Syndrome.NAK_SEQUENCE, expectedPsn);
                } else if ((ask || owing) && opcode != Opcode.READ_REQUEST) {
                    answer(Syndrome.ACK, psn);
                }
            }
            case NOT_READY -> {
                lane.count(Count.RNR_SENT);
                // All that follows it comes again too.
                forgetEarly();
                debt.deferred(psn);
                answer(Syndrome.rnr(RNR_CODE), psn);
            }
            default -> refuse(outcome, psn);
        }
    }

    // What comes early.

    private void early(int psn, int ahead, long at, int packetBytes) {
        if (!debt.isKnown() && ahead <= EarlyPackets.MOST_AHEAD && !lane.early.isFull()) {
            if (early == EarlyPackets.NONE) {
                keepOn();
            }
            early = lane.early.keep(early, psn, lane.in(), at, packetBytes);
            lane.count(Count.CAME_EARLY);
            return;
        }
        lane.count(Count.DROP_OUT_OF_SEQUENCE);
        if (ahead > MOST_PLAUSIBLE) {
            return;
        }
        debt.dropped(psn);
        if (!debt.isKnown()) {
            forgetEarly();
            debt.told();
            tell();
        }
    }

    private void keepOn() {
        long roundTrip = pair.requester.roundTripNanos();
        keepUntilNanos = lane.nowNanos()
                + (roundTrip == 0 ? MAX_KEEP_NANOS : Math.clamp(roundTrip, MIN_KEEP_NANOS, MAX_KEEP_NANOS));
        lane.wakeAt(keepUntilNanos);
    }

    /** Takes those whose turn it is now. */
    private void takeEarly() {
        if (early == EarlyPackets.NONE) {
            return;
        }
        while (early != EarlyPackets.NONE && Psn.ahead(lane.early.psn(early), expectedPsn) <= 0) {
            int slot = early;
            early = lane.early.next(slot);
            lane.takeEarly();
            // It may be the end of the queue pair, which gives back the others.
            if (lane.early.psn(slot) == expectedPsn) {
                inOrder(lane.early.psn(slot), lane.early.offset(slot), lane.early.bytes(slot));
            }
            lane.early.release(slot);
        }
        if (early == EarlyPackets.NONE) {
            keepUntilNanos = NEVER;
        } else {
            // Another one is missing.
            keepOn();
        }
    }

    /** Drops them. The peer knows, or will be told, that they are to be sent again. */
    private void forgetEarly() {
        while (early != EarlyPackets.NONE) {
            int slot = early;
            early = lane.early.next(slot);
            lane.count(Count.DROP_OUT_OF_SEQUENCE);
            debt.dropped(lane.early.psn(slot));
            lane.early.release(slot);
        }
        keepUntilNanos = NEVER;
    }

    /** Tells the peer what is missing, and what has come. */
    private void tell() {
        lane.count(Count.SEQUENCE_NAK_SENT);
        answer(Syndrome.NAK_SEQUENCE, expectedPsn);
    }

    /** Looks at the clock. Returns when to look again. */
    long tick(long nowNanos) {
        if (isOver(keepUntilNanos, nowNanos)) {
            forgetEarly();
            debt.told();
            tell();
        }
        if (isOver(debt.tellAgainNanos(), nowNanos)) {
            if (debt.isHopeless(nowNanos)) {
                pair.fail(Completions.RETRIES_EXCEEDED, "the peer does not send again what was lost");
                return NEVER;
            }
            debt.toldAgain();
            tell();
        }
        if (isOver(ackAgainNanos, nowNanos)) {
            ackAgainNanos = NEVER;
            if (answer == NO_ANSWER) {
                lane.count(Count.ACKNOWLEDGED_AGAIN);
                answer(Syndrome.ACK, ackedPsn);
            }
        }
        return Math.min(keepUntilNanos, Math.min(debt.tellAgainNanos(), ackAgainNanos));
    }

    private static boolean isOver(long untilNanos, long nowNanos) {
        return untilNanos != NEVER && nowNanos - untilNanos >= 0;
    }

    private int take(int opcode, long at, int headerBytes, int bytes) {
        if (Opcode.isSend(opcode)) {
            return send(opcode, at, headerBytes, bytes);
        }
        if (Opcode.isWrite(opcode)) {
            return write(opcode, at, headerBytes, bytes);
        }
        // What is left are atomic operations, which this device has not.
        return opcode == Opcode.READ_REQUEST ? read(at, bytes) : Syndrome.NAK_INVALID;
    }

    /** The end of the connection: the peer is told why, at once. */
    private void refuse(int syndrome, int psn) {
        lane.count(Count.ERROR_NAK_SENT);
        if (!lane.hasRoom()) {
            lane.flush();
        }
        acknowledge(syndrome, psn);
        // Before the connection manager says that it ends: the peer is to know why.
        lane.flush();
        pair.fail(
                Completions.FLUSHED,
                "the peer's request is refused: "
                        + switch (syndrome) {
                            case Syndrome.NAK_ACCESS -> "remote access error";
                            case Syndrome.NAK_OPERATION -> "remote operation error";
                            default -> "invalid request";
                        });
    }

    private boolean isLength(int opcode, int bytes) {
        if (!Opcode.isLast(opcode)) {
            return bytes == mtu;
        }
        return bytes <= mtu && (bytes > 0 || Opcode.isFirst(opcode));
    }

    private int send(int opcode, long at, int headerBytes, int bytes) {
        boolean first = Opcode.isFirst(opcode);
        if (message != (first ? Message.NONE : Message.SEND) || !isLength(opcode, bytes)) {
            return Syndrome.NAK_INVALID;
        }
        if (first) {
            if (receives.isEmpty()) {
                return NOT_READY;
            }
            begin();
            message = Message.SEND;
        }
        if (current.segments.bad) {
            received(Completions.LOCAL_PROTECTION, Completions.RECEIVE, 0, 0);
            return Syndrome.NAK_OPERATION;
        }
        if (bytes > current.segments.total - position) {
            received(Completions.LOCAL_LENGTH, Completions.RECEIVE, 0, 0);
            return Syndrome.NAK_INVALID;
        }
        if (!current.segments.scatter(position, bytes, lane.in(), at + headerBytes)) {
            received(Completions.LOCAL_PROTECTION, Completions.RECEIVE, 0, 0);
            return Syndrome.NAK_OPERATION;
        }
        position += bytes;
        return Opcode.isLast(opcode) ? sent(opcode, at) : TAKEN;
    }

    private int sent(int opcode, long at) {
        int value = 0;
        int flags = 0;
        if (Opcode.hasImmediate(opcode) || Opcode.hasInvalidate(opcode)) {
            value = Headers.word(lane.in(), at + Headers.BTH_BYTES);
            flags = Opcode.hasImmediate(opcode) ? Completions.WITH_IMMEDIATE : Completions.WITH_INVALIDATE;
        }
        if (Opcode.hasInvalidate(opcode) && !pair.invalidate(value)) {
            received(Completions.REMOTE_INVALID, Completions.RECEIVE, 0, 0);
            return Syndrome.NAK_OPERATION;
        }
        received(Completions.SUCCESS, Completions.RECEIVE, flags, value);
        message = Message.NONE;
        msn++;
        return TAKEN;
    }

    private void begin() {
        current = receives.take(spare);
        spare = null;
        position = 0;
    }

    private void received(int status, int opcode, int flags, int value) {
        pair.receiveQueue.add(current.id, status, opcode, position, flags, value, pair.number());
        spare = current;
        current = null;
    }

    private int write(int opcode, long at, int headerBytes, int bytes) {
        boolean first = Opcode.isFirst(opcode);
        if (message != (first ? Message.NONE : Message.WRITE) || !isLength(opcode, bytes)) {
            return Syndrome.NAK_INVALID;
        }
        if (Opcode.hasImmediate(opcode) && receives.isEmpty()) {
            return NOT_READY;
        }
        long behind = at + Headers.BTH_BYTES;
        if (first) {
            writeAddress = Headers.rethAddress(lane.in(), behind);
            writeKey = Headers.rethKey(lane.in(), behind);
            writeLeft = Headers.rethBytes(lane.in(), behind);
            position = 0;
            behind += Headers.RETH_BYTES;
            if (writeLeft > 0 && !allows(writeKey, writeAddress, writeLeft, Access.REMOTE_WRITE)) {
                return Syndrome.NAK_ACCESS;
            }
            message = Message.WRITE;
        }
        boolean last = Opcode.isLast(opcode);
        if (last ? bytes != writeLeft : bytes >= writeLeft) {
            return Syndrome.NAK_INVALID;
        }
        if (bytes > 0 && !store(at + headerBytes, bytes)) {
            return Syndrome.NAK_ACCESS;
        }
        writeAddress += bytes;
        writeLeft -= bytes;
        position += bytes;
        if (last) {
            message = Message.NONE;
            msn++;
            if (Opcode.hasImmediate(opcode)) {
                int written = position;
                begin();
                position = written;
                int value = Headers.word(lane.in(), behind);
                received(Completions.SUCCESS, Completions.RECEIVE_RDMA_IMMEDIATE, Completions.WITH_IMMEDIATE, value);
            }
        }
        return TAKEN;
    }

    private boolean allows(int key, long address, long bytes, int wanted) {
        var memory = pair.domain.device.keys.find(key);
        return memory != null && memory.allows(pair, address, bytes, wanted);
    }

    /** The key may have gone since the first packet. */
    private boolean store(long from, int bytes) {
        var memory = pair.domain.device.keys.find(writeKey);
        return memory != null
                && memory.allows(pair, writeAddress, bytes, Access.REMOTE_WRITE)
                && KeyedMemory.store(memory.region(), writeAddress, lane.in(), from, bytes);
    }

    private int read(long at, int bytes) {
        long behind = at + Headers.BTH_BYTES;
        long address = Headers.rethAddress(lane.in(), behind);
        int key = Headers.rethKey(lane.in(), behind);
        long many = Headers.rethBytes(lane.in(), behind);
        if (message != Message.NONE || bytes != 0 || many > MAX_READ_BYTES || maxReads == 0 || waiting.isFull()) {
            return Syndrome.NAK_INVALID;
        }
        if (many > 0 && !allows(key, address, many, Access.REMOTE_READ)) {
            return Syndrome.NAK_ACCESS;
        }
        int packets = packets(many);
        if (remembered.isFull()) {
            remembered.removeFirst();
        }
        remembered.add(expectedPsn, packets, address, key, many, false);
        // Its answer acknowledges what came before it.
        answer = NO_ANSWER;
        ackAgainNanos = NEVER;
        answerRead(expectedPsn, packets, address, key, many, false);
        expectedPsn = Psn.add(expectedPsn, packets);
        msn++;
        return TAKEN;
    }

    private int packets(long bytes) {
        return (int) Math.max(1, (bytes + mtu - 1) / mtu);
    }

    private void answerRead(int psn, int packets, long address, int key, long bytes, boolean again) {
        waiting.add(psn, packets, address, key, bytes, again);
        lane.activate(pair);
    }

    // Duplicates.

    private void duplicate(int opcode, int psn, long at) {
        lane.count(Count.DUPLICATE_REQUESTS);
        if (opcode != Opcode.READ_REQUEST) {
            // What says that something is missing says as well what is there.
            if (answer == NO_ANSWER) {
                answer(Syndrome.ACK, Psn.add(expectedPsn, -1));
            }
            return;
        }
        long behind = at + Headers.BTH_BYTES;
        long address = Headers.rethAddress(lane.in(), behind);
        int key = Headers.rethKey(lane.in(), behind);
        long bytes = Headers.rethBytes(lane.in(), behind);
        for (int i = 0; i < remembered.count; i++) {
            int place = remembered.place(i);
            int skipped = Psn.ahead(psn, remembered.psn[place]);
            if (skipped >= 0 && skipped < remembered.packets[place]) {
                long passed = (long) skipped * mtu;
                boolean part = key == remembered.key[place]
                        && address == remembered.address[place] + passed
                        && bytes <= remembered.bytes[place] - passed;
                if (part) {
                    answerAgain(psn, address, key, bytes);
                    return;
                }
            }
        }
        lane.count(Count.DROP_READ_FORGOTTEN);
    }

    private void answerAgain(int psn, long address, int key, long bytes) {
        for (int i = 1; i < waiting.count; i++) {
            if (waiting.psn[waiting.place(i)] == psn) {
                // Asked again before it was answered at all.
                lane.count(Count.DROP_READS_WAITING);
                return;
            }
        }
        if (waiting.isFull()) {
            lane.count(Count.DROP_READS_WAITING);
            return;
        }
        answerRead(psn, packets(bytes), address, key, bytes, true);
    }

    // Answers.

    private void answer(int syndrome, int psn) {
        answer = syndrome;
        answerPsn = psn;
        lane.answerLater(pair);
    }

    /** Sends what was gathered, unless answers to reads have to go first. Returns false when there is no room for it now. */
    boolean sendAnswer() {
        if (answer == NO_ANSWER || waiting.count > 0) {
            return true;
        }
        if (answer == Syndrome.NAK_SEQUENCE && lane.hasRoom()) {
            // The NAK says so too, but to rxe only an acknowledgement is one: after it, it sends again at once.
            acknowledge(Syndrome.ACK, Psn.add(answerPsn, -1));
        }
        if (!lane.hasRoom()) {
            return false;
        }
        acknowledge(answer, answerPsn);
        if (answer == Syndrome.ACK) {
            acknowledgeAgain();
        }
        answer = NO_ANSWER;
        return true;
    }

    /** It may be lost, and the peer's timer may be seconds. */
    private void acknowledgeAgain() {
        if (acksAgain == 0 || answerPsn != ackedPsn) {
            ackedPsn = answerPsn;
            acksAgain = ACKS_AGAIN;
            ackAgainNanos = lane.nowNanos() + ACK_AGAIN_NANOS;
        } else if (--acksAgain > 0) {
            ackAgainNanos = lane.nowNanos() + 4 * ACK_AGAIN_NANOS;
        } else {
            return;
        }
        lane.wakeAt(ackAgainNanos);
    }

    private void acknowledge(int syndrome, int psn) {
        if (!lane.hasRoom()) {
            return;
        }
        long at = lane.begin();
        Headers.bth(lane.out(), at, Opcode.ACKNOWLEDGE, false, 0, pair.peerNumber(), false, psn);
        Headers.aeth(lane.out(), at + Headers.BTH_BYTES, syndrome, msn);
        lane.end(pair, Headers.BTH_BYTES + Headers.AETH_BYTES, 0);
    }

    /**
     * Answers reads, up to so many packets.
     *
     * @return whether there is more that could be sent at once
     */
    boolean transmit(int budget) {
        for (int sent = 0; waiting.count > 0; sent++) {
            if (sent == budget || !lane.hasRoom()) {
                return true;
            }
            int place = waiting.first;
            boolean answered = sendAnswer(place);
            if (!answered && !waiting.again[place]) {
                refuse(Syndrome.NAK_ACCESS, Psn.add(waiting.psn[place], readPacket));
                return false;
            }
            if (!answered) {
                // It had the answer, and has taken the key back since: nobody waits for this one.
                lane.count(Count.DROP_READ_FORGOTTEN);
                readPacket = 0;
                waiting.removeFirst();
            } else if (++readPacket == waiting.packets[place]) {
                readPacket = 0;
                waiting.removeFirst();
            }
        }
        if (answer != NO_ANSWER) {
            lane.answerLater(pair);
        }
        return false;
    }

    private boolean sendAnswer(int place) {
        long passed = (long) readPacket * mtu;
        int bytes = (int) Math.min(mtu, waiting.bytes[place] - passed);
        boolean first = readPacket == 0;
        boolean last = readPacket == waiting.packets[place] - 1;
        int opcode;
        if (last) {
            opcode = first ? Opcode.READ_RESPONSE_ONLY : Opcode.READ_RESPONSE_LAST;
        } else {
            opcode = first ? Opcode.READ_RESPONSE_FIRST : Opcode.READ_RESPONSE_MIDDLE;
        }
        long at = lane.begin();
        int psn = Psn.add(waiting.psn[place], readPacket);
        Headers.bth(lane.out(), at, opcode, false, -bytes & 3, pair.peerNumber(), false, psn);
        long behind = at + Headers.BTH_BYTES;
        if (first || last) {
            Headers.aeth(lane.out(), behind, Syndrome.ACK, msn);
            behind += Headers.AETH_BYTES;
        }
        if (bytes > 0 && !load(waiting.key[place], waiting.address[place] + passed, bytes, behind)) {
            return false;
        }
        lane.end(pair, (int) (behind - at), bytes);
        return true;
    }

    private boolean load(int key, long address, int bytes, long to) {
        var memory = pair.domain.device.keys.find(key);
        return memory != null
                && memory.allows(pair, address, bytes, Access.REMOTE_READ)
                && KeyedMemory.load(memory.region(), address, lane.out(), to, bytes);
    }

    /** Ends everything: receives of its own are flushed. */
    void flush() {
        answer = NO_ANSWER;
        forgetEarly();
        ackAgainNanos = NEVER;
        debt.forget();
        waiting.count = 0;
        readPacket = 0;
        if (current != null) {
            received(Completions.FLUSHED, Completions.RECEIVE, 0, 0);
        }
        while (!sharedReceives && !receives.isEmpty()) {
            begin();
            received(Completions.FLUSHED, Completions.RECEIVE, 0, 0);
        }
    }
}
