package io.doorbell.pcie;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.BounceBuffers;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.MemorySegment;

/** The admin queue pair of a controller over PCI: rings in memory, doorbells in BAR0. */
final class PcieAdminQueue extends AdminQueue {
    private final DmaRegion rings;
    private final BounceMemory bounce;
    private final MemorySegment submissionRing;
    private final MemorySegment completionRing;
    private final MemorySegment tailDoorbell;
    private final MemorySegment headDoorbell;
    private final PciAccess signalled;
    private final int entries;
    private final long completionOffset;

    // Guarded by the lock.
    private int tail;
    private int head;
    private int phase = 1;

    /** The buffers' memory, and PRP lists for it. */
    private record BounceMemory(DmaRegion data, DmaRegion lists, PrpLists prps) implements AutoCloseable {
        static BounceMemory allocate(PciAccess access) {
            var data = DmaRegion.allocate(access, BounceBuffers.BYTES);
            try {
                int most = BounceBuffers.BUFFER_BYTES;
                var lists = DmaRegion.allocate(access, PrpLists.bytes(BounceBuffers.COUNT, most));
                return new BounceMemory(data, lists, new PrpLists(lists.segment(), lists.iova(), most));
            } catch (RuntimeException refused) {
                data.close();
                throw refused;
            }
        }

        long iova(BounceBuffers.Buffer buffer) {
            return data.iova() + (long) buffer.index() * BounceBuffers.BUFFER_BYTES;
        }

        long prp2(BounceBuffers.Buffer buffer) {
            return buffer.dataBytes() == 0 ? 0 : prps.prp2(buffer.index(), iova(buffer), buffer.dataBytes());
        }

        @Override
        public void close() {
            lists.close();
            data.close();
        }
    }

    static PcieAdminQueue make(PciAccess access, int entries, int dstrd, String name, Listener listener) {
        long bytes = DmaRegion.roundUpToPages((long) entries * SubmissionEntry.SIZE_BYTES)
                + (long) entries * CompletionEntry.SIZE_BYTES;
        var rings = DmaRegion.allocate(access, bytes);
        try {
            return new PcieAdminQueue(access, rings, BounceMemory.allocate(access), entries, dstrd, name, listener);
        } catch (RuntimeException refused) {
            rings.close();
            throw refused;
        }
    }

    private PcieAdminQueue(
            PciAccess access,
            DmaRegion rings,
            BounceMemory bounce,
            int entries,
            int dstrd,
            String name,
            Listener listener) {
        super(entries, name, new BounceBuffers(bounce.data().segment()), listener);
        this.entries = entries;
        this.rings = rings;
        this.bounce = bounce;
        completionOffset = DmaRegion.roundUpToPages((long) entries * SubmissionEntry.SIZE_BYTES);
        submissionRing = rings.segment().asSlice(0, (long) entries * SubmissionEntry.SIZE_BYTES);
        completionRing = rings.segment().asSlice(completionOffset, (long) entries * CompletionEntry.SIZE_BYTES);
        var doorbells = access.doorbells();
        tailDoorbell = doorbells.asSlice(Doorbell.shadowSubmissionTailOffset(QUEUE_ID, dstrd), Doorbell.SIZE_BYTES);
        headDoorbell = doorbells.asSlice(Doorbell.shadowCompletionHeadOffset(QUEUE_ID, dstrd), Doorbell.SIZE_BYTES);
        signalled = access.wantsDoorbellSignal() ? access : null;
    }

    long submissionIova() {
        return rings.iova();
    }

    long completionIova() {
        return rings.iova() + completionOffset;
    }

    @Override
    protected void put(AdminRequest request, int cid) {
        encode(request, cid);
        tail = tail + 1 == entries ? 0 : tail + 1;
        Doorbell.store(tailDoorbell, 0, tail);
    }

    private void encode(AdminRequest request, int cid) {
        var command = request.command();
        var buffer = request.buffer();
        long entry = (long) tail * SubmissionEntry.SIZE_BYTES;
        SubmissionEntry.encode(
                submissionRing,
                entry,
                command.opc,
                SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, SubmissionEntry.PSDT_PRP),
                cid,
                command.nsid,
                0,
                buffer == null ? request.prp1() : bounce.iova(buffer),
                buffer == null ? request.prp2() : bounce.prp2(buffer),
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
        SubmissionEntry.cdw2(submissionRing, entry, command.cdw2);
        SubmissionEntry.cdw3(submissionRing, entry, command.cdw3);
    }

    @Override
    protected void wasPut() {
        if (signalled != null) {
            signalled.doorbellStored();
        }
    }

    /** How the JVM reports SIGBUS: the pages of the BAR have gone, with the device. */
    @Override
    protected String unreachable(InternalError fault) {
        return name + ": storing to an admin doorbell failed: " + fault.getMessage();
    }

    @Override
    public int reap() {
        try {
            return reapAll();
        } catch (InternalError fault) {
            breach(unreachable(fault));
            return 0;
        }
    }

    private int reapAll() {
        int taken = 0;
        while (taken < entries) {
            AdminRequest request;
            long entry;
            long result;
            lock.lock();
            try {
                // First: the rings of a queue that has failed may be freed.
                if (hasFailed()) {
                    return taken;
                }
                long offset = (long) head * CompletionEntry.SIZE_BYTES;
                entry = CompletionEntry.tail(completionRing, offset);
                if (CompletionEntry.phase(entry) != phase) {
                    return taken;
                }
                result = CompletionEntry.dw01(completionRing, offset);
                head++;
                if (head == entries) {
                    head = 0;
                    phase ^= 1;
                }
                request = CompletionEntry.sqid(entry) == QUEUE_ID ? claim(CompletionEntry.cid(entry)) : null;
                Doorbell.store(headDoorbell, 0, head);
            } finally {
                lock.unlock();
            }
            taken++;
            if (request == null) {
                breach(String.format(
                        "%s: admin completion with cid %04Xh, sqid %d, status %s: no such command is in flight",
                        name,
                        CompletionEntry.cid(entry),
                        CompletionEntry.sqid(entry),
                        Status.name(CompletionEntry.status(entry))));
                return taken;
            }
            request.complete(CompletionEntry.status(entry), result);
        }
        return taken;
    }

    @Override
    public void close() {
        super.close();
        bounce.close();
        rings.close();
    }
}
