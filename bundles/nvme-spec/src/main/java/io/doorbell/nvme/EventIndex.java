package io.doorbell.nvme;

/**
 * When a shadow doorbell is not enough. NVMe Base 2.1 §B.5 "Updating Controller Doorbell Properties using a Shadow
 * Doorbell Buffer", and §5.2.5 "Doorbell Buffer Config command".
 *
 * <p>The host stores each new tail (or head) in the shadow buffer and rings the real doorbell only when it moved past
 * the index at which the controller asked to be woken. Between the store to the shadow and the load of the event index
 * stands a full fence ({@code VarHandle.fullFence()}), and the controller does the mirror image (store the event
 * index, full fence, read the shadow once more). With anything less both may see the old value, and the command waits
 * until the next one.
 */
public final class EventIndex {
    private EventIndex() {}

    /**
     * True when {@code eventIndex} is one of {@code oldValue, oldValue + 1, ... newValue - 1} modulo 65,536, the form of
     * virtio's {@code vring_need_event} and of Linux.
     *
     * <p>Doorbell values wrap at the queue size, not at 65,536. The test stays exact: a wrap only adds indexes between
     * the queue size and 65,535, which no valid event index has.
     */
    public static boolean needsNotification(int eventIndex, int newValue, int oldValue) {
        return (newValue - eventIndex - 1 & 0xFFFF) < (newValue - oldValue & 0xFFFF);
    }
}
