package io.doorbell.host;

import io.doorbell.nvme.IdentifyController;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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
        byte[] raw) {

    /** The same with what Identify Controller says now; limits stay as they were agreed on at bring-up. */
    public ControllerInfo identifiedAs(MemorySegment identity) {
        return new ControllerInfo(
                IdentifyController.SN.get(identity),
                IdentifyController.MN.get(identity),
                IdentifyController.FR.get(identity),
                version,
                controllerId,
                maxTransferBytes,
                ioQueuePairs,
                maxQueueEntries,
                shadowDoorbells,
                identity.toArray(ValueLayout.JAVA_BYTE));
    }
}
