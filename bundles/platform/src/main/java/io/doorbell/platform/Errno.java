package io.doorbell.platform;

/**
 * The errno values we can meet, with the names of {@code errno.h} and the words of {@code strerror} (Linux, x86-64). In Java, so that a message
 * does not depend on the locale or on a further native call.
 */
final class Errno {
    static final int EPERM = 1;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    static final int EBUSY = 16;
    static final int EINVAL = 22;
    static final int EPIPE = 32;
    static final int EADDRINUSE = 98;
    static final int ECONNABORTED = 103;
    static final int ECONNRESET = 104;
    static final int ENOBUFS = 105;
    static final int ETIMEDOUT = 110;
    static final int EINPROGRESS = 115;
    static final int ENOSYS = 38;
    static final int EOPNOTSUPP = 95;
    static final int ECONNREFUSED = 111;

    private Errno() {}

    static String describe(int errno) {
        return switch (errno) {
            case EPERM -> "EPERM: Operation not permitted";
            case 2 -> "ENOENT: No such file or directory";
            case 3 -> "ESRCH: No such process";
            case EINTR -> "EINTR: Interrupted system call";
            case 5 -> "EIO: Input/output error";
            case 6 -> "ENXIO: No such device or address";
            case 9 -> "EBADF: Bad file descriptor";
            case EAGAIN -> "EAGAIN: Resource temporarily unavailable";
            case ENOMEM -> "ENOMEM: Cannot allocate memory";
            case 13 -> "EACCES: Permission denied";
            case 14 -> "EFAULT: Bad address";
            case EBUSY -> "EBUSY: Device or resource busy";
            case 17 -> "EEXIST: File exists";
            case 19 -> "ENODEV: No such device";
            case EINVAL -> "EINVAL: Invalid argument";
            case 23 -> "ENFILE: Too many open files in system";
            case 24 -> "EMFILE: Too many open files";
            case 25 -> "ENOTTY: Inappropriate ioctl for device";
            case 27 -> "EFBIG: File too large";
            case 28 -> "ENOSPC: No space left on device";
            case 29 -> "ESPIPE: Illegal seek";
            case EPIPE -> "EPIPE: Broken pipe";
            case 36 -> "ENAMETOOLONG: File name too long";
            case ENOSYS -> "ENOSYS: Function not implemented";
            case 75 -> "EOVERFLOW: Value too large for defined data type";
            case EOPNOTSUPP -> "EOPNOTSUPP: Operation not supported";
            case EADDRINUSE -> "EADDRINUSE: Address already in use";
            case ECONNABORTED -> "ECONNABORTED: Software caused connection abort";
            case ECONNRESET -> "ECONNRESET: Connection reset by peer";
            case ENOBUFS -> "ENOBUFS: No buffer space available";
            case 107 -> "ENOTCONN: Transport endpoint is not connected";
            case 109 -> "ETOOMANYREFS: Too many references: cannot splice";
            case ETIMEDOUT -> "ETIMEDOUT: Connection timed out";
            case ECONNREFUSED -> "ECONNREFUSED: Connection refused";
            case 99 -> "EADDRNOTAVAIL: Cannot assign requested address";
            case 113 -> "EHOSTUNREACH: No route to host";
            case 133 -> "EHWPOISON: Memory page has hardware error";
            default -> "errno " + errno;
        };
    }
}
