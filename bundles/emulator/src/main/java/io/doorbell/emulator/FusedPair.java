package io.doorbell.emulator;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;

/** Compare and Write as one. NVMe Base 2.1 §3.4.2 "Fused Operation". */
final class FusedPair {
    private FusedPair() {}

    /** Whether two commands are the pair that is offered, over one range of blocks. */
    static boolean isCompareAndWrite(EmulatedRequest first, EmulatedRequest second) {
        return first.opc == NvmOpcode.COMPARE
                && second.opc == NvmOpcode.WRITE
                && first.nsid == second.nsid
                && first.slba == second.slba
                && first.blockCount == second.blockCount;
    }

    /** A pair has one status; whether it is the write's, and the compare had gone well. */
    static boolean writeFailed(int status) {
        return switch (Status.code(status)) {
            case Status.WRITE_FAULT,
                    Status.CAPACITY_EXCEEDED,
                    Status.NAMESPACE_IS_WRITE_PROTECTED,
                    Status.WRITE_TO_READ_ONLY_RANGE -> true;
            default -> false;
        };
    }
}
