package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import io.doorbell.platform.UdpSocket;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.provider.OwnerThread;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A socket, the queue pairs whose packets the kernel steers to it, and the duty cycle that both take: everything that one reactor has of a device.
 *
 * <p>A cycle: a batch of packets comes in and each is checked and taken; what is to be acknowledged is; each queue pair that has something to send
 * puts a part of it into the batch that goes out, in turn. When the socket has no room the batch waits, and nothing new is made.
 *
 * <p>Owner: the thread of {@link #reactor}; what others may call says so.
 */
final class Lane implements Poller {
    private static final Logger LOG = LoggerFactory.getLogger(Lane.class);

    /** Queue pairs of a lane: a number has 10 bits for the place, behind 4 for the lane. */
    static final int MAX_PAIRS = 1024;

    static final int LANE_BITS = 4;

    private static final int BATCH = 64;

    /** The longest packet, and as long as a few lines of the cache. */
    private static final int SLOT_BYTES = 4096 + 64;

    /** Packets of one queue pair before the next one has its turn. */
    private static final int TURN_PACKETS = 16;

    /** Full batches in a row before timers are looked at anyway: as many packets as a socket's buffer has room for. */
    static final int FULL_BATCHES = 64;

    /** After so many packets in a row with identification 0 a peer is known to send no other. */
    private static final int EXACT_PACKETS = 32;

    /** Of packets that are taken before a queue pair ends, as many as a window and an answer to reads may be. */
    private static final int SETTLE_BATCHES = 16;

    private static final long NEVER_NANOS = Long.MAX_VALUE / 2;

    private static final ValueLayout.OfInt ICRC = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    final Counters counters = new Counters();
    private final SoftDevice device;
    private final int index;
    private final Wire wire;
    private final DatagramBatch inBatch;
    private final DatagramBatch outBatch;
    private final MemorySegment in;
    private final MemorySegment out;
    private final ByteBuffer inBytes;
    private final ByteBuffer outBytes;
    private final Icrc icrc;
    final EarlyPackets early = new EarlyPackets(SLOT_BYTES);

    /** Where the packet lies that is taken now. */
    private MemorySegment taken;

    /** When this cycle began. */
    private long nowNanos;

    /** Built, of which some have left. */
    private int built;

    private int left;

    private final SoftQueuePair[] pairs = new SoftQueuePair[MAX_PAIRS];
    private SoftQueuePair firstActive;
    private SoftQueuePair lastActive;
    private SoftQueuePair firstAnswering;
    private long wakeNanos;
    private boolean timed;

    /** Full batches in a row that came in: more waits, and may be what a timer waits for. */
    private int fullBatches;

    /** Packets of answers to reads that may be on their way here at once: what the socket has room for. */
    private final int readCredits;

    private int readCreditsUsed;
    private int starved;

    private Thread thread;
    private volatile Reactor reactor;
    private volatile boolean closed;

    /** @param readCredits packets that the receive buffer of the wire has room for */
    Lane(SoftDevice device, int index, Wire wire, int readCredits) {
        this.device = device;
        this.index = index;
        this.wire = wire;
        this.readCredits = Math.max(2 * Requester.READ_PACKETS, readCredits);
        inBatch = new DatagramBatch(device.six(), BATCH, SLOT_BYTES);
        outBatch = new DatagramBatch(device.six(), BATCH, SLOT_BYTES);
        in = inBatch.memory();
        taken = in;
        out = outBatch.memory();
        inBytes = in.asByteBuffer();
        outBytes = out.asByteBuffer();
        icrc = new Icrc(device.six());
    }

    int index() {
        return index;
    }

    /** Any thread. Null while it is nobody's. */
    Reactor reactor() {
        return reactor;
    }

    // Life. Under the lock of the device.

    void attach(Reactor owner) {
        reactor = owner;
        thread = owner.thread();
        try {
            owner.add(this);
        } catch (RuntimeException late) {
            // In case that it has begun.
            runLater(() -> owner.remove(this));
            reactor = null;
            thread = null;
            throw late;
        }
    }

    void detach() {
        reactor.remove(this);
        reactor = null;
        thread = null;
    }

    /** Idempotent; when the reactor does not come round, it is to be tried again. */
    void close() {
        if (closed) {
            return;
        }
        if (reactor != null) {
            detach();
        }
        closed = true;
        wire.close();
        inBatch.close();
        outBatch.close();
        early.close();
    }

    void requireOwner() {
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("queues of " + reactor + " are used by " + Thread.currentThread());
        }
    }

    /** Runs it on the owner's thread and waits; here when nobody owns this any more. Any thread. */
    void run(Runnable task) {
        var owner = reactor;
        if (owner == null) {
            task.run();
        } else {
            OwnerThread.run(owner, task);
        }
    }

    /** As {@link #run}, without waiting. */
    void runLater(Runnable task) {
        var owner = reactor;
        if (owner == null) {
            task.run();
        } else {
            OwnerThread.runLater(owner, task);
        }
    }

    /** Its packets are taken from now on. */
    void add(SoftQueuePair pair) {
        pairs[pair.number() >>> LANE_BITS & MAX_PAIRS - 1] = pair;
    }

    void remove(SoftQueuePair pair) {
        pairs[pair.number() >>> LANE_BITS & MAX_PAIRS - 1] = null;
        if (pair.isStarved) {
            pair.isStarved = false;
            starved--;
        }
        device.freeNumber(pair.number());
    }

    // The cycle.

    @Override
    public int poll(long nowNanos) {
        this.nowNanos = nowNanos;
        int work = receive(nowNanos);
        if (firstAnswering != null) {
            answer();
        }
        fullBatches = work < BATCH ? 0 : fullBatches + 1;
        if (timed && nowNanos - wakeNanos >= 0 && fullBatches % FULL_BATCHES == 0) {
            tick(nowNanos);
        }
        if (firstActive != null) {
            transmit(nowNanos);
        }
        if (left < built) {
            work += flush();
        }
        return work;
    }

    private int receive(long nowNanos) {
        int count = wire.receive(inBatch);
        if (count <= 0) {
            return 0;
        }
        counters.add(Count.RECEIVED_PACKETS, count);
        for (int slot = 0; slot < count; slot++) {
            packet(slot, nowNanos);
        }
        return count;
    }

    private void packet(int slot, long nowNanos) {
        int bytes = inBatch.bytes(slot);
        long at = inBatch.offset(slot);
        var drop = headerProblem(slot, at, bytes);
        if (drop != null) {
            counters.add(drop);
            return;
        }
        var pair = pairs[Headers.destination(in, at) >>> LANE_BITS & MAX_PAIRS - 1];
        drop = pairProblem(pair, slot, at, bytes);
        if (drop != null) {
            counters.add(drop);
            return;
        }
        if (!pair.heard) {
            pair.heard = true;
            device.connections().heard(pair);
        }
        try {
            taken = in;
            take(pair, at, bytes, nowNanos);
        } catch (RuntimeException defect) {
            // A defect of ours is the end of the connection that met it, and of no other.
            LOG.error("{} fails by a defect", pair, defect);
            pair.fail(Completions.LOCAL_OPERATION, "a defect of the device");
        }
    }

    private Count headerProblem(int slot, long at, int bytes) {
        if (inBatch.isTruncated(slot)) {
            return Count.DROP_TOO_LONG;
        }
        if (bytes < Headers.BTH_BYTES + Headers.ICRC_BYTES) {
            return Count.DROP_TOO_SHORT;
        }
        int opcode = Headers.opcode(in, at);
        if (!Opcode.isKnown(opcode) && opcode != Opcode.CONGESTION) {
            return Count.DROP_UNKNOWN_OPCODE;
        }
        if (Headers.version(in, at) != 0) {
            return Count.DROP_VERSION;
        }
        if (!Headers.isOurPartition(in, at)) {
            return Count.DROP_PARTITION;
        }
        int least = Opcode.headerBytes(opcode) + Headers.pad(in, at) + Headers.ICRC_BYTES;
        return bytes < least || bytes % Integer.BYTES != 0 ? Count.DROP_TOO_SHORT : null;
    }

    private Count pairProblem(SoftQueuePair pair, int slot, long at, int bytes) {
        if (pair == null || pair.number() != Headers.destination(in, at)) {
            return Count.DROP_NO_QUEUE_PAIR;
        }
        if (!pair.isConnected()) {
            return Count.DROP_NOT_CONNECTED;
        }
        if (!pair.isPeer(inBatch.addressHigh(slot), inBatch.addressLow(slot))) {
            return Count.DROP_WRONG_PEER;
        }
        int covered = bytes - Headers.ICRC_BYTES;
        int computed = icrc.compute(
                in,
                inBytes,
                (int) at,
                covered,
                pair.peerHigh(),
                pair.peerLow(),
                inBatch.port(slot),
                device.addressHigh(),
                device.addressLow(),
                device.udpPort());
        int received = in.get(ICRC, at + covered);
        if (computed == received) {
            pair.exactPackets = Math.min(EXACT_PACKETS, pair.exactPackets + 1);
            return null;
        }
        // Who has sent identification 0 every time sends no other: then all 32 bits of the check count.
        if (pair.exactPackets == EXACT_PACKETS || !icrc.agrees(computed, received, covered)) {
            return Count.DROP_ICRC;
        }
        pair.exactPackets = 0;
        return null;
    }

    private void take(SoftQueuePair pair, long at, int bytes, long nowNanos) {
        int opcode = Headers.opcode(in, at);
        int psn = Headers.psn(in, at);
        int headerBytes = Opcode.headerBytes(opcode);
        int data = dataBytes(in, at, bytes);
        switch (opcode) {
            case Opcode.CONGESTION -> {
                counters.add(Count.CONGESTION_NOTIFICATIONS);
                pair.requester.shrink();
            }
            case Opcode.ACKNOWLEDGE ->
                pair.requester.acknowledged(psn, Headers.syndrome(in, at + Headers.BTH_BYTES), nowNanos);
            case Opcode.READ_RESPONSE_FIRST, Opcode.READ_RESPONSE_LAST, Opcode.READ_RESPONSE_ONLY ->
                pair.requester.readAnswered(
                        psn, Headers.syndrome(in, at + Headers.BTH_BYTES), at + headerBytes, data, nowNanos);
            case Opcode.READ_RESPONSE_MIDDLE ->
                pair.requester.readAnswered(psn, Syndrome.ACK, at + headerBytes, data, nowNanos);
            case Opcode.ATOMIC_ACKNOWLEDGE -> counters.add(Count.DROP_RESPONSE_UNASKED);
            default -> pair.responder.requested(psn, at, bytes);
        }
    }

    /** Of a packet of so many bytes with its check: without headers, padding and check. */
    static int dataBytes(MemorySegment packets, long at, int bytes) {
        return bytes - Opcode.headerBytes(Headers.opcode(packets, at)) - Headers.pad(packets, at) - Headers.ICRC_BYTES;
    }

    private void answer() {
        while (firstAnswering != null) {
            var pair = firstAnswering;
            if (!pair.responder.sendAnswer()) {
                flush();
                if (!pair.responder.sendAnswer()) {
                    return;
                }
            }
            firstAnswering = pair.nextAnswering;
            pair.nextAnswering = null;
            pair.isAnswering = false;
        }
    }

    private void transmit(long nowNanos) {
        // As many turns as there are queue pairs now: one that has its turn again is behind the last of these.
        var last = lastActive;
        boolean more = true;
        while (more && firstActive != null) {
            if (!hasRoom() && (flush() == 0 || !hasRoom())) {
                return;
            }
            var pair = firstActive;
            more = pair != last;
            firstActive = pair.nextActive;
            if (firstActive == null) {
                lastActive = null;
            }
            pair.nextActive = null;
            pair.isActive = false;
            if (pair.isConnected()) {
                boolean answers = pair.responder.transmit(TURN_PACKETS);
                boolean asks = pair.isConnected() && pair.requester.transmit(TURN_PACKETS, nowNanos);
                if (answers || asks) {
                    activate(pair);
                }
            }
        }
        if (firstAnswering != null) {
            answer();
        }
    }

    /** Takes what has come so far, before something ends. */
    void settle() {
        if (closed) {
            return;
        }
        nowNanos = System.nanoTime();
        for (int i = 0; i < SETTLE_BATCHES && receive(nowNanos) > 0; i++) {
            // Until nothing is there.
        }
        answer();
        flush();
    }

    /** Sends what is built. Returns how many packets have left. */
    int flush() {
        int before = left;
        while (left < built) {
            int sent = wire.send(outBatch, left, built - left);
            if (sent == UdpSocket.AGAIN) {
                break;
            }
            if (sent == UdpSocket.REFUSED) {
                // As if it were lost on the way.
                counters.add(Count.SEND_REFUSED);
                sent = 1;
            } else {
                counters.add(Count.SENT_PACKETS, sent);
            }
            left += sent;
        }
        int sent = left - before;
        if (left == built) {
            left = 0;
            built = 0;
        }
        return sent;
    }

    private void tick(long nowNanos) {
        timed = false;
        for (var pair : pairs) {
            if (pair != null && pair.isConnected()) {
                long next = pair.requester.tick(nowNanos);
                if (pair.isConnected()) {
                    next = Math.min(next, pair.responder.tick(nowNanos));
                }
                if (next != Long.MAX_VALUE) {
                    wakeAt(next);
                }
            }
        }
    }

    // What queue pairs say.

    void count(Count what) {
        counters.add(what);
    }

    void count(Count what, int many) {
        counters.add(what, many);
    }

    /** Memory of the packet that is taken now. */
    MemorySegment in() {
        return taken;
    }

    /** What is taken now is one that came early. */
    void takeEarly() {
        taken = early.memory();
    }

    /** When this cycle began. */
    long nowNanos() {
        return nowNanos;
    }

    /** Memory of packets that go out. */
    MemorySegment out() {
        return out;
    }

    boolean hasRoom() {
        return built < BATCH;
    }

    /** Where the next packet that goes out is built; there must be room. */
    long begin() {
        return outBatch.offset(built);
    }

    /** The packet is built: so many bytes of headers, and of data behind them. */
    void end(SoftQueuePair pair, int headerBytes, int bytes) {
        long at = outBatch.offset(built);
        int pad = -bytes & 3;
        for (int i = 0; i < pad; i++) {
            out.set(ValueLayout.JAVA_BYTE, at + headerBytes + bytes + i, (byte) 0);
        }
        int covered = headerBytes + bytes + pad;
        int computed = icrc.compute(
                out,
                outBytes,
                (int) at,
                covered,
                device.addressHigh(),
                device.addressLow(),
                device.udpPort(),
                pair.peerHigh(),
                pair.peerLow(),
                device.udpPort());
        out.set(ICRC, at + covered, computed);
        outBatch.address(built, covered + Headers.ICRC_BYTES, pair.peerHigh(), pair.peerLow(), device.udpPort());
        built++;
    }

    /** It has something to send. */
    void activate(SoftQueuePair pair) {
        if (pair.isActive) {
            return;
        }
        pair.isActive = true;
        pair.nextActive = null;
        if (lastActive == null) {
            firstActive = pair;
        } else {
            lastActive.nextActive = pair;
        }
        lastActive = pair;
    }

    /** It has something to acknowledge. */
    void answerLater(SoftQueuePair pair) {
        if (!pair.isAnswering) {
            pair.isAnswering = true;
            pair.nextAnswering = firstAnswering;
            firstAnswering = pair;
        }
    }

    /** Look at its clock then, at the latest. */
    void wakeAt(long nanos) {
        if (!timed || nanos - wakeNanos < 0) {
            timed = true;
            wakeNanos = nanos;
        }
    }

    /** Whether so many packets may be asked for; if not, the queue pair is active again when others have come. */
    boolean takeReadCredit(SoftQueuePair pair, int packets) {
        if (readCreditsUsed + packets > readCredits) {
            if (!pair.isStarved) {
                pair.isStarved = true;
                starved++;
            }
            return false;
        }
        readCreditsUsed += packets;
        return true;
    }

    void releaseReadCredit(int packets) {
        readCreditsUsed -= packets;
        if (starved == 0) {
            return;
        }
        starved = 0;
        for (var pair : pairs) {
            if (pair != null && pair.isStarved) {
                pair.isStarved = false;
                activate(pair);
            }
        }
    }

    // Sleep.

    @Override
    public boolean readyToPark() {
        return firstActive == null && firstAnswering == null && left == built;
    }

    @Override
    public long parkLimitNanos(long nowNanos) {
        return timed ? Math.max(0, wakeNanos - nowNanos) : NEVER_NANOS;
    }

    @Override
    public int descriptor() {
        return wire.descriptor();
    }

    @Override
    public String toString() {
        return "lane " + index + " of " + device.name();
    }
}
