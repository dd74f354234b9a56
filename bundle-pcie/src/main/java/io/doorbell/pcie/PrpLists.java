package io.doorbell.pcie;

import io.doorbell.nvme.PrpMath;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One PRP list for each slot of a queue pair: room for the pages of its longest transfer. Data is contiguous to the device,
 * so pages are arithmetic; a list is as long as the next power of two, so it never leaves its page and never chains.
 * NVMe Base 2.1 §4.3.1 "Physical Region Page Entry and List".
 *
 * <p>Owner: the thread that owns the queue pair.
 */
final class PrpLists {
    /** What one list in one page describes: with PRP 1 that is one page more than this, so any alignment fits. */
    static final int MAX_TRANSFER_BYTES = PrpMath.entriesPerListPage(PrpMath.PAGE_BYTES) * PrpMath.PAGE_BYTES;

    private static final int PAGE_BYTES = PrpMath.PAGE_BYTES;
    private static final int PAGE_SHIFT = Integer.numberOfTrailingZeros(PAGE_BYTES);
    private static final VarHandle ENTRY =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();

    private final MemorySegment lists;
    private final long iova;
    private final int listShift;

    PrpLists(MemorySegment lists, long iova, int maxTransferBytes) {
        this(lists, iova, maxTransferBytes, 0);
    }

    /** @param leastBytes room that each slot has at least, a power of two, for lists of other sorts; 0 for none */
    PrpLists(MemorySegment lists, long iova, int maxTransferBytes, int leastBytes) {
        this.lists = lists;
        this.iova = iova;
        listShift = listShift(maxTransferBytes, leastBytes);
    }

    /** Bytes that the lists of so many slots take. */
    static long bytes(int slots, int maxTransferBytes) {
        return bytes(slots, maxTransferBytes, 0);
    }

    static long bytes(int slots, int maxTransferBytes, int leastBytes) {
        return (long) slots << listShift(maxTransferBytes, leastBytes);
    }

    private static int listShift(int maxTransferBytes, int leastBytes) {
        return Math.max(
                listShift(maxTransferBytes), Integer.numberOfTrailingZeros(Math.max(PrpMath.ENTRY_BYTES, leastBytes)));
    }

    MemorySegment segment() {
        return lists;
    }

    long iova() {
        return iova;
    }

    /** Where a slot's list begins. */
    long slotOffset(int slot) {
        return (long) slot << listShift;
    }

    int slotBytes() {
        return 1 << listShift;
    }

    void entry(int slot, int index, long page) {
        ENTRY.set(lists, slotOffset(slot) + (long) index * PrpMath.ENTRY_BYTES, page);
    }

    private static int listShift(int maxTransferBytes) {
        int entries = Math.max(1, maxTransferBytes >>> PAGE_SHIFT);
        return Integer.SIZE - Integer.numberOfLeadingZeros(entries * PrpMath.ENTRY_BYTES - 1);
    }

    /** PRP 2 of a transfer of {@code bytes}, at least 1, from {@code dataIova} on; writes the slot's list where one is needed. */
    long prp2(int slot, long dataIova, long bytes) {
        long second = (dataIova & -PAGE_BYTES) + PAGE_BYTES;
        long rest = dataIova + bytes - second;
        if (rest <= 0) {
            return 0;
        }
        return rest <= PAGE_BYTES ? second : list(slot, second, rest);
    }

    private long list(int slot, long second, long rest) {
        long start = (long) slot << listShift;
        long entry = start;
        long end = second + rest;
        for (long page = second; page < end; page += PAGE_BYTES) {
            ENTRY.set(lists, entry, page);
            entry += PrpMath.ENTRY_BYTES;
        }
        return iova + start;
    }
}
