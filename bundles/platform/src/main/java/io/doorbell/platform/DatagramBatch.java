package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Datagrams that a {@link UdpSocket} receives or sends in one call: slots of one size, each with the address of who sent it or is to get it. Made
 * once and filled again for each call, so that neither allocates.
 *
 * <p>Addresses are two longs, as of an IPv6 address in network order; an IPv4 address is {@code ::ffff:a.b.c.d}, whatever the socket is.
 *
 * <p>Owner: one thread.
 */
public final class DatagramBatch implements AutoCloseable {
    /** The kernel takes no more in a call: UIO_MAXIOV. */
    public static final int MAX_SLOTS = 1024;

    /** No datagram is longer. */
    public static final int MAX_SLOT_BYTES = 1 << 16;

    /** Of an IPv4 address as one of IPv6, between 80 bits of zero and the address: RFC 4291 section 2.5.5.2. */
    public static final long MAPPED = 0xFFFF_0000_0000L;

    /** struct mmsghdr of Linux on x86-64: a struct msghdr, and how long the datagram was. */
    private static final long MESSAGE_BYTES = 64;

    private static final long NAME = 0;
    private static final long NAME_LENGTH = 8;
    private static final long VECTOR = 16;
    private static final long VECTOR_LENGTH = 24;
    private static final long FLAGS = 48;
    private static final long LENGTH = 56;

    private static final long IOVEC_BYTES = 16;
    private static final int MSG_TRUNC = 0x20;

    /** struct sockaddr_in and sockaddr_in6, and the place for either. */
    private static final int IN_BYTES = 16;

    private static final int IN6_BYTES = 28;
    private static final long ADDRESS_BYTES = 32;
    private static final ValueLayout.OfShort PORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt IN = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong IN6 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Arena arena = Arena.ofShared();
    private final boolean six;
    private final int slots;
    private final int slotBytes;
    private final MemorySegment memory;
    private final MemorySegment messages;
    private final MemorySegment vectors;
    private final MemorySegment addresses;
    private boolean closed;

    /**
     * @param six for an IPv6 socket
     * @param slots 1 to {@link #MAX_SLOTS}
     * @param slotBytes the longest datagram, up to {@link #MAX_SLOT_BYTES}; a multiple of 8
     */
    public DatagramBatch(boolean six, int slots, int slotBytes) {
        if (slots < 1 || slots > MAX_SLOTS) {
            throw new IllegalArgumentException(slots + " slots of a batch: 1 to " + MAX_SLOTS);
        }
        if (slotBytes < 8 || slotBytes > MAX_SLOT_BYTES || slotBytes % 8 != 0) {
            throw new IllegalArgumentException(
                    slotBytes + " bytes of a slot: a multiple of 8 from 8 to " + MAX_SLOT_BYTES);
        }
        NativeAccess.require();
        this.six = six;
        this.slots = slots;
        this.slotBytes = slotBytes;
        memory = arena.allocate((long) slots * slotBytes, 64);
        messages = arena.allocate(slots * MESSAGE_BYTES, 64);
        vectors = arena.allocate(slots * IOVEC_BYTES, Long.BYTES);
        addresses = arena.allocate(slots * ADDRESS_BYTES, Long.BYTES);
        for (int slot = 0; slot < slots; slot++) {
            long message = slot * MESSAGE_BYTES;
            messages.set(JAVA_LONG, message + NAME, addresses.address() + slot * ADDRESS_BYTES);
            messages.set(JAVA_LONG, message + VECTOR, vectors.address() + slot * IOVEC_BYTES);
            messages.set(JAVA_LONG, message + VECTOR_LENGTH, 1);
            vectors.set(JAVA_LONG, slot * IOVEC_BYTES, memory.address() + offset(slot));
        }
    }

    public int slots() {
        return slots;
    }

    public int slotBytes() {
        return slotBytes;
    }

    /** All slots, one behind the other. */
    public MemorySegment memory() {
        return memory;
    }

    /** Where a slot begins in {@link #memory}. */
    public long offset(int slot) {
        return (long) slot * slotBytes;
    }

    /** How long the datagram in a slot is, as far as it fits. */
    public int bytes(int slot) {
        return messages.get(JAVA_INT, slot * MESSAGE_BYTES + LENGTH);
    }

    /** Whether it was longer than the slot. */
    public boolean isTruncated(int slot) {
        return (messages.get(JAVA_INT, slot * MESSAGE_BYTES + FLAGS) & MSG_TRUNC) != 0;
    }

    public long addressHigh(int slot) {
        return six ? addresses.get(IN6, slot * ADDRESS_BYTES + 8) : 0;
    }

    public long addressLow(int slot) {
        long at = slot * ADDRESS_BYTES;
        return six ? addresses.get(IN6, at + 16) : MAPPED | addresses.get(IN, at + 4) & 0xFFFF_FFFFL;
    }

    public int port(int slot) {
        return Short.toUnsignedInt(addresses.get(PORT, slot * ADDRESS_BYTES + 2));
    }

    /** Who is to get the datagram of a slot, and how long it is. */
    public void address(int slot, int bytes, long high, long low, int port) {
        if (bytes < 0 || bytes > slotBytes) {
            throw new IndexOutOfBoundsException(bytes + " bytes of a datagram in a slot of " + slotBytes);
        }
        long at = slot * ADDRESS_BYTES;
        addresses.set(JAVA_SHORT, at, (short) (six ? TcpCalls.AF_INET6 : TcpCalls.AF_INET));
        addresses.set(PORT, at + 2, (short) port);
        if (six) {
            addresses.set(IN6, at + 8, high);
            addresses.set(IN6, at + 16, low);
        } else {
            addresses.set(IN, at + 4, (int) low);
        }
        messages.set(JAVA_INT, slot * MESSAGE_BYTES + NAME_LENGTH, six ? IN6_BYTES : IN_BYTES);
        messages.set(JAVA_INT, slot * MESSAGE_BYTES + LENGTH, bytes);
        vectors.set(JAVA_LONG, slot * IOVEC_BYTES + 8, bytes);
    }

    /** Makes room for {@code count} datagrams. */
    void prepareReceive(int count) {
        requireOpen();
        for (int slot = 0; slot < count; slot++) {
            messages.set(JAVA_INT, slot * MESSAGE_BYTES + NAME_LENGTH, (int) ADDRESS_BYTES);
            vectors.set(JAVA_LONG, slot * IOVEC_BYTES + 8, slotBytes);
        }
    }

    /** The structs mmsghdr. */
    MemorySegment messages() {
        requireOpen();
        return messages;
    }

    /** Those from {@code first} on. */
    MemorySegment messages(int first) {
        requireOpen();
        return messages.asSlice(first * MESSAGE_BYTES);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("this batch is closed");
        }
    }

    /** Does nothing the second time. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
