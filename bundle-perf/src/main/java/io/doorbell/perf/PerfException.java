package io.doorbell.perf;

/** A run could not begin, or could not go on; the message says at which step and why. */
final class PerfException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PerfException(String message) {
        super(message);
    }

    PerfException(String message, Throwable cause) {
        super(message, cause);
    }
}
