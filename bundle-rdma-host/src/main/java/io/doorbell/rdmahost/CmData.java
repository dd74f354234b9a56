package io.doorbell.rdmahost;

import io.doorbell.verbs.ConnectException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Private data of the connection manager's messages, little-endian. NVMe RDMA Transport 1.1 §3.3.1 "RDMA_CM Private Data". */
final class CmData {
    private static final int REQUEST_BYTES = 32;
    private static final int RECFMT = 0;

    /** Invalid Service ID. IBTA vol. 1 release 1.4 §12.6.7.2 "Rejection Reason". */
    private static final int NOBODY_LISTENS = 8;

    // Of a request.
    private static final int QID = 2;
    private static final int HRQSIZE = 4;
    private static final int HSQSIZE = 6;
    private static final int CNTLID = 8;

    // Of an answer.
    private static final int CRQSIZE = 2;
    private static final int STS = 2;

    private CmData() {}

    /**
     * What a host says of the queue that it wants.
     *
     * @param entries of it: it may have one less command outstanding, and has a receive for each answer
     * @param controllerId 0 for an admin queue
     */
    static byte[] request(int queueId, int entries, int controllerId) {
        return ByteBuffer.allocate(REQUEST_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(QID, (short) queueId)
                .putShort(HRQSIZE, (short) entries)
                .putShort(HSQSIZE, (short) (entries - 1))
                .putShort(CNTLID, (short) controllerId)
                .array();
    }

    /** What is wrong with what a target says that accepts; null for nothing. Linux's target and SPDK's say how many receives they have. */
    static String problem(byte[] accepted, int entries) {
        var fields = ByteBuffer.wrap(accepted).order(ByteOrder.LITTLE_ENDIAN);
        if (accepted.length < Integer.BYTES) {
            return "it says " + accepted.length + " bytes of its queue";
        }
        int recfmt = Short.toUnsignedInt(fields.getShort(RECFMT));
        if (recfmt != 0) {
            return "it answers in record format " + recfmt;
        }
        int crqsize = Short.toUnsignedInt(fields.getShort(CRQSIZE));
        // Some say it 0's based.
        return crqsize != 0 && crqsize < entries - 1
                ? "it receives " + crqsize + " commands, and a queue of " + entries + " entries was wanted"
                : null;
    }

    /** Why a target rejects, in words. */
    static String reason(ConnectException refused) {
        if (refused.reason() == ConnectException.NO_ANSWER) {
            return "nobody answers";
        }
        if (refused.reason() == NOBODY_LISTENS) {
            return "nobody listens there";
        }
        if (refused.reason() != ConnectException.REJECTED) {
            return refused.getMessage();
        }
        var data = refused.privateData();
        int status = data.length < Integer.BYTES
                ? 0
                : Short.toUnsignedInt(
                        ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getShort(STS));
        return "it rejects the connection: "
                + switch (status) {
                    case 1 -> "the length of the private data";
                    case 2 -> "the record format";
                    case 3 -> "the queue id";
                    case 4 -> "its queues have fewer entries";
                    case 5 -> "the receives for answers are too few";
                    case 6 -> "it has no resources for one more";
                    case 7 -> "the reads that this device serves";
                    case 8 -> "the reads that this device makes";
                    case 9 -> "the controller id";
                    default -> "status " + status;
                };
    }
}
