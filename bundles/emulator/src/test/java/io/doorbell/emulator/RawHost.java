package io.doorbell.emulator;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.EventIndex;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.pci.PciAccess;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/** A host without a driver: writes entries into memory of its own and rings doorbells, right or wrong as a test needs it. One thread. */
final class RawHost implements AutoCloseable {
    static final int PAGE_BYTES = 4096;
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    final PciAccess access;
    final int dstrd;
    final NativeMemory memory;
    private final PciAccess.DmaMapping mapping;
    private long used;
    Queue admin;

    /** Pages of Doorbell Buffer Config, once there are. */
    MemorySegment shadow;

    MemorySegment eventIndexes;
    int doorbellsRung;

    RawHost(EmulatedFunction function, int memoryBytes) {
        access = function.open("raw host");
        dstrd = (int) (access.readRegister64(Registers.CAP) >>> 32) & 0xF;
        memory = NativeMemory.allocate(memoryBytes, MappingOptions.ORDINARY);
        mapping = access.map(memory.segment());
    }

    /** Whole pages. */
    MemorySegment pages(int count) {
        var slice = memory.segment().asSlice(used, (long) count * PAGE_BYTES);
        used += slice.byteSize();
        return slice;
    }

    void enable() {
        enable(32);
    }

    void enable(int adminEntries) {
        admin = new Queue(0, adminEntries, adminEntries);
        access.writeRegister32(Registers.AQA, Registers.aqa(adminEntries, adminEntries));
        access.writeRegister64(Registers.ASQ, admin.submissions.address());
        access.writeRegister64(Registers.ACQ, admin.completions.address());
        access.writeRegister32(
                Registers.CC,
                ControllerConfiguration.DISABLED
                        .withIosqes(6)
                        .withIocqes(4)
                        .withEn(true)
                        .raw());
        awaitReady(true);
    }

    void disable() {
        access.writeRegister32(Registers.CC, 0);
        awaitReady(false);
    }

    void awaitReady(boolean ready) {
        long start = System.nanoTime();
        while (csts().rdy() != ready) {
            patience(start, "CSTS.RDY to be " + ready + ", is " + csts());
        }
    }

    ControllerStatus csts() {
        return new ControllerStatus(access.readRegister32(Registers.CSTS));
    }

    static void patience(long start, String what) {
        if (System.nanoTime() - start > PATIENCE_NANOS) {
            throw new AssertionError("waited in vain for " + what);
        }
        Thread.onSpinWait();
    }

    /** An admin command; returns its completion. */
    Completion admin(int opc, int nsid, long prp1, int cdw10, int cdw11) {
        return admin(opc, nsid, prp1, 0, cdw10, cdw11);
    }

    Completion admin(int opc, int nsid, long prp1, long prp2, int cdw10, int cdw11) {
        admin.stage(opc, 0, nsid, prp1, prp2, cdw10, cdw11, 0);
        admin.ring();
        return admin.await();
    }

    Queue createQueue(int qid, int entries) {
        return createQueue(qid, entries, qid, null);
    }

    /** A submission queue with a completion queue of its own, or with that of another. */
    Queue createQueue(int qid, int entries, int cqid, Queue shared) {
        return createQueue(qid, entries, cqid, shared, 1);
    }

    /** Whose completion queue interrupts. */
    Queue createInterruptingQueue(int qid, int entries, int vector) {
        return createQueue(qid, entries, qid, null, vector << 16 | 3);
    }

    private Queue createQueue(int qid, int entries, int cqid, Queue shared, int completionFlags) {
        var queue = new Queue(qid, entries, entries);
        if (shared == null) {
            var made = admin(
                    AdminOpcode.CREATE_IO_COMPLETION_QUEUE,
                    0,
                    queue.completions.address(),
                    entries - 1 << 16 | cqid,
                    completionFlags);
            if (made.status != Status.SUCCESS) {
                throw new AssertionError("completion queue " + qid + ": " + made);
            }
        } else {
            queue.cq = shared.cq;
        }
        var made = admin(
                AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
                0,
                queue.submissions.address(),
                entries - 1 << 16 | qid,
                cqid << 16 | 1);
        if (made.status != Status.SUCCESS) {
            throw new AssertionError("submission queue " + qid + ": " + made);
        }
        return queue;
    }

    int deleteSubmissionQueue(int qid) {
        return admin(AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, 0, 0, qid, 0).status;
    }

    int deleteCompletionQueue(int qid) {
        return admin(AdminOpcode.DELETE_IO_COMPLETION_QUEUE, 0, 0, qid, 0).status;
    }

    void configureDoorbellBuffers() {
        shadow = pages(1);
        eventIndexes = pages(1);
        int status =
                admin(AdminOpcode.DOORBELL_BUFFER_CONFIG, 0, shadow.address(), eventIndexes.address(), 0, 0).status;
        if (status != Status.SUCCESS) {
            throw new AssertionError(Status.name(status));
        }
    }

    /** Stores a doorbell as a driver does: to the shadow first, where there is one, and to the real one if asked for. */
    void store(int qid, boolean completionHead, int oldValue, int newValue) {
        long offset = completionHead
                ? Doorbell.shadowCompletionHeadOffset(qid, dstrd)
                : Doorbell.shadowSubmissionTailOffset(qid, dstrd);
        if (shadow != null && qid != 0) {
            Doorbell.store(shadow, offset, newValue);
            VarHandle.fullFence();
            if (!EventIndex.needsNotification(Doorbell.load(eventIndexes, offset) & 0xFFFF, newValue, oldValue)) {
                return;
            }
        }
        Doorbell.store(access.doorbells(), offset, newValue);
        access.doorbellStored();
        doorbellsRung++;
    }

    record Completion(int cid, int status, long result, int sqid, int sqhd) {
        @Override
        public String toString() {
            return "cid " + cid + ": " + new Status(status);
        }
    }

    /** The completion side, which submission queues may share. */
    final class Cq {
        final int qid;
        final int size;
        final MemorySegment ring;
        int head;
        int phase = 1;
        int rung;

        Cq(int qid, int size, MemorySegment ring) {
            this.qid = qid;
            this.size = size;
            this.ring = ring;
        }

        Completion poll() {
            long at = (long) head * CompletionEntry.SIZE_BYTES;
            long tail = CompletionEntry.tail(ring, at);
            if (CompletionEntry.phase(tail) != phase) {
                return null;
            }
            var completion = new Completion(
                    CompletionEntry.cid(tail),
                    CompletionEntry.status(tail),
                    CompletionEntry.dw01(ring, at),
                    CompletionEntry.sqid(tail),
                    CompletionEntry.sqhd(tail));
            if (++head == size) {
                head = 0;
                phase ^= 1;
            }
            return completion;
        }

        void ringHead() {
            store(qid, true, rung, head);
            rung = head;
        }
    }

    final class Queue {
        final int qid;
        final int size;
        final MemorySegment submissions;
        final MemorySegment completions;
        Cq cq;
        int tail;
        int rung;
        int nextCid;

        Queue(int qid, int entries, int completionEntries) {
            this.qid = qid;
            size = entries;
            submissions = pages(Math.ceilDiv(entries * SubmissionEntry.SIZE_BYTES, PAGE_BYTES));
            completions = pages(Math.ceilDiv(completionEntries * CompletionEntry.SIZE_BYTES, PAGE_BYTES));
            submissions.fill((byte) 0);
            completions.fill((byte) 0);
            cq = new Cq(qid, completionEntries, completions);
        }

        int stage(int opc, int flags, int nsid, long prp1, long prp2, int cdw10, int cdw11, int cdw12) {
            int cid = nextCid++ & 0xFFFF;
            SubmissionEntry.encode(
                    submissions,
                    (long) tail * SubmissionEntry.SIZE_BYTES,
                    opc,
                    flags,
                    cid,
                    nsid,
                    0,
                    prp1,
                    prp2,
                    cdw10,
                    cdw11,
                    cdw12,
                    0,
                    0,
                    0);
            tail = tail + 1 == size ? 0 : tail + 1;
            return cid;
        }

        /** Read, Write or Compare of blocks of 512 bytes. */
        int stageIo(int opc, long slba, int blocks, long prp1, long prp2) {
            return stage(opc, 0, 1, prp1, prp2, (int) slba, (int) (slba >>> 32), blocks - 1);
        }

        void ring() {
            store(qid, false, rung, tail);
            rung = tail;
        }

        /** The next completion, consumed. */
        Completion await() {
            long start = System.nanoTime();
            while (true) {
                var completion = cq.poll();
                if (completion != null) {
                    cq.ringHead();
                    return completion;
                }
                patience(start, "a completion in queue " + qid);
            }
        }

        List<Completion> await(int count) {
            var all = new ArrayList<Completion>();
            while (all.size() < count) {
                all.add(await());
            }
            return all;
        }

        Completion io(int opc, long slba, int blocks, long prp1, long prp2) {
            stageIo(opc, slba, blocks, prp1, prp2);
            ring();
            return await();
        }
    }

    @Override
    public void close() {
        access.close();
        mapping.close();
        memory.close();
    }
}
