package io.doorbell.target;

/**
 * What a transport says of the controller it is the face of.
 *
 * @param name for messages and management
 * @param pci true for a memory-based controller (PCI), false for a message-based one (fabrics)
 * @param vendorId VID and SSVID of Identify Controller: as in configuration space, 0 on fabrics
 * @param maxQueueEntries CAP.MQES + 1
 * @param maxIoQueuePairs the most that Number of Queues grants
 * @param doorbellStride CAP.DSTRD
 * @param maxTransferPages the longest transfer in pages of 4096 bytes, a power of two; MDTS is made of it
 * @param doorbellBufferConfig whether Doorbell Buffer Config is offered
 * @param sgls the SGLS field of Identify Controller
 * @param attachAll whether every namespace of the subsystem is attached from the start, and new ones as they come
 * @param inCapsuleBytes data that a command of an I/O queue may bring along, a multiple of 16; 0 on PCI
 * @param sglDescriptors the most descriptors of data in a capsule (MSDBD); of no meaning on PCI
 */
public record ControllerSetup(
        String name,
        boolean pci,
        int vendorId,
        int maxQueueEntries,
        int maxIoQueuePairs,
        int doorbellStride,
        int maxTransferPages,
        boolean doorbellBufferConfig,
        int sgls,
        boolean attachAll,
        int inCapsuleBytes,
        int sglDescriptors) {

    /** Without data in capsules. */
    public ControllerSetup(
            String name,
            boolean pci,
            int vendorId,
            int maxQueueEntries,
            int maxIoQueuePairs,
            int doorbellStride,
            int maxTransferPages,
            boolean doorbellBufferConfig,
            int sgls,
            boolean attachAll) {
        this(
                name,
                pci,
                vendorId,
                maxQueueEntries,
                maxIoQueuePairs,
                doorbellStride,
                maxTransferPages,
                doorbellBufferConfig,
                sgls,
                attachAll,
                0,
                1);
    }

    public ControllerSetup {
        if (maxIoQueuePairs < 1 || maxIoQueuePairs > 65_535) {
            throw new IllegalArgumentException("I/O queue pairs of " + name + ": " + maxIoQueuePairs + ", 1 to 65535");
        }
        if (Integer.bitCount(maxTransferPages) != 1 || maxTransferPages < 2 || maxTransferPages > 1 << 18) {
            // 2 pages and up: an Identify structure that straddles a page must fit; 1 GiB keeps byte counts an int.
            throw new IllegalArgumentException(
                    "transfer pages of " + name + ": " + maxTransferPages + ", a power of two from 2 to 262144");
        }
    }

    public int maxTransferBytes() {
        return maxTransferPages * 4096;
    }
}
