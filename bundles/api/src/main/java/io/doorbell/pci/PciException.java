package io.doorbell.pci;

/** A PCI function could not be claimed, mapped or reached; the message says which, why, and what mends it. */
public class PciException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PciException(String message) {
        super(message);
    }

    public PciException(String message, Throwable cause) {
        super(message, cause);
    }
}
