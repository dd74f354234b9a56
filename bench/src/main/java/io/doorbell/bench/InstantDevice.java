package io.doorbell.bench;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.nvme.Version;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A device that costs next to nothing, to measure a driver with: one I/O queue pair, whose commands end with success the
 * moment {@link #serve} is called, by whoever calls it. It reads a command's id and nothing else of it. Its admin queue
 * is answered by a thread of its own and knows what bring-up needs. No shadow doorbells.
 */
final class InstantDevice implements PciFunction, PciAccess {
    private static final int QUEUE_ENTRIES = 1024;
    private static final int BLOCK_SHIFT = 12;
    private static final long BLOCKS = 1L << 28;
    private static final int DSTRD = 4;
    private static final int CSTS_READY = 1;
    private static final int CSTS_SHUTDOWN_COMPLETE = 2 << 2;
    private static final long ADMIN_NAP_NANOS = 200_000;
    private static final long CAP = ControllerCapabilities.NONE
            .withMaxQueueEntries(QUEUE_ENTRIES)
            .withCqr(true)
            .withTimeoutMillis(1000)
            .withDstrd(DSTRD)
            .withCss(ControllerCapabilities.CSS_NVM)
            .raw();

    private final Arena arena = Arena.ofShared();
    private final MemorySegment doorbells = arena.allocate(64 << 10, 4096);
    private final ConcurrentSkipListMap<Long, MemorySegment> mapped = new ConcurrentSkipListMap<>();
    private volatile int cc;
    private volatile int csts;
    private volatile int aqa;
    private volatile long asq;
    private volatile long acq;
    private volatile Thread adminThread;

    // The I/O queue pair; its rings are set by the admin thread before the creating command is answered.
    private MemorySegment submissions;
    private MemorySegment completions;
    private int entries;
    private int head;
    private int completionTail;
    private int phase;

    /** One side of a queue pair: fetches what the tail doorbell covers and ends it. Returns how many. */
    int serve() {
        int tail = Doorbell.load(doorbells, Doorbell.shadowSubmissionTailOffset(1, DSTRD));
        int at = head;
        int to = completionTail;
        int count = 0;
        while (at != tail) {
            int cid = SubmissionEntry.cid(submissions, (long) at * SubmissionEntry.SIZE_BYTES);
            at = at + 1 == entries ? 0 : at + 1;
            CompletionEntry.post(completions, (long) to * CompletionEntry.SIZE_BYTES, 0, at, 1, cid, 0, phase);
            if (++to == entries) {
                to = 0;
                phase ^= 1;
            }
            count++;
        }
        head = at;
        completionTail = to;
        return count;
    }

    @Override
    public String address() {
        return "instant";
    }

    @Override
    public String transport() {
        return "EMULATED";
    }

    @Override
    public PciIdentity identity() {
        return new PciIdentity(0, 0, 0, 0, 0, PciIdentity.NVME_CLASS_CODE);
    }

    @Override
    public PciAccess open(String driver) {
        return this;
    }

    @Override
    public int readRegister32(int offset) {
        return switch (offset) {
            case Registers.VS -> Version.NVME_2_0.raw();
            case Registers.CC -> cc;
            case Registers.CSTS -> csts;
            case Registers.AQA -> aqa;
            default -> 0;
        };
    }

    @Override
    public long readRegister64(int offset) {
        return offset == Registers.CAP ? CAP : 0;
    }

    @Override
    public void writeRegister32(int offset, int value) {
        if (offset == Registers.AQA) {
            aqa = value;
        } else if (offset == Registers.CC) {
            configure(value);
        }
    }

    private synchronized void configure(int value) {
        cc = value;
        boolean enable = new ControllerConfiguration(value).en();
        if (enable && adminThread == null) {
            // Known before it runs: it goes on for as long as it is the one.
            adminThread = Thread.ofPlatform().daemon().name("instant-admin").unstarted(this::answerAdmin);
            adminThread.start();
        } else if (!enable) {
            adminThread = null;
        }
        // Ready as long as it is enabled; a shutdown is complete at once.
        boolean shutdown = new ControllerConfiguration(value).shn() != 0;
        csts = (enable ? CSTS_READY : 0) | (shutdown ? CSTS_SHUTDOWN_COMPLETE : 0);
    }

    @Override
    public void writeRegister64(int offset, long value) {
        if (offset == Registers.ASQ) {
            asq = value;
        } else if (offset == Registers.ACQ) {
            acq = value;
        }
    }

    private void answerAdmin() {
        var queue = at(asq);
        var answers = at(acq);
        int size = Registers.aqaSubmissionEntries(aqa);
        int index = 0;
        int answer = 0;
        int answerPhase = 1;
        while (adminThread == Thread.currentThread()) {
            if (Doorbell.load(doorbells, Doorbell.shadowSubmissionTailOffset(0, DSTRD)) == index) {
                LockSupport.parkNanos(ADMIN_NAP_NANOS); // The processors are for what is measured.
                continue;
            }
            long entry = (long) index * SubmissionEntry.SIZE_BYTES;
            index = index + 1 == size ? 0 : index + 1;
            int opc = SubmissionEntry.opc(queue, entry);
            if (opc == AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST) {
                continue; // Nothing ever happens here.
            }
            int cid = SubmissionEntry.cid(queue, entry);
            long offset = (long) answer * CompletionEntry.SIZE_BYTES;
            CompletionEntry.post(answers, offset, 0, index, 0, cid, admin(queue, entry, opc), answerPhase);
            if (++answer == Registers.aqaCompletionEntries(aqa)) {
                answer = 0;
                answerPhase ^= 1;
            }
        }
    }

    private int admin(MemorySegment queue, long entry, int opc) {
        int cdw10 = SubmissionEntry.cdw10(queue, entry);
        switch (opc) {
            case AdminOpcode.IDENTIFY -> {
                return identify(cdw10 & 0xFF, SubmissionEntry.prp1(queue, entry));
            }
            case AdminOpcode.CREATE_IO_COMPLETION_QUEUE -> {
                completions = at(SubmissionEntry.prp1(queue, entry));
                entries = (cdw10 >>> 16) + 1;
                completionTail = 0;
                phase = 1;
            }
            case AdminOpcode.CREATE_IO_SUBMISSION_QUEUE -> {
                submissions = at(SubmissionEntry.prp1(queue, entry));
                head = 0;
                Doorbell.store(doorbells, Doorbell.shadowSubmissionTailOffset(1, DSTRD), 0);
            }
            default -> {}
        }
        return Status.SUCCESS; // Set Features, Number of Queues, answers 0: one queue pair.
    }

    private int identify(int cns, long iova) {
        var data = at(iova);
        switch (cns) {
            case IdentifyCns.CONTROLLER -> {
                data.asSlice(0, 4096).fill((byte) 0);
                IdentifyController.SN.set(data, "INSTANT");
                IdentifyController.MN.set(data, "Instant device");
                IdentifyController.SQES.set(data, 0x66);
                IdentifyController.CQES.set(data, 0x44);
                IdentifyController.NN.set(data, 1);
                IdentifyController.MDTS.set(data, 5);
            }
            case IdentifyCns.NAMESPACE -> {
                data.asSlice(0, 4096).fill((byte) 0);
                IdentifyNamespace.NSZE.set(data, BLOCKS);
                IdentifyNamespace.NCAP.set(data, BLOCKS);
                data.set(ValueLayout.JAVA_INT_UNALIGNED, 128, BLOCK_SHIFT << 16); // LBA format 0: LBADS.
            }
            case IdentifyCns.ACTIVE_NAMESPACE_LIST -> {
                data.asSlice(0, 4096).fill((byte) 0);
                data.set(ValueLayout.JAVA_INT_UNALIGNED, 0, 1);
            }
            default -> {
                return Status.INVALID_FIELD;
            }
        }
        return Status.SUCCESS;
    }

    private MemorySegment at(long iova) {
        Map.Entry<Long, MemorySegment> region = mapped.floorEntry(iova);
        return region.getValue().asSlice(iova - region.getKey());
    }

    @Override
    public MemorySegment doorbells() {
        return doorbells;
    }

    @Override
    public void doorbellStored() {}

    @Override
    public boolean wantsDoorbellSignal() {
        return false;
    }

    @Override
    public DmaMapping map(MemorySegment memory) {
        long iova = memory.address();
        mapped.put(iova, memory);
        return new DmaMapping() {
            @Override
            public long iova() {
                return iova;
            }

            @Override
            public void close() {
                mapped.remove(iova);
            }
        };
    }

    @Override
    public void onRemoval(Consumer<String> listener) {}

    @Override
    public boolean removed() {
        return false;
    }

    @Override
    public void close() {
        configure(0);
    }
}
