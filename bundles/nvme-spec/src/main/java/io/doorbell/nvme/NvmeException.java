package io.doorbell.nvme;

import java.util.Objects;
import java.util.Optional;

/**
 * A control-path operation on a controller failed. The message names what was attempted (controller, queue, command id,
 * opcode) and the status by name; the kind tells the caller what can help.
 *
 * <p>Never thrown on the I/O path, where a status is an {@code int} in the completion.
 */
public class NvmeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What can help. */
    public enum Kind {
        /** The same command may succeed when tried again. */
        RETRY,
        /** The same command will fail again; the controller is fine. */
        GIVE_UP,
        /** The controller, or the way to it, is not usable until it has been reset. */
        RESET
    }

    private static final int NO_STATUS = -1;

    private final Kind kind;
    private final int status;
    private final String attempted;

    /** No completion came: a timeout, a fatal status, a controller that has gone. */
    public NvmeException(Kind kind, String attempted, String reason) {
        this(kind, attempted, reason, null);
    }

    public NvmeException(Kind kind, String attempted, String reason, Throwable cause) {
        this(kind, NO_STATUS, attempted, attempted + ": " + reason, cause);
    }

    /** A completion came, with {@code status}. */
    public NvmeException(Kind kind, String attempted, Status status) {
        this(kind, status.raw(), attempted, attempted + ": " + status, null);
    }

    private NvmeException(Kind kind, int status, String attempted, String message, Throwable cause) {
        super(message, cause);
        this.kind = Objects.requireNonNull(kind);
        this.status = status;
        this.attempted = Objects.requireNonNull(attempted);
    }

    /** A completion came, with {@code status}; its Do Not Retry bit decides the kind. */
    public static NvmeException failed(String attempted, Status status) {
        return new NvmeException(status.dnr() ? Kind.GIVE_UP : Kind.RETRY, attempted, status);
    }

    public Kind kind() {
        return kind;
    }

    /** What the controller answered, if it did. */
    public Optional<Status> status() {
        return status == NO_STATUS ? Optional.empty() : Optional.of(new Status(status));
    }

    public String attempted() {
        return attempted;
    }
}
