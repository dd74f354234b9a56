package io.doorbell.tcp;

import io.doorbell.nvme.TcpPdu;

/**
 * A peer broke the protocol in a way that ends its connection; says how, for the TermReq. FEI is the offset of a field, or the digest that came; of an
 * error that is no field's it is reserved. NVMe over TCP Transport 1.1 §3.6.2.4 "Controller to Host Terminate Connection Request".
 */
@SuppressWarnings("serial")
public final class Violation extends RuntimeException {
    public final int fes;
    public final int fei;

    public Violation(int fes, int fei, String what) {
        // Without a stack: peers decide how many of these there are.
        super(TcpPdu.errorName(fes) + " at " + Integer.toUnsignedString(fei) + ": " + what, null, false, false);
        this.fes = fes;
        this.fei = fei;
    }

    public static Violation field(int offset, String what) {
        return new Violation(TcpPdu.INVALID_HEADER_FIELD, offset, what);
    }

    public static Violation sequence(String what) {
        return new Violation(TcpPdu.SEQUENCE_ERROR, 0, what);
    }
}
