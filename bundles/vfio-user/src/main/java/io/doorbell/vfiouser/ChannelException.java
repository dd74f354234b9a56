package io.doorbell.vfiouser;

/** The connection is gone or useless: the peer closed it, died, did not answer in time, or sent what is no message. */
public final class ChannelException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ChannelException(String message) {
        super(message);
    }
}
