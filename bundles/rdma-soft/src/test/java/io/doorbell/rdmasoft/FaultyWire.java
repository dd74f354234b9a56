package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import io.doorbell.platform.UdpSocket;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A wire that loses, repeats, reorders and damages what comes in. */
final class FaultyWire implements Wire {
    /** Of a thousand packets each. */
    record Faults(int lost, int repeated, int late, int damaged) {
        static final Faults NONE = new Faults(0, 0, 0, 0);
        static final Faults MILD = new Faults(10, 10, 20, 5);
        static final Faults HARSH = new Faults(50, 30, 80, 20);
    }

    private record Packet(byte[] bytes, long high, long low, int port) {}

    /** Calls of {@link #receive} that a late packet is late by. */
    private static final int MOST_LATE = 8;

    private static final int MAX_WAITING = 4096;

    private final Wire inner;
    private final Faults faults;
    private final Random random;
    private final DatagramBatch scratch;
    private final ArrayDeque<Packet> ready = new ArrayDeque<>();
    private final List<Packet> late = new ArrayList<>();
    private final List<Integer> lateBy = new ArrayList<>();

    FaultyWire(Wire inner, Faults faults, Random random, boolean six) {
        this.inner = inner;
        this.faults = faults;
        this.random = random;
        scratch = new DatagramBatch(six, 64, 8192);
    }

    private boolean happens(int inThousand) {
        return random.nextInt(1000) < inThousand;
    }

    @Override
    public int receive(DatagramBatch into) {
        for (int i = late.size() - 1; i >= 0; i--) {
            lateBy.set(i, lateBy.get(i) - 1);
            if (lateBy.get(i) <= 0) {
                ready.add(late.remove(i));
                lateBy.remove(i);
            }
        }
        int count = ready.size() < MAX_WAITING ? inner.receive(scratch) : 0;
        for (int slot = 0; slot < count; slot++) {
            spoil(new Packet(
                    scratch.memory()
                            .asSlice(scratch.offset(slot), scratch.bytes(slot))
                            .toArray(ValueLayout.JAVA_BYTE),
                    scratch.addressHigh(slot),
                    scratch.addressLow(slot),
                    scratch.port(slot)));
        }
        int taken = 0;
        while (taken < into.slots() && !ready.isEmpty()) {
            var packet = ready.remove();
            MemorySegment.copy(
                    packet.bytes, 0, into.memory(), ValueLayout.JAVA_BYTE, into.offset(taken), packet.bytes.length);
            into.address(taken++, packet.bytes.length, packet.high, packet.low, packet.port);
        }
        return taken == 0 ? UdpSocket.AGAIN : taken;
    }

    private void spoil(Packet packet) {
        if (happens(faults.lost)) {
            return;
        }
        if (happens(faults.damaged)) {
            packet.bytes[random.nextInt(packet.bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        if (happens(faults.late)) {
            late.add(packet);
            lateBy.add(1 + random.nextInt(MOST_LATE));
            return;
        }
        ready.add(packet);
        if (happens(faults.repeated)) {
            ready.add(packet);
        }
    }

    @Override
    public int send(DatagramBatch from, int first, int count) {
        return inner.send(from, first, count);
    }

    @Override
    public int descriptor() {
        return inner.descriptor();
    }

    @Override
    public void close() {
        inner.close();
        scratch.close();
    }
}
