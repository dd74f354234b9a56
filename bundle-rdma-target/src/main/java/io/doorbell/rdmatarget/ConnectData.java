package io.doorbell.rdmatarget;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntPredicate;

/**
 * What a host says in the private data of its request to connect, and what it is answered. Little-endian. NVM Express RDMA Transport Specification
 * 1.1 §3.3.1 "RDMA_CM Private Data".
 *
 * @param qid 0 for an admin queue
 * @param hrqsize receives that the host posts for answers
 * @param hsqsizeZeroBased commands that the host has outstanding
 * @param cntlid whose I/O queue it is to be; 0 of hosts that do not say
 */
record ConnectData(int recfmt, int qid, int hrqsize, int hsqsizeZeroBased, int cntlid) {
    static final int INVALID_RECFMT = 2;
    static final int INVALID_QID = 3;
    static final int INVALID_HSQSIZE = 4;
    static final int INVALID_HRQSIZE = 5;
    static final int NO_RESOURCES = 6;
    /** Reads that the host serves: none. */
    static final int INVALID_IRD = 7;

    static final int INVALID_CNTLID = 9;

    static ConnectData parse(byte[] privateData) {
        var fields = ByteBuffer.wrap(privateData).order(ByteOrder.LITTLE_ENDIAN);
        return new ConnectData(
                Short.toUnsignedInt(fields.getShort(0)),
                Short.toUnsignedInt(fields.getShort(2)),
                Short.toUnsignedInt(fields.getShort(4)),
                Short.toUnsignedInt(fields.getShort(6)),
                Short.toUnsignedInt(fields.getShort(8)));
    }

    int commands() {
        return hsqsizeZeroBased + 1;
    }

    /**
     * Why it is rejected; 0 when it is not.
     *
     * @param hostReads that the host serves at once
     * @param controllers which there are
     */
    int problem(int maxQueueEntries, int maxIoQueues, int hostReads, IntPredicate controllers) {
        if (recfmt != 0) {
            return INVALID_RECFMT;
        }
        if (qid > maxIoQueues) {
            return INVALID_QID;
        }
        if (hsqsizeZeroBased == 0 || commands() > maxQueueEntries) {
            return INVALID_HSQSIZE;
        }
        // Each command is answered, so each needs a receive there.
        if (hrqsize < hsqsizeZeroBased) {
            return INVALID_HRQSIZE;
        }
        if (hostReads == 0) {
            return INVALID_IRD;
        }
        return qid != 0 && cntlid != 0 && !controllers.test(cntlid) ? INVALID_CNTLID : 0;
    }

    /** How many commands the host may have outstanding. */
    static byte[] accepted(int crqsize) {
        return ByteBuffer.allocate(32)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(2, (short) crqsize)
                .array();
    }

    static byte[] rejected(int status) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(2, (short) status)
                .array();
    }
}
