package io.doorbell.pcie;

import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.EventIndex;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The two doorbells of a queue pair, by which its owner tells the device how far it has come: in BAR0, and in the shadow
 * buffer where Doorbell Buffer Config is in use. Each segment is exactly one word, and lives as long as the lease.
 *
 * <p>Owner: the thread that owns the queue pair.
 */
final class QueueDoorbells {
    /**
     * The words of one queue.
     *
     * @param bar in BAR0
     * @param shadow in the shadow buffer, null where there is none
     * @param eventIndex in the event index buffer, null where there is none
     */
    record Words(MemorySegment bar, MemorySegment shadow, MemorySegment eventIndex) {}

    private final MemorySegment tailBar;
    private final MemorySegment tailShadow;
    private final MemorySegment tailEvent;
    private final MemorySegment headBar;
    private final MemorySegment headShadow;
    private final MemorySegment headEvent;
    private final PciAccess signalled;

    /** What the device was told last. */
    int tailRung;

    int headRung;

    // Read by others through QueuePairCounters.
    long tailBarStores;
    long tailShadowStores;
    long headStores;

    /** {@code access} hears of stores to BAR0 if it {@linkplain PciAccess#wantsDoorbellSignal wants to}. */
    QueueDoorbells(Words submissionTail, Words completionHead, PciAccess access) {
        tailBar = submissionTail.bar();
        tailShadow = submissionTail.shadow();
        tailEvent = submissionTail.eventIndex();
        headBar = completionHead.bar();
        headShadow = completionHead.shadow();
        headEvent = completionHead.eventIndex();
        signalled = access.wantsDoorbellSignal() ? access : null;
    }

    /**
     * Tells the device what it does not know yet.
     *
     * <p>The head goes first: a device that has seen the new tail has seen the new head too, so it never holds commands
     * for which it does not know of a free completion entry. With as many completion as submission entries, and one
     * command less in flight than that, the completion queue cannot overflow.
     */
    void ring(int head, int tail) {
        if (tailShadow == null) {
            ringBar(head, tail);
            return;
        }
        int oldHead = headRung;
        int oldTail = tailRung;
        if (head != oldHead) {
            Doorbell.store(headShadow, 0, head);
            headRung = head;
            headStores++;
        }
        if (tail != oldTail) {
            Doorbell.store(tailShadow, 0, tail);
            tailRung = tail;
            tailShadowStores++;
        }
        // Full: the loads of the event indexes must not pass the stores to the shadows, see EventIndex. One for both.
        VarHandle.fullFence();
        boolean rang = false;
        if (head != oldHead && EventIndex.needsNotification(Doorbell.load(headEvent, 0), head, oldHead)) {
            Doorbell.store(headBar, 0, head);
            rang = true;
        }
        if (tail != oldTail && EventIndex.needsNotification(Doorbell.load(tailEvent, 0), tail, oldTail)) {
            Doorbell.store(tailBar, 0, tail);
            tailBarStores++;
            rang = true;
        }
        if (rang && signalled != null) {
            signalled.doorbellStored();
        }
    }

    private void ringBar(int head, int tail) {
        boolean rang = false;
        if (head != headRung) {
            Doorbell.store(headBar, 0, head);
            headRung = head;
            headStores++;
            rang = true;
        }
        if (tail != tailRung) {
            Doorbell.store(tailBar, 0, tail);
            tailRung = tail;
            tailBarStores++;
            rang = true;
        }
        if (rang && signalled != null) {
            signalled.doorbellStored();
        }
    }
}
