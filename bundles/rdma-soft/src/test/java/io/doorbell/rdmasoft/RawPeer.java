package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import io.doorbell.platform.UdpSocket;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A peer that sends what it likes, packet by packet, each with the right ICRC unless told otherwise. */
final class RawPeer implements AutoCloseable {
    private static final ValueLayout.OfInt ICRC = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final long GUID = 0x0202_0202_0304_0506L;
    private static final long BOUND_NANOS = 60_000_000_000L;
    private static final int SLOTS = 64;
    private static final int RECEIVE_BUFFER_BYTES = 1 << 20;

    final InetAddress address = Loopback.address();
    private final UdpSocket socket = UdpSocket.bind(new InetSocketAddress(address, Headers.UDP_PORT), false);
    private final DatagramBatch out = new DatagramBatch(false, SLOTS, 8192);
    private final DatagramBatch in = new DatagramBatch(false, 1, 8192);
    private final Icrc icrc = new Icrc(false);
    private final ManagementPort.Source self = SoftDevice.source(address);
    private final ManagementPort.Source other;
    private final SoftDevice device;
    private int built;

    RawPeer(SoftDevice device) {
        this.device = device;
        other = SoftDevice.source(device.address());
        socket.neverFragment();
        // As much as may come at once: the answers to all requests that are undecided, which are not sent again.
        socket.receiveBufferBytes(RECEIVE_BUFFER_BYTES);
    }

    /** Memory for the transport headers and data of the next packet. */
    MemorySegment packet() {
        return out.memory().asSlice(out.offset(built), out.slotBytes());
    }

    /** The next packet is built, so many bytes of it; its ICRC is xored with {@code wrong}. */
    void end(int bytes, int wrong) {
        int at = (int) out.offset(built);
        int computed = bytes < Headers.BTH_BYTES
                ? 0
                : icrc.compute(
                        out.memory(),
                        out.memory().asByteBuffer(),
                        at,
                        bytes,
                        self.addressHigh(),
                        self.addressLow(),
                        Headers.UDP_PORT,
                        other.addressHigh(),
                        other.addressLow(),
                        Headers.UDP_PORT);
        out.memory().set(ICRC, at + bytes, computed ^ wrong);
        out.address(built++, bytes + Headers.ICRC_BYTES, other.addressHigh(), other.addressLow(), Headers.UDP_PORT);
        if (built == SLOTS) {
            flush();
        }
    }

    void flush() {
        for (int sent = 0; sent < built; ) {
            sent += Math.max(0, socket.send(out, sent, built - sent));
        }
        built = 0;
    }

    /** A packet of a reliable connection: BTH, and {@code rest} behind it. */
    void send(int opcode, int number, int psn, boolean ask, byte[] rest) {
        var packet = packet();
        Headers.bth(packet, 0, opcode, false, 0, number, ask, psn);
        MemorySegment.copy(rest, 0, packet, ValueLayout.JAVA_BYTE, Headers.BTH_BYTES, rest.length);
        end(Headers.BTH_BYTES + rest.length, 0);
        flush();
    }

    void send(CmMessage message) {
        var packet = packet();
        Headers.bth(packet, 0, Opcode.UD_SEND_ONLY, false, 0, ManagementPort.NUMBER, false, 7);
        Headers.word(packet, 12, 0x8001_0000);
        Headers.word(packet, 16, ManagementPort.NUMBER);
        MemorySegment.copy(message.mad, 0, packet, ValueLayout.JAVA_BYTE, 20, CmMessage.BYTES);
        end(20 + CmMessage.BYTES, 0);
        flush();
    }

    CmMessage request(int localId, int number, int port) {
        return request(localId, new CmMessage.Terms(GUID, number, 0x111111, 4, 4, 7, 7, 3), port);
    }

    CmMessage request(int localId, CmMessage.Terms terms, int port) {
        return CmMessage.request(
                42, localId, terms, 5555, port, SoftDevice.gid(address), device.gid(), new byte[] {1, 2, 3});
    }

    /** The next packet that comes, from its BTH on; null when the condition holds first. */
    byte[] receive(BooleanSupplier until) {
        long deadline = System.nanoTime() + BOUND_NANOS;
        while (!until.getAsBoolean()) {
            if (socket.receive(in) > 0) {
                return in.memory().asSlice(0, in.bytes(0)).toArray(ValueLayout.JAVA_BYTE);
            }
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("nothing came; " + device.counters());
            }
            LockSupport.parkNanos(50_000);
        }
        return null;
    }

    /** The next message of the connection manager that has this attribute; packets of connections are passed over. */
    CmMessage receive(int attribute, Runnable meanwhile) {
        long deadline = System.nanoTime() + BOUND_NANOS;
        while (System.nanoTime() - deadline < 0) {
            var bytes = receive(() -> {
                meanwhile.run();
                return false;
            });
            if (bytes[0] == Opcode.UD_SEND_ONLY) {
                var mad = java.util.Arrays.copyOfRange(bytes, 20, 20 + CmMessage.BYTES);
                var message = CmMessage.parse(mad);
                if (message != null && message.attribute() == attribute) {
                    return message;
                }
            }
        }
        throw new AssertionError("no message 0x" + Integer.toHexString(attribute) + "; " + device.counters());
    }

    CmMessage receive(int attribute) {
        return receive(attribute, () -> {});
    }

    /** Forgets what has come. */
    void drain() {
        while (socket.receive(in) > 0) {
            // Until nothing is there.
        }
    }

    @Override
    public void close() {
        socket.close();
        out.close();
        in.close();
    }
}
