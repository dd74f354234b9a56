package io.doorbell.lab.host;

/** The lab itself went wrong: the guest did not come up, QEMU ended, or does not answer. */
final class LabException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LabException(String message) {
        super(message);
    }

    LabException(String message, Throwable cause) {
        super(message, cause);
    }
}
