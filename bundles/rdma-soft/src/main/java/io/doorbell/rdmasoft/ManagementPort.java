package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Queue pair 1 of a device: management datagrams in and out. IBTA vol. 1 release 1.4 §13.5.1 "MAD Interfaces". Guarded by the connection manager.
 */
final class ManagementPort implements AutoCloseable {
    static final int NUMBER = 1;
    private static final int QUEUE_KEY = 0x8001_0000;
    private static final int BATCH = 16;
    private static final int PACKET_BYTES =
            Headers.BTH_BYTES + Headers.DETH_BYTES + CmMessage.BYTES + Headers.ICRC_BYTES;

    /** More than a packet, so that what is too long is seen. */
    private static final int SLOT_BYTES = 512;

    private static final ValueLayout.OfInt ICRC = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Where a message came from. */
    record Source(long addressHigh, long addressLow) {}

    interface Receiver {
        void received(CmMessage message, Source source);
    }

    private final SoftDevice device;
    private final Wire wire;
    private final Counters counters;
    private final DatagramBatch in;
    private final DatagramBatch out;
    private final Icrc icrc;
    private int psn;

    ManagementPort(SoftDevice device, Wire wire, Counters counters) {
        this.device = device;
        this.wire = wire;
        this.counters = counters;
        in = new DatagramBatch(device.six(), BATCH, SLOT_BYTES);
        out = new DatagramBatch(device.six(), 1, SLOT_BYTES);
        icrc = new Icrc(device.six());
    }

    int descriptor() {
        return wire.descriptor();
    }

    /** Takes a batch of what is there. Returns how many packets there were. */
    int receive(Receiver receiver) {
        int count = wire.receive(in);
        for (int slot = 0; slot < count; slot++) {
            counters.add(Count.RECEIVED_PACKETS);
            var drop = problem(slot);
            if (drop != null) {
                counters.add(drop);
                continue;
            }
            var mad = new byte[CmMessage.BYTES];
            long at = in.offset(slot) + Headers.BTH_BYTES + Headers.DETH_BYTES;
            MemorySegment.copy(in.memory(), ValueLayout.JAVA_BYTE, at, mad, 0, mad.length);
            var message = CmMessage.parse(mad);
            if (message == null) {
                counters.add(Count.DROP_MAD_CLASS);
            } else {
                receiver.received(message, new Source(in.addressHigh(slot), in.addressLow(slot)));
            }
        }
        return Math.max(0, count);
    }

    private Count problem(int slot) {
        var memory = in.memory();
        long at = in.offset(slot);
        int bytes = in.bytes(slot);
        if (in.isTruncated(slot)) {
            return Count.DROP_TOO_LONG;
        }
        if (bytes < Headers.BTH_BYTES + Headers.ICRC_BYTES) {
            return Count.DROP_TOO_SHORT;
        }
        if (Headers.version(memory, at) != 0) {
            return Count.DROP_VERSION;
        }
        if (!Headers.isOurPartition(memory, at)) {
            return Count.DROP_PARTITION;
        }
        if (Headers.destination(memory, at) != NUMBER) {
            return Count.DROP_NO_QUEUE_PAIR;
        }
        if (Headers.opcode(memory, at) != Opcode.UD_SEND_ONLY
                || bytes != PACKET_BYTES
                || Headers.pad(memory, at) != 0) {
            return Count.DROP_NOT_A_MAD;
        }
        if (Headers.word(memory, at + Headers.BTH_BYTES) != QUEUE_KEY) {
            return Count.DROP_QUEUE_KEY;
        }
        int covered = bytes - Headers.ICRC_BYTES;
        int computed = icrc.compute(
                memory,
                memory.asByteBuffer(),
                (int) at,
                covered,
                in.addressHigh(slot),
                in.addressLow(slot),
                in.port(slot),
                device.addressHigh(),
                device.addressLow(),
                device.udpPort());
        return icrc.agrees(computed, memory.get(ICRC, at + covered), covered) ? null : Count.DROP_ICRC;
    }

    /** Sends a message; when there is no room now it is as if it were lost on the way. */
    void send(CmMessage message, Source to) {
        var memory = out.memory();
        psn = Psn.add(psn, 1);
        Headers.bth(memory, 0, Opcode.UD_SEND_ONLY, false, 0, NUMBER, false, psn);
        Headers.word(memory, Headers.BTH_BYTES, QUEUE_KEY);
        Headers.word(memory, Headers.BTH_BYTES + 4, NUMBER);
        int headers = Headers.BTH_BYTES + Headers.DETH_BYTES;
        MemorySegment.copy(message.mad, 0, memory, ValueLayout.JAVA_BYTE, headers, CmMessage.BYTES);
        int covered = headers + CmMessage.BYTES;
        int computed = icrc.compute(
                memory,
                memory.asByteBuffer(),
                0,
                covered,
                device.addressHigh(),
                device.addressLow(),
                device.udpPort(),
                to.addressHigh,
                to.addressLow,
                device.udpPort());
        memory.set(ICRC, covered, computed);
        out.address(0, PACKET_BYTES, to.addressHigh, to.addressLow, device.udpPort());
        counters.add(wire.send(out, 0, 1) == 1 ? Count.SENT_PACKETS : Count.SEND_REFUSED);
    }

    @Override
    public void close() {
        wire.close();
        in.close();
        out.close();
    }
}
