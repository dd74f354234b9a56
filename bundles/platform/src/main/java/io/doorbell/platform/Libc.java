package io.doorbell.platform;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The calls of libc that we make, one method each. A call answers as the kernel does: what it returns, or a negative errno. {@code errno} is a
 * segment of {@link #ERRNO_STATE} that no other thread uses during the call.
 *
 * <p>No downcall is {@code critical}: each may block, take page faults or hold a kernel lock, and a critical one would keep every safepoint of the
 * JVM waiting for it.
 *
 * <p>Callers go through {@link NativeAccess#require()} before this class is first touched.
 */
final class Libc {
    /** Where a call leaves its errno. */
    static final StructLayout ERRNO_STATE = Linker.Option.captureStateLayout();

    static final int PROT_NONE = 0;
    static final int PROT_READ_WRITE = 3;
    static final int MAP_SHARED = 0x01;
    static final int MAP_PRIVATE = 0x02;
    static final int MAP_FIXED = 0x10;
    static final int MAP_ANONYMOUS = 0x20;
    static final int MAP_NORESERVE = 0x4000;
    static final int MAP_HUGETLB = 0x40000;
    static final int MAP_HUGE_2MB = 21 << 26;

    static final int MADV_DONTNEED = 4;
    static final int MADV_HUGEPAGE = 14;
    static final int MADV_POPULATE_WRITE = 23;

    static final int MFD_CLOEXEC = 1;
    static final int MFD_ALLOW_SEALING = 2;
    static final int MFD_HUGETLB = 4;
    static final int MFD_HUGE_2MB = 21 << 26;

    static final int F_SETFL = 4;
    static final int O_NONBLOCK = 0x800;
    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_EXCL = 0x80;
    static final int O_CLOEXEC = 0x80000;

    static final int LOCK_EX = 2;
    static final int LOCK_NB = 4;

    static final int FALLOC_FL_KEEP_SIZE = 1;
    static final int FALLOC_FL_PUNCH_HOLE = 2;

    static final int F_ADD_SEALS = 1033;
    static final int F_SEAL_SEAL = 1;
    static final int F_SEAL_SHRINK = 2;
    static final int F_SEAL_GROW = 4;

    static final int EFD_CLOEXEC = 0x80000;
    static final int EFD_NONBLOCK = 0x800;

    static final short POLLIN = 1;
    static final short POLLOUT = 4;
    static final short POLLRDHUP = 0x2000;

    private static final VarHandle ERRNO =
            ERRNO_STATE.varHandle(groupElement("errno")).withInvokeExactBehavior();

    // Addresses that are numbers to us (a mapping before it has a segment) are passed as long; memory that Java owns is
    // passed as a segment, so
    // that its arena cannot close during the call.
    private static final MethodHandle MMAP =
            call("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MUNMAP = call("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MPROTECT = call("mprotect", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle MADVISE = call("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle MADVISE_MEMORY = call("madvise", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle MEMFD_CREATE = call("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle FTRUNCATE = call("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle FCNTL =
            variadicCall("fcntl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle OPEN =
            variadicCall("open", 2, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle FLOCK = call("flock", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FALLOCATE = call("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle CLOSE = call("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle EVENTFD = call("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle READ = call("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle WRITE = call("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle PPOLL = call("ppoll", JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
    private static final MethodHandle SCHED_SETAFFINITY =
            call("sched_setaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle SCHED_GETAFFINITY =
            call("sched_getaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle SCHED_GETCPU = call("sched_getcpu", JAVA_INT);

    private Libc() {}

    static long mmap(MemorySegment errno, long address, long bytes, int protection, int flags, int fd) {
        return mmap(errno, address, bytes, protection, flags, fd, 0);
    }

    static long mmap(MemorySegment errno, long address, long bytes, int protection, int flags, int fd, long offset) {
        try {
            // Safety: makes a new mapping. With MAP_FIXED, Mapping passes an address inside a reservation that it has
            // just made itself, or all of a live mapping of its own, of which segments stay valid.
            long result = (long) MMAP.invokeExact(errno, address, bytes, protection, flags, fd, offset);
            return result == -1 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int munmap(MemorySegment errno, long address, long bytes) {
        try {
            // Safety: Mapping passes a range that it mapped and that no live segment shows: the trimmed edges, or all
            // of it in the arena's clean-up.
            int result = (int) MUNMAP.invokeExact(errno, address, bytes);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int mprotect(MemorySegment errno, long address, long bytes, int protection) {
        try {
            // Safety: Mapping passes a range that it has reserved, of which no segment shows anything yet.
            int result = (int) MPROTECT.invokeExact(errno, address, bytes, protection);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int madvise(MemorySegment errno, long address, long bytes, int advice) {
        try {
            // Safety: the advice that we give here keeps the contents.
            int result = (int) MADVISE.invokeExact(errno, address, bytes, advice);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    /** Gives pages back; what is read there next is zero. Only for whole pages of private anonymous memory. */
    static int dontNeed(MemorySegment errno, MemorySegment pages) {
        try {
            // Safety: the contents of exactly this live segment are dropped, which is what the caller asks for.
            int result = (int) MADVISE_MEMORY.invokeExact(errno, pages, pages.byteSize(), MADV_DONTNEED);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int memfdCreate(MemorySegment errno, MemorySegment name, int flags) {
        try {
            // Safety: name is a zero-terminated string of Arena.allocateFrom.
            int result = (int) MEMFD_CREATE.invokeExact(errno, name, flags);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int ftruncate(MemorySegment errno, int fd, long bytes) {
        try {
            // Safety: touches no memory. The file is our own and not yet mapped.
            int result = (int) FTRUNCATE.invokeExact(errno, fd, bytes);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int addSeals(MemorySegment errno, int fd, int seals) {
        try {
            // Safety: touches no memory.
            int result = (int) FCNTL.invokeExact(errno, fd, F_ADD_SEALS, seals);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int setStatusFlags(MemorySegment errno, int fd, int flags) {
        try {
            // Safety: touches no memory.
            int result = (int) FCNTL.invokeExact(errno, fd, F_SETFL, flags);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    /** Opens a file that exists: no flag that would take a mode. */
    static int open(MemorySegment errno, MemorySegment path, int flags) {
        try {
            // Safety: path is a zero-terminated string of Arena.allocateFrom.
            int result = (int) OPEN.invokeExact(errno, path, flags);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int flock(MemorySegment errno, int fd, int operation) {
        try {
            // Safety: touches no memory.
            int result = (int) FLOCK.invokeExact(errno, fd, operation);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int fallocate(MemorySegment errno, int fd, int mode, long offset, long bytes) {
        try {
            // Safety: touches no memory.
            int result = (int) FALLOCATE.invokeExact(errno, fd, mode, offset, bytes);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int close(MemorySegment errno, int fd) {
        try {
            // Safety: touches no memory. The caller owns fd and forgets it with this call, whatever the answer: Linux
            // has let go of it even then.
            int result = (int) CLOSE.invokeExact(errno, fd);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int eventfd(MemorySegment errno, int initial, int flags) {
        try {
            // Safety: touches no memory.
            int result = (int) EVENTFD.invokeExact(errno, initial, flags);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static long read(MemorySegment errno, int fd, MemorySegment buffer) {
        try {
            // Safety: the kernel writes at most the length of the segment that it is given.
            long result = (long) READ.invokeExact(errno, fd, buffer, buffer.byteSize());
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static long write(MemorySegment errno, int fd, MemorySegment buffer) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            long result = (long) WRITE.invokeExact(errno, fd, buffer, buffer.byteSize());
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    /** Waits for one {@code struct pollfd}, with the signal mask as it is. */
    static int ppollOne(MemorySegment errno, MemorySegment pollfd, MemorySegment timespec) {
        return ppoll(errno, pollfd, 1, timespec);
    }

    /** Waits for any of the first {@code count} of {@code pollfds}, which has room for as many. */
    static int ppoll(MemorySegment errno, MemorySegment pollfds, long count, MemorySegment timespec) {
        try {
            // Safety: pollfds and timespec have the sizes of their C structures; a NULL signal mask means no change.
            int result = (int) PPOLL.invokeExact(errno, pollfds, count, timespec, MemorySegment.NULL);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int schedSetaffinity(MemorySegment errno, int pid, MemorySegment cpuSet) {
        try {
            // Safety: the kernel reads at most the length of the segment that it is given.
            int result = (int) SCHED_SETAFFINITY.invokeExact(errno, pid, cpuSet.byteSize(), cpuSet);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int schedGetaffinity(MemorySegment errno, int pid, MemorySegment cpuSet) {
        try {
            // Safety: kernel and libc write at most the length of the segment that they are given.
            int result = (int) SCHED_GETAFFINITY.invokeExact(errno, pid, cpuSet.byteSize(), cpuSet);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int schedGetcpu(MemorySegment errno) {
        try {
            // Safety: touches no memory.
            int result = (int) SCHED_GETCPU.invokeExact(errno);
            return result < 0 ? -errno(errno) : result;
        } catch (Throwable thrown) {
            throw unchecked(thrown);
        }
    }

    static int errno(MemorySegment state) {
        return (int) ERRNO.get(state, 0L);
    }

    static MethodHandle call(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), Linker.Option.captureCallState("errno"));
    }

    static MethodHandle variadicCall(String name, int fixedArguments, FunctionDescriptor descriptor) {
        return link(
                name,
                descriptor,
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(fixedArguments));
    }

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        var linker = Linker.nativeLinker();
        var symbol = linker.defaultLookup()
                .find(name)
                .orElseThrow(() -> new PlatformException("This machine's libc has no " + name + "."));
        // Safety: the descriptors above are the prototypes of the manual pages (section 2) on x86-64.
        return linker.downcallHandle(symbol, descriptor, options);
    }

    /** What a downcall can throw: its segments' own unchecked exceptions, and errors of the JVM. */
    static RuntimeException unchecked(Throwable thrown) {
        return switch (thrown) {
            case RuntimeException exception -> exception;
            case Error error -> throw error;
            default -> throw new AssertionError("a downcall threw a checked exception", thrown);
        };
    }
}
