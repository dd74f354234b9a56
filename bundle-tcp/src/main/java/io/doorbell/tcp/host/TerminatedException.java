package io.doorbell.tcp.host;

/** The target has ended the connection, and says why. */
@SuppressWarnings("serial")
final class TerminatedException extends RuntimeException {
    TerminatedException(String reason) {
        // Without a stack: the target decides how many of these there are.
        super(reason, null, false, false);
    }
}
