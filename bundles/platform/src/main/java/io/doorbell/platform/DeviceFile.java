package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A device node, or a descriptor that an ioctl of one gave: ioctl, positioned reads and writes, mappings. Control path; any thread, several at
 * once. Whoever opens closes; {@link #close} waits for calls that are under way, and after it every call throws {@link IllegalStateException}.
 */
public final class DeviceFile implements AutoCloseable {
    /** The most bytes of one argument of an ioctl; ours have some hundreds. */
    private static final int MAX_ARGUMENT_BYTES = 64 << 10;

    /** The most bytes of one positioned access: a register. */
    private static final int MAX_ACCESS_BYTES = 4096;

    private final String name;
    private final int fd;
    // Read: in a call. Write: closing, so that no call works on a number that is another file's by then.
    private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
    private boolean closed;

    private DeviceFile(String name, int fd) {
        this.name = name;
        this.fd = fd;
    }

    /**
     * Opens a node for reading and writing, closed on exec.
     *
     * @throws PlatformException if Linux refuses it; {@link PlatformException#errno} says why
     */
    public static DeviceFile open(Path path) {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            int fd = Libc.open(
                    scratch.allocate(Libc.ERRNO_STATE),
                    scratch.allocateFrom(path.toAbsolutePath().toString()),
                    Libc.O_RDWR | Libc.O_CLOEXEC);
            if (fd < 0) {
                throw new PlatformException("open", -fd, "The file is " + path + ".");
            }
            return new DeviceFile(path.toString(), fd);
        }
    }

    /**
     * Whether something in the kernel has claimed a block device for itself: a mounted file system, swap, a volume, an array, ZFS. Processes that
     * have it open do not count. Opens it for reading, for a moment.
     *
     * @return false also if it cannot be opened
     */
    public static boolean isClaimed(Path blockDevice) {
        NativeAccess.require();
        try (var scratch = Arena.ofConfined()) {
            // Without O_CREAT, O_EXCL has a meaning for block devices only: open(2).
            int fd = Libc.open(
                    scratch.allocate(Libc.ERRNO_STATE),
                    scratch.allocateFrom(blockDevice.toAbsolutePath().toString()),
                    Libc.O_RDONLY | Libc.O_EXCL | Libc.O_CLOEXEC);
            if (fd >= 0) {
                Descriptor.closeNumber(fd);
            }
            return fd == -Errno.EBUSY;
        }
    }

    /** A request whose argument is a number, or is ignored. Returns what the kernel answers, which is not negative. */
    public int ioctl(String what, long request, long value) {
        return call(errno -> answered(what, DeviceCalls.ioctl(errno, fd, request, value)));
    }

    /**
     * A request whose argument is a structure that begins with its own length ({@code argsz}), as those of VFIO do; read and written by the kernel.
     *
     * @throws IllegalArgumentException if it tells more bytes than the segment has
     */
    public int ioctl(String what, long request, MemorySegment argument) {
        // The kernel trusts the length that the structure tells, so we look whether it is true.
        if (argument.byteSize() > MAX_ARGUMENT_BYTES
                || Integer.toUnsignedLong(argument.get(JAVA_INT, 0)) > argument.byteSize()) {
            throw new IllegalArgumentException(
                    what + ": an argument of " + argument.byteSize() + " bytes that tells another length");
        }
        return call(errno -> answered(what, DeviceCalls.ioctl(errno, fd, request, argument)));
    }

    /** A request whose argument is {@code text} and that answers with a new descriptor, which is the caller's. */
    public DeviceFile ioctlForFile(String what, long request, String text) {
        return call(errno -> {
            try (var scratch = Arena.ofConfined()) {
                int opened = DeviceCalls.ioctl(errno, fd, request, scratch.allocateFrom(text));
                return new DeviceFile(text, answered(what, opened));
            }
        });
    }

    /** A request that names another open file by a pointer to its number. */
    public void ioctlWithFile(String what, long request, DeviceFile other) {
        call(errno -> other.call(_ -> {
            try (var scratch = Arena.ofConfined()) {
                return answered(what, DeviceCalls.ioctl(errno, fd, request, scratch.allocateFrom(JAVA_INT, other.fd)));
            }
        }));
    }

    /** Reads exactly the bytes of {@code buffer}, which is native, from {@code offset} on, in one call. */
    public void read(MemorySegment buffer, long offset) {
        call(errno -> whole("pread", buffer, DeviceCalls.pread(errno, fd, checked(buffer), offset)));
    }

    /** Writes exactly the bytes of {@code buffer}, which is native, from {@code offset} on, in one call. */
    public void write(MemorySegment buffer, long offset) {
        call(errno -> whole("pwrite", buffer, DeviceCalls.pwrite(errno, fd, checked(buffer), offset)));
    }

    /**
     * Maps device memory for reading and writing.
     *
     * @param offset of the mapping in the file, a multiple of a page
     * @param bytes a multiple of a page
     */
    public DeviceMemory map(long offset, long bytes) {
        if (offset < 0 || bytes <= 0 || (offset | bytes) % Machine.PAGE_BYTES != 0) {
            throw new IllegalArgumentException(
                    String.format("%s: no mapping of %Xh bytes at %Xh: not whole pages", name, bytes, offset));
        }
        return call(_ -> new DeviceMemory(Mapping.device(fd, offset, bytes)));
    }

    private static MemorySegment checked(MemorySegment buffer) {
        if (buffer.byteSize() == 0 || buffer.byteSize() > MAX_ACCESS_BYTES) {
            throw new IllegalArgumentException("an access of " + buffer.byteSize() + " bytes");
        }
        return buffer;
    }

    private Void whole(String what, MemorySegment buffer, long result) {
        if (result < 0) {
            throw new PlatformException(what, (int) -result, "The file is " + name + ".");
        }
        if (result != buffer.byteSize()) {
            throw new PlatformException(
                    what + " of " + name + " moved " + result + " of " + buffer.byteSize() + " bytes.");
        }
        return null;
    }

    private int answered(String what, int result) {
        if (result < 0) {
            throw new PlatformException(what, -result, "The file is " + name + ".");
        }
        return result;
    }

    private interface Call<T> {
        T with(MemorySegment errno);
    }

    private <T> T call(Call<T> call) {
        use.readLock().lock();
        try (var scratch = Arena.ofConfined()) {
            if (closed) {
                throw new IllegalStateException(name + " is closed");
            }
            return call.with(scratch.allocate(Libc.ERRNO_STATE));
        } finally {
            use.readLock().unlock();
        }
    }

    /** Closes the descriptor; mappings stay. Does nothing the second time. */
    @Override
    public void close() {
        use.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                Descriptor.closeNumber(fd);
            }
        } finally {
            use.writeLock().unlock();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
