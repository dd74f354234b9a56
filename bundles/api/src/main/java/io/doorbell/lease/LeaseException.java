package io.doorbell.lease;

/** A lease was not granted, or has ended. The kind tells a program what the message tells a person. */
public class LeaseException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public enum Kind {
        /** All queue pairs are held; the message names the holders. */
        NO_QUEUE_PAIR,
        /** The policy of this bundle does not allow more. */
        QUOTA,
        /** No such controller, or it is not ready. */
        NO_CONTROLLER,
        /** The lease, or the service that gave it, has ended. */
        ENDED,
        /** The controller refused to make the queue pair. */
        DEVICE,
        /** Memory could not be had. */
        MEMORY
    }

    private final Kind kind;

    public LeaseException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public LeaseException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
