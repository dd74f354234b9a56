package io.doorbell.host;

/**
 * What Identify Controller and the registers say, for people and for policy.
 *
 * @param maxTransferBytes MDTS in bytes, bounded by what the driver can describe
 * @param ioQueuePairs queue pairs the controller granted (Number of Queues)
 * @param maxQueueEntries largest queue (CAP.MQES + 1)
 * @param shadowDoorbells whether Doorbell Buffer Config is in use
 * @param raw the 4096 bytes of Identify Controller
 */
public record ControllerInfo(
        String serial,
        String model,
        String firmware,
        int version,
        int controllerId,
        int maxTransferBytes,
        int ioQueuePairs,
        int maxQueueEntries,
        boolean shadowDoorbells,
        byte[] raw) {}
