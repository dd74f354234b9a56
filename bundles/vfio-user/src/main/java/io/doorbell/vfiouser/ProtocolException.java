package io.doorbell.vfiouser;

/**
 * A peer broke the protocol, or asked for what cannot be; the message says what it named. Thrown while a command is handled, it becomes an error
 * reply with {@link #errno}.
 */
public class ProtocolException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public static final int ENOENT = 2;
    public static final int EIO = 5;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int ENOTSUP = 95;

    private final int errno;

    /** What is wrong about a message: EINVAL. */
    public ProtocolException(String message) {
        this(EINVAL, message);
    }

    public ProtocolException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** The errno that the peer is told, or told us. */
    public int errno() {
        return errno;
    }
}
