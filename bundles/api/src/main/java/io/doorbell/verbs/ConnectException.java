package io.doorbell.verbs;

/** A connection did not come about. */
public final class ConnectException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** {@link #reason} where the peer has said nothing. */
    public static final int NO_ANSWER = 0;

    /** Consumer reject: whoever listens has rejected it, and the private data say why. */
    public static final int REJECTED = 28;

    private final int reason;
    private final transient byte[] privateData;

    public ConnectException(String message, int reason, byte[] privateData) {
        super(message);
        this.reason = reason;
        this.privateData = privateData.clone();
    }

    /** IBTA vol. 1 release 1.4 §12.6.7.2 "Rejection Reason"; {@link #NO_ANSWER} where there is none. */
    public int reason() {
        return reason;
    }

    /** What the peer sent along, zeros behind it. */
    public byte[] privateData() {
        return privateData == null ? new byte[0] : privateData.clone();
    }
}
