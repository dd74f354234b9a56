package io.doorbell.platform;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.List;

/**
 * One struct msghdr with a buffer for bytes and one for file descriptors, used again and again (recvmsg(2), cmsg(3), unix(7); Linux on x86-64).
 * Bytes are copied through it: the kernel only ever sees memory of the arena that the call itself holds.
 */
final class SocketMessage {
    /** How many bytes go through one call. */
    static final int BUFFER_BYTES = 16 << 10;

    private static final StructLayout MSGHDR = structLayout(
            JAVA_LONG.withName("name"),
            JAVA_INT.withName("namelen"),
            paddingLayout(4),
            JAVA_LONG.withName("iov"),
            JAVA_LONG.withName("iovlen"),
            JAVA_LONG.withName("control"),
            JAVA_LONG.withName("controllen"),
            JAVA_INT.withName("flags"),
            paddingLayout(4));
    private static final long CONTROLLEN = MSGHDR.byteOffset(groupElement("controllen"));

    private static final StructLayout IOVEC = structLayout(JAVA_LONG.withName("base"), JAVA_LONG.withName("len"));
    private static final long IOVEC_LEN = IOVEC.byteOffset(groupElement("len"));

    /** The header of a control message: its length with the header, level and type. */
    private static final StructLayout CMSGHDR =
            structLayout(JAVA_LONG.withName("len"), JAVA_INT.withName("level"), JAVA_INT.withName("type"));

    private static final long CMSG_LEVEL = CMSGHDR.byteOffset(groupElement("level"));
    private static final long CMSG_TYPE = CMSGHDR.byteOffset(groupElement("type"));
    private static final long CMSG_DATA = CMSGHDR.byteSize();

    /** One control message with as many descriptors as we take, aligned to 8. More than that the kernel does not install at all. */
    private static final long CONTROL_BYTES = CMSG_DATA + align((long) UnixSocket.MAX_DESCRIPTORS * Integer.BYTES);

    private final MemorySegment header;
    private final MemorySegment iovec;
    private final MemorySegment control;
    private final MemorySegment buffer;
    private final MemorySegment errno;

    SocketMessage(Arena arena) {
        header = arena.allocate(MSGHDR);
        iovec = arena.allocate(IOVEC);
        control = arena.allocate(CONTROL_BYTES, CMSGHDR.byteAlignment());
        buffer = arena.allocate(BUFFER_BYTES);
        errno = arena.allocate(Libc.ERRNO_STATE);
        iovec.set(JAVA_LONG, 0, buffer.address());
        header.set(JAVA_LONG, MSGHDR.byteOffset(groupElement("iov")), iovec.address());
        header.set(JAVA_LONG, MSGHDR.byteOffset(groupElement("iovlen")), 1);
        header.set(JAVA_LONG, MSGHDR.byteOffset(groupElement("control")), control.address());
    }

    /** Sends bytes from {@code offset} on, with the descriptors. Returns how many bytes went, or a negative errno. */
    long send(int fd, MemorySegment bytes, long offset, int... descriptors) {
        long count = Math.min(BUFFER_BYTES, bytes.byteSize() - offset);
        MemorySegment.copy(bytes, offset, buffer, 0, count);
        iovec.set(JAVA_LONG, IOVEC_LEN, count);
        if (descriptors.length == 0) {
            header.set(JAVA_LONG, CONTROLLEN, 0);
        } else {
            long length = CMSG_DATA + (long) descriptors.length * Integer.BYTES;
            control.fill((byte) 0);
            control.set(JAVA_LONG, 0, length);
            control.set(JAVA_INT, CMSG_LEVEL, SocketCalls.SOL_SOCKET);
            control.set(JAVA_INT, CMSG_TYPE, SocketCalls.SCM_RIGHTS);
            for (int i = 0; i < descriptors.length; i++) {
                control.setAtIndex(JAVA_INT, CMSG_DATA / Integer.BYTES + i, descriptors[i]);
            }
            header.set(JAVA_LONG, CONTROLLEN, CMSG_DATA + align(length - CMSG_DATA));
        }
        return SocketCalls.sendmsg(errno, fd, header);
    }

    /**
     * Receives bytes, and adds the descriptors that came with them; those beyond {@link UnixSocket#MAX_DESCRIPTORS} in all are closed. Returns
     * how many bytes came, 0 for the end of the stream, or a negative errno.
     */
    long receive(int fd, MemorySegment bytes, List<Descriptor> descriptors) {
        iovec.set(JAVA_LONG, IOVEC_LEN, Math.min(BUFFER_BYTES, bytes.byteSize()));
        header.set(JAVA_LONG, CONTROLLEN, CONTROL_BYTES);
        long count = SocketCalls.recvmsg(errno, fd, header);
        if (count < 0) {
            return count;
        }
        // Before anything else: from here on they are ours to close.
        takeDescriptors(descriptors);
        MemorySegment.copy(buffer, 0, bytes, 0, count);
        return count;
    }

    private void takeDescriptors(List<Descriptor> descriptors) {
        long end = Math.min(header.get(JAVA_LONG, CONTROLLEN), CONTROL_BYTES);
        long at = 0;
        while (end - at >= CMSG_DATA) {
            long length = Math.min(control.get(JAVA_LONG, at), end - at);
            if (length < CMSG_DATA) {
                return;
            }
            if (control.get(JAVA_INT, at + CMSG_LEVEL) == SocketCalls.SOL_SOCKET
                    && control.get(JAVA_INT, at + CMSG_TYPE) == SocketCalls.SCM_RIGHTS) {
                for (long fd = at + CMSG_DATA; fd + Integer.BYTES <= at + length; fd += Integer.BYTES) {
                    var descriptor = new Descriptor(control.get(JAVA_INT, fd));
                    if (descriptors.size() < UnixSocket.MAX_DESCRIPTORS) {
                        descriptors.add(descriptor);
                    } else {
                        descriptor.close();
                    }
                }
            }
            at += align(length);
        }
    }

    private static long align(long bytes) {
        return bytes + 7 & -8;
    }
}
