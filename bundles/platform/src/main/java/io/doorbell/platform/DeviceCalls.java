package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The calls of libc for device nodes and for the kernel's news of devices, one method each, in the manner of {@link Libc}: a call answers what it
 * returns, or a negative errno.
 */
final class DeviceCalls {
    static final int AF_NETLINK = 16;
    static final int SOCK_DGRAM = 2;
    static final int NETLINK_KOBJECT_UEVENT = 15;
    static final int SOL_SOCKET = 1;
    static final int SO_RCVBUF = 8;

    private static final MethodHandle IOCTL_VALUE =
            Libc.variadicCall("ioctl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle IOCTL_MEMORY =
            Libc.variadicCall("ioctl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle PREAD = Libc.call("pread", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PWRITE = Libc.call("pwrite", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SOCKET = Libc.call("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            Libc.call("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle RECVFROM =
            Libc.call("recvfrom", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle PPOLL = Libc.call("ppoll", JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);

    private DeviceCalls() {}

    static int ioctl(MemorySegment errno, int fd, long request, long value) {
        try {
            // Safety: DeviceFile's callers use this form for requests whose argument is a number or none; the kernel
            // checks what else it may be and answers EFAULT or EINVAL.
            int result = (int) IOCTL_VALUE.invokeExact(errno, fd, request, value);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int ioctl(MemorySegment errno, int fd, long request, MemorySegment argument) {
        try {
            // Safety: DeviceFile has checked that the argument has the length that its own argsz field promises, or
            // the size of the request's structure.
            int result = (int) IOCTL_MEMORY.invokeExact(errno, fd, request, argument);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long pread(MemorySegment errno, int fd, MemorySegment buffer, long offset) {
        try {
            // Safety: the kernel writes at most the length of the segment that it is given.
            long result = (long) PREAD.invokeExact(errno, fd, buffer, buffer.byteSize(), offset);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long pwrite(MemorySegment errno, int fd, MemorySegment buffer, long offset) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            long result = (long) PWRITE.invokeExact(errno, fd, buffer, buffer.byteSize(), offset);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int ueventSocket(MemorySegment errno) {
        try {
            // Safety: touches no memory.
            int result = (int) SOCKET.invokeExact(
                    errno,
                    AF_NETLINK,
                    SOCK_DGRAM | SocketCalls.SOCK_NONBLOCK | SocketCalls.SOCK_CLOEXEC,
                    NETLINK_KOBJECT_UEVENT);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** An option of the socket level that is one int. */
    static int setsockopt(MemorySegment errno, int fd, int option, MemorySegment value) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            int result = (int) SETSOCKOPT.invokeExact(errno, fd, SOL_SOCKET, option, value, (int) value.byteSize());
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** {@code senderBytes} holds the size of {@code sender} before, and of the address that was written after. */
    static long recvfrom(
            MemorySegment errno, int fd, MemorySegment buffer, MemorySegment sender, MemorySegment senderBytes) {
        try {
            // Safety: the kernel writes at most the length of each segment that it is given.
            long result = (long) RECVFROM.invokeExact(errno, fd, buffer, buffer.byteSize(), 0, sender, senderBytes);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** Waits for any of {@code count} structures {@code pollfd}. */
    static int ppoll(MemorySegment errno, MemorySegment pollfds, long count, MemorySegment timespec) {
        try {
            // Safety: pollfds has room for so many, timespec has its C size; a NULL signal mask means no change.
            int result = (int) PPOLL.invokeExact(errno, pollfds, count, timespec, MemorySegment.NULL);
            return result < 0 ? -Libc.errno(errno) : result;
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }
}
