package io.doorbell.platform;

/**
 * Linux refused a call, or this JVM or machine cannot make it. The message names the call, the errno by symbol and words, and the remedy where
 * one is known.
 */
public final class PlatformException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;

    PlatformException(String call, int errno, String detail) {
        super(call + " failed: " + Errno.describe(errno) + (detail.isEmpty() ? "" : ". " + detail));
        this.call = call;
        this.errno = errno;
    }

    PlatformException(String message) {
        super(message);
        this.call = "";
        this.errno = 0;
    }

    /** The name of the call as in its manual page, or empty if none was made. */
    public String call() {
        return call;
    }

    /** The errno of the call as in {@code errno.h}, or 0 if no call was made. */
    public int errno() {
        return errno;
    }

    /** Whether somebody else has the address, or the port, that was asked for. */
    public boolean isAddressInUse() {
        return errno == Errno.EADDRINUSE;
    }

    /** An errno by symbol and words, as in our own messages: for one that somebody else reports. */
    public static String describe(int errno) {
        return Errno.describe(errno);
    }
}
