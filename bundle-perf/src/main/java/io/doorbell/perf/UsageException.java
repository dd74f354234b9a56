package io.doorbell.perf;

/** A flag is wrong; the message names it, its value, and what is allowed. */
final class UsageException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }

    static UsageException of(String flag, String value, String allowed) {
        return new UsageException(flag + " " + value + ": allowed: " + allowed);
    }
}
