package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.UdpSocket;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A wire with a test in the place of the network: no system call, so a packet takes a microsecond. The test builds packets, each with the right ICRC
 * unless told otherwise, and sees those that go out. Any thread; a packet is built and ended, or several are, under the lock of this.
 */
final class HandWire implements Wire {
    static final ValueLayout.OfInt ICRC = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final int SLOTS = 64;
    private static final int SLOT_BYTES = 4096 + 128;

    /** Sees what goes out: transport headers, data and ICRC. */
    interface Sink {
        void sent(MemorySegment memory, long at, int bytes);
    }

    private final Wire replaced;
    private final DatagramBatch in = new DatagramBatch(false, SLOTS, SLOT_BYTES);
    private final EventFd sign = EventFd.create();
    private final Icrc icrc = new Icrc(false);
    private final ManagementPort.Source peer;
    private ManagementPort.Source device;
    private int built;
    private int taken;

    Sink sink = (memory, at, bytes) -> {};

    /** So many calls of {@link #send} find no room. */
    int full;

    HandWire(Wire replaced, ManagementPort.Source peer) {
        this.replaced = replaced;
        this.peer = peer;
    }

    void device(SoftDevice of) {
        device = SoftDevice.source(of.address());
    }

    ManagementPort.Source peer() {
        return peer;
    }

    /** Packets that wait to be received. */
    synchronized int waiting() {
        return built - taken;
    }

    synchronized boolean hasRoom() {
        return built < SLOTS;
    }

    /** Memory for the transport headers and data of the next packet; there must be room. */
    MemorySegment packet() {
        return in.memory().asSlice(in.offset(built), SLOT_BYTES);
    }

    /** The next packet is built, so many bytes of it; its ICRC is xored with {@code wrong}. */
    void end(int bytes, int wrong) {
        end(bytes, wrong, peer);
    }

    /** The same, from somebody else. */
    synchronized void end(int bytes, int wrong, ManagementPort.Source from) {
        int at = (int) in.offset(built);
        int check = bytes < Headers.BTH_BYTES ? 0 : check(in, at, bytes, from, device);
        in.memory().set(ICRC, at + bytes, check ^ wrong);
        in.address(built++, bytes + Headers.ICRC_BYTES, from.addressHigh(), from.addressLow(), Headers.UDP_PORT);
    }

    private int check(DatagramBatch batch, int at, int bytes, ManagementPort.Source from, ManagementPort.Source to) {
        return icrc.compute(
                batch.memory(),
                batch.memory().asByteBuffer(),
                at,
                bytes,
                from.addressHigh(),
                from.addressLow(),
                Headers.UDP_PORT,
                to.addressHigh(),
                to.addressLow(),
                Headers.UDP_PORT);
    }

    /** Wakes who sleeps on {@link #descriptor}. */
    void signal() {
        sign.signal();
    }

    @Override
    public synchronized int receive(DatagramBatch into) {
        int count = Math.min(built - taken, into.slots());
        for (int i = 0; i < count; i++, taken++) {
            int bytes = Math.min(in.bytes(taken), into.slotBytes());
            MemorySegment.copy(in.memory(), in.offset(taken), into.memory(), into.offset(i), bytes);
            into.address(i, bytes, in.addressHigh(taken), in.addressLow(taken), in.port(taken));
        }
        if (taken == built) {
            taken = 0;
            built = 0;
            sign.drain();
        }
        return count == 0 ? UdpSocket.AGAIN : count;
    }

    @Override
    public synchronized int send(DatagramBatch from, int first, int count) {
        if (full > 0) {
            full--;
            return UdpSocket.AGAIN;
        }
        for (int slot = first; slot < first + count; slot++) {
            int bytes = from.bytes(slot);
            int at = (int) from.offset(slot);
            int covered = bytes - Headers.ICRC_BYTES;
            var to = new ManagementPort.Source(0, from.addressLow(slot));
            if (from.memory().get(ICRC, at + covered) != check(from, at, covered, device, to)) {
                throw new AssertionError("a packet with a wrong check goes out");
            }
            sink.sent(from.memory(), at, bytes);
        }
        return count;
    }

    @Override
    public int descriptor() {
        return sign.fd();
    }

    @Override
    public void close() {
        replaced.close();
        in.close();
        sign.close();
    }
}
