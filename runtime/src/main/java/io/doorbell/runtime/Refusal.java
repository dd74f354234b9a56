package io.doorbell.runtime;

/** Something the user has to put right first. The message says what, and how; it is printed without a stack trace. */
public final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public Refusal(String message) {
        super(message, null, false, false);
    }
}
