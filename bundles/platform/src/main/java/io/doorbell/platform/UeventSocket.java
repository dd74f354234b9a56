package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The kernel's news of devices that come and go: a netlink socket of NETLINK_KOBJECT_UEVENT. One thread receives; any thread wakes it or closes.
 *
 * <p>News may be lost, when more come than the socket holds; {@link #await} tells of that too, so whoever listens looks at /sys
 * then, and takes news for no more than a hint to look.
 */
public final class UeventSocket implements AutoCloseable {
    /** The kernel's own messages have at most 2 KiB of values, and a path. */
    private static final int MAX_MESSAGE_BYTES = 8192;

    /** The most messages taken in one call; the rest is there at the next one. */
    private static final int MAX_BATCH = 256;

    private static final int RECEIVE_BUFFER_BYTES = 1 << 20;

    /** The multicast group of the kernel itself; udev's is 2. */
    private static final int KERNEL_GROUP = 1;

    /** struct sockaddr_nl, netlink(7): family, pad, port id (0: the kernel), groups. */
    private static final int ADDRESS_BYTES = 12;

    private static final long PORT_ID = 4;
    private static final long GROUPS = 8;

    /** struct pollfd. */
    private static final long POLLFD_BYTES = 8;

    private static final long EVENTS = 4;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final int fd;
    private final EventFd wake;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment errno = arena.allocate(Libc.ERRNO_STATE);
    private final MemorySegment pollfds = arena.allocate(2 * POLLFD_BYTES, Integer.BYTES);
    private final MemorySegment timespec = arena.allocate(2 * Long.BYTES, Long.BYTES);
    private final MemorySegment buffer = arena.allocate(MAX_MESSAGE_BYTES, Long.BYTES);
    private final MemorySegment sender = arena.allocate(ADDRESS_BYTES, Integer.BYTES);
    private final MemorySegment senderBytes = arena.allocate(JAVA_INT);
    private boolean closed;

    private UeventSocket(int fd) {
        this.fd = fd;
        wake = EventFd.create();
        pollfds.set(JAVA_INT, 0, fd);
        pollfds.set(JAVA_SHORT, EVENTS, Libc.POLLIN);
        pollfds.set(JAVA_INT, POLLFD_BYTES, wake.fd());
        pollfds.set(JAVA_SHORT, POLLFD_BYTES + EVENTS, Libc.POLLIN);
    }

    /**
     * Listens from now on.
     *
     * @throws PlatformException where netlink is forbidden, as in some containers
     */
    public static UeventSocket open() {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            int fd = DeviceCalls.ueventSocket(errno);
            if (fd < 0) {
                throw new PlatformException("socket(AF_NETLINK)", -fd, "");
            }
            // What it holds until we look; less is no error.
            DeviceCalls.setsockopt(
                    errno, fd, DeviceCalls.SO_RCVBUF, scratch.allocateFrom(JAVA_INT, RECEIVE_BUFFER_BYTES));
            var address = scratch.allocate(ADDRESS_BYTES, Integer.BYTES);
            address.set(JAVA_SHORT, 0, (short) DeviceCalls.AF_NETLINK);
            address.set(JAVA_INT, GROUPS, KERNEL_GROUP);
            int bound = SocketCalls.bind(errno, fd, address);
            if (bound < 0) {
                Descriptor.closeNumber(fd);
                throw new PlatformException("bind to NETLINK_KOBJECT_UEVENT", -bound, "");
            }
            return new UeventSocket(fd);
        }
    }

    /**
     * What has come.
     *
     * @param news in their order
     * @param complete false if some were lost
     */
    public record Batch(List<Uevent> news, boolean complete) {
        public Batch {
            news = List.copyOf(news);
        }
    }

    /**
     * Waits until there are news, {@link #wake} is called or the time is over. Blocks its thread in the kernel: a platform thread.
     *
     * @return what has come, maybe nothing
     * @throws IllegalStateException after {@link #close}
     */
    public Batch await(long timeoutNanos) {
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException("this socket is closed");
            }
        }
        timespec.set(JAVA_LONG, 0, timeoutNanos / NANOS_PER_SECOND);
        timespec.set(JAVA_LONG, Long.BYTES, timeoutNanos % NANOS_PER_SECOND);
        int ready = DeviceCalls.ppoll(errno, pollfds, 2, timespec);
        if (ready < 0 && ready != -Errno.EINTR) {
            throw new PlatformException("ppoll of a netlink socket", -ready, "");
        }
        wake.drain();
        return receive();
    }

    private Batch receive() {
        var news = new ArrayList<Uevent>();
        for (int i = 0; i < MAX_BATCH; i++) {
            senderBytes.set(JAVA_INT, 0, ADDRESS_BYTES);
            long result = DeviceCalls.recvfrom(errno, fd, buffer, sender, senderBytes);
            if (result == -Errno.EAGAIN) {
                return new Batch(news, true);
            }
            if (result == -Errno.ENOBUFS) {
                return new Batch(news, false);
            }
            if (result < 0 && result != -Errno.EINTR) {
                throw new PlatformException("recvfrom of a netlink socket", (int) -result, "");
            }
            // Another process of root could send to the group as well: only the kernel has port 0.
            if (result > 0 && sender.get(JAVA_INT, PORT_ID) == 0) {
                Uevent.decode(buffer.asSlice(0, result).toArray(JAVA_BYTE)).ifPresent(news::add);
            }
        }
        return new Batch(news, true);
    }

    /** Lets {@link #await} return, now or when it is next called. */
    public void wake() {
        synchronized (this) {
            if (!closed) {
                wake.signal();
            }
        }
    }

    /** Closes it. Only when no thread is in {@link #await} any more. Does nothing the second time. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        wake.close();
        arena.close();
        Descriptor.closeNumber(fd);
    }
}
