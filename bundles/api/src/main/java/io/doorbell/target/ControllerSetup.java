package io.doorbell.target;

/**
 * What a transport says of the controller it is the face of.
 *
 * @param name for messages and management
 * @param pci true for a memory-based controller (PCI), false for a message-based one (fabrics)
 * @param maxQueueEntries CAP.MQES + 1
 * @param maxIoQueuePairs the most that Number of Queues grants
 * @param doorbellStride CAP.DSTRD
 * @param maxTransferPages the longest transfer in pages of 4096 bytes, a power of two; MDTS is made of it
 * @param doorbellBufferConfig whether Doorbell Buffer Config is offered
 * @param sgls the SGLS field of Identify Controller
 * @param attachAll whether every namespace of the subsystem is attached from the start
 */
public record ControllerSetup(
        String name,
        boolean pci,
        int maxQueueEntries,
        int maxIoQueuePairs,
        int doorbellStride,
        int maxTransferPages,
        boolean doorbellBufferConfig,
        int sgls,
        boolean attachAll) {}
