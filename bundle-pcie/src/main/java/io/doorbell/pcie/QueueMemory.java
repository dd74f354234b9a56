package io.doorbell.pcie;

import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The rings and PRP lists of one queue pair, in one region: submission queue, completion queue, lists. The memory is the
 * driver's; the queue pair reaches it through views.
 */
final class QueueMemory implements AutoCloseable {
    private final DmaRegion region;
    private final int entries;
    private final int listBytes;
    private final int leastListBytes;
    private final long completionOffset;
    private final long listOffset;

    /**
     * @param listBytes the longest transfer that is to be described
     * @param leastListBytes room of each list at least
     */
    QueueMemory(PciAccess access, int entries, int listBytes, int leastListBytes) {
        this.entries = entries;
        this.listBytes = listBytes;
        this.leastListBytes = leastListBytes;
        completionOffset = DmaRegion.roundUpToPages((long) entries * SubmissionEntry.SIZE_BYTES);
        listOffset = completionOffset + DmaRegion.roundUpToPages((long) entries * CompletionEntry.SIZE_BYTES);
        region = DmaRegion.allocate(access, listOffset + listsBytes());
    }

    long submissionIova() {
        return region.iova();
    }

    long completionIova() {
        return region.iova() + completionOffset;
    }

    long listIova() {
        return region.iova() + listOffset;
    }

    MemorySegment submissionRing(Arena arena) {
        return region.view(0, (long) entries * SubmissionEntry.SIZE_BYTES, arena);
    }

    MemorySegment completionRing(Arena arena) {
        return region.view(completionOffset, (long) entries * CompletionEntry.SIZE_BYTES, arena);
    }

    PrpLists prpLists(Arena arena) {
        return new PrpLists(
                region.view(listOffset, listsBytes(), arena), region.iova() + listOffset, listBytes, leastListBytes);
    }

    /** See {@link DmaRegion#close}. */
    @Override
    public void close() {
        region.close();
    }

    private long listsBytes() {
        return PrpLists.bytes(entries, listBytes, leastListBytes);
    }
}
