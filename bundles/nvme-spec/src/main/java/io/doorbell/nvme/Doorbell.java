package io.doorbell.nvme;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Doorbell registers: where they are, and the one store that rings them. NVMe over PCIe 1.1 §3.1.2 "PCI Express
 * Transport Specific Property Definitions".
 *
 * <p>The shadow doorbell and event index buffers of NVMe Base 2.1 §5.2.5 "Doorbell Buffer Config command" have the same
 * order and stride, but start at offset 0.
 */
public final class Doorbell {
    /** Offset of the first doorbell, the admin submission queue's tail, in BAR0. */
    public static final int BASE_BYTES = 0x1000;

    public static final int SIZE_BYTES = 4;

    private static final VarHandle VALUE = LE.LE32.varHandle().withInvokeExactBehavior();

    private Doorbell() {}

    /** Offset in BAR0 of the submission queue tail doorbell of {@code qid}; {@code dstrd} as in CAP. */
    public static long submissionTailOffset(int qid, int dstrd) {
        return BASE_BYTES + shadowSubmissionTailOffset(qid, dstrd);
    }

    /** Offset in BAR0 of the completion queue head doorbell of {@code qid}. */
    public static long completionHeadOffset(int qid, int dstrd) {
        return BASE_BYTES + shadowCompletionHeadOffset(qid, dstrd);
    }

    /** Offset of the submission queue tail in a shadow doorbell buffer, and of its event index in the other buffer. */
    public static long shadowSubmissionTailOffset(int qid, int dstrd) {
        return 2L * qid * strideBytes(dstrd);
    }

    /** Offset of the completion queue head in a shadow doorbell buffer, and of its event index in the other buffer. */
    public static long shadowCompletionHeadOffset(int qid, int dstrd) {
        return (2L * qid + 1) * strideBytes(dstrd);
    }

    /** Distance between two doorbells in bytes: 4 at {@code dstrd} 0. */
    public static int strideBytes(int dstrd) {
        return SIZE_BYTES << dstrd;
    }

    public static void store(MemorySegment doorbells, long offset, int value) {
        // Release: the device must see the entries before the index. That is enough, because nothing has to be ordered
        // behind this store: on x86-64 stores leave a core in order, and a register page is mapped uncached, so the
        // CPU neither merges nor delays it past earlier stores to ordinary memory. Who reads an event index
        // afterwards needs a full fence in between, see EventIndex.
        VALUE.setRelease(doorbells, offset, value);
    }

    /** What the other side stored, with everything it stored before. */
    public static int load(MemorySegment doorbells, long offset) {
        return (int) VALUE.getAcquire(doorbells, offset);
    }
}
