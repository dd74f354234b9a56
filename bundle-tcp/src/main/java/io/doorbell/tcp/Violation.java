package io.doorbell.tcp;

import io.doorbell.nvme.TcpPdu;

/** A host broke the protocol in a way that ends its connection; says how, for the TermReq. */
@SuppressWarnings("serial")
final class Violation extends RuntimeException {
    final int fes;
    final int fei;

    Violation(int fes, int fei, String what) {
        // Without a stack: hosts decide how many of these there are.
        super(TcpPdu.errorName(fes) + " at " + Integer.toUnsignedString(fei) + ": " + what, null, false, false);
        this.fes = fes;
        this.fei = fei;
    }

    static Violation field(int offset, String what) {
        return new Violation(TcpPdu.INVALID_HEADER_FIELD, offset, what);
    }

    static Violation sequence(String what) {
        return new Violation(TcpPdu.SEQUENCE_ERROR, 0, what);
    }
}
