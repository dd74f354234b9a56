package io.doorbell.pcibus;

/** Something cannot be done with a PCI function; the message says which, why, and what mends it. */
public final class PciBusException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PciBusException(String message) {
        super(message);
    }

    public PciBusException(String message, Throwable cause) {
        super(message, cause);
    }
}
