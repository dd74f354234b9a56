package io.doorbell.pcie;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.ControllerStatus;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.Registers;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A controller without a thread: it does its work when it is rung, and its answers are right, but for those that it draws to be lies. What the host
 * names to it has to be right at all times: an address that is not mapped is an error of the test.
 */
final class LyingDevice implements PciFunction {
    private static final int DOORBELL_BYTES = 4096;
    private static final int MAX_ENTRIES = 64;
    private static final int PAGE_BYTES = 4096;
    private static final int[] NSIDS = {1, 2, 7};

    /** In so many lies about completions there is one that never comes: those cost the bound of a command. */
    private static final int LIES_TO_A_LOSS = 400;

    /** What is lied about. */
    enum Lie {
        REGISTER,
        ADMIN_COMPLETION,
        ADMIN_DATA,
        IO_COMPLETION,
        EVENT,
        EVENT_INDEX
    }

    private final Random random;
    private final EnumSet<Lie> about;
    private final double chance;
    private final NativeMemory doorbells = NativeMemory.allocate(DOORBELL_BYTES, MappingOptions.ORDINARY);

    // Guarded by this.
    private final TreeMap<Long, MemorySegment> mapped = new TreeMap<>();
    private final Map<Integer, Queue> queues = new HashMap<>();
    private final ArrayDeque<Integer> eventRequests = new ArrayDeque<>();
    private ControllerConfiguration cc = ControllerConfiguration.DISABLED;
    private ControllerStatus csts = ControllerStatus.NOT_READY;
    private int aqa;
    private long asq;
    private long acq;
    private int dstrd;
    private long eventIndexes;
    private boolean claimed;
    private String wild;

    /** Answers that were not as they should be. */
    long lies;

    LyingDevice(Random random, EnumSet<Lie> about, double chance) {
        this.random = random;
        this.about = about;
        this.chance = chance;
    }

    /** A pair of queues. */
    private static final class Queue {
        final int queueId;
        long submission;
        int submissionEntries;
        int head;
        long completion;
        int completionEntries;
        int tail;
        int phase = 1;

        Queue(int queueId) {
            this.queueId = queueId;
        }
    }

    /** What is not as it should be when nobody uses the device any more, or null. */
    synchronized String untidiness() {
        if (wild != null) {
            return wild;
        }
        return claimed ? "it is claimed" : mapped.isEmpty() ? null : mapped.size() + " blocks are mapped";
    }

    void close() {
        doorbells.close();
    }

    @Override
    public String address() {
        return "liar";
    }

    @Override
    public String transport() {
        return "EMULATED";
    }

    @Override
    public PciIdentity identity() {
        return new PciIdentity(1, 1, 1, 1, 0, 0x010802);
    }

    @Override
    public synchronized PciAccess open(String driver) {
        if (claimed) {
            throw new PciException("liar is claimed");
        }
        claimed = true;
        return new Access();
    }

    private boolean lies(Lie lie) {
        // The first about the admin queue is the last: the queue is not believed any more.
        double likely = lie == Lie.ADMIN_COMPLETION ? chance / 50 : chance;
        if (!about.contains(lie) || random.nextDouble() >= likely) {
            return false;
        }
        lies++;
        return true;
    }

    private long lie(long truth) {
        return switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> random.nextLong();
            case 3 -> truth + random.nextInt(3) - 1;
            default -> truth ^ 1L << random.nextInt(64);
        };
    }

    // ------ registers

    private synchronized long read(int offset) {
        long truth = switch (offset) {
            case Registers.CAP ->
                ControllerCapabilities.NONE
                        .withMaxQueueEntries(MAX_ENTRIES)
                        .withTimeoutMillis(500)
                        .withCss(ControllerCapabilities.CSS_NVM)
                        .raw();
            case Registers.VS -> 0x0002_0000;
            case Registers.CC -> cc.raw();
            case Registers.CSTS -> csts.raw();
            case Registers.CRTO -> 1;
            default -> 0;
        };
        long said = lies(Lie.REGISTER) ? lie(truth) : truth;
        if (offset == Registers.CAP && !cc.en()) {
            dstrd = new ControllerCapabilities(said).dstrd();
        }
        return said;
    }

    private synchronized void write(int offset, long value) {
        switch (offset) {
            case Registers.AQA -> aqa = (int) value;
            case Registers.ASQ -> asq = value;
            case Registers.ACQ -> acq = value;
            case Registers.CC -> configure(new ControllerConfiguration((int) value));
            default -> {}
        }
    }

    private void configure(ControllerConfiguration next) {
        if (next.en() && !cc.en()) {
            var admin = new Queue(0);
            admin.submission = asq;
            admin.submissionEntries = Registers.aqaSubmissionEntries(aqa);
            admin.completion = acq;
            admin.completionEntries = Registers.aqaCompletionEntries(aqa);
            queues.put(0, admin);
            doorbells.segment().fill((byte) 0);
        } else if (!next.en()) {
            queues.clear();
            eventRequests.clear();
            eventIndexes = 0;
        }
        csts = ControllerStatus.NOT_READY
                .withRdy(next.en())
                .withShst(
                        next.shn() == ControllerConfiguration.SHN_NONE
                                ? ControllerStatus.SHST_NORMAL
                                : ControllerStatus.SHST_COMPLETE);
        cc = next;
    }

    // ------ commands

    /** Does what there is to do. */
    synchronized void run() {
        for (var queue : queues.values().toArray(Queue[]::new)) {
            long word = Doorbell.shadowSubmissionTailOffset(queue.queueId, dstrd);
            if (queue.submission == 0 || word + Doorbell.SIZE_BYTES > DOORBELL_BYTES) {
                continue;
            }
            int tail = Doorbell.load(doorbells.segment(), word);
            if (eventIndexes != 0 && queue.queueId != 0) {
                tail = shadowed(word, tail);
            }
            if (tail < 0 || tail >= queue.submissionEntries) {
                wild = "tail " + tail + " of queue " + queue.queueId;
                return;
            }
            while (queue.head != tail && queues.get(queue.queueId) == queue) {
                fetch(queue);
            }
        }
        if (!eventRequests.isEmpty() && lies(Lie.EVENT)) {
            post(queues.get(0), eventRequests.pop(), 0, random.nextInt());
        }
    }

    private int shadowed(long word, int rung) {
        var shadow = memory(eventIndexes - PAGE_BYTES, PAGE_BYTES);
        var events = memory(eventIndexes, PAGE_BYTES);
        if (shadow == null || events == null) {
            return rung;
        }
        if (lies(Lie.EVENT_INDEX)) {
            Doorbell.store(events, word, (int) lie(Doorbell.load(events, word)));
        }
        return Doorbell.load(shadow, word);
    }

    private void fetch(Queue queue) {
        var ring = memory(queue.submission, (long) queue.submissionEntries * SubmissionEntry.SIZE_BYTES);
        if (ring == null) {
            return;
        }
        long entry = (long) queue.head * SubmissionEntry.SIZE_BYTES;
        queue.head = (queue.head + 1) % queue.submissionEntries;
        int cid = SubmissionEntry.cid(ring, entry);
        if (queue.queueId != 0) {
            answer(queue, cid, Status.SUCCESS, 0, Lie.IO_COMPLETION);
            return;
        }
        long result = 0;
        int status = Status.SUCCESS;
        switch (SubmissionEntry.opc(ring, entry)) {
            case AdminOpcode.IDENTIFY -> status = identify(ring, entry);
            case AdminOpcode.GET_LOG_PAGE -> data(ring, entry, new byte[bytesOfLogPage(ring, entry)]);
            case AdminOpcode.SET_FEATURES ->
                result = (SubmissionEntry.cdw10(ring, entry) & 0xFF) == FeatureId.NUMBER_OF_QUEUES ? 0x0003_0003 : 0;
            case AdminOpcode.CREATE_IO_COMPLETION_QUEUE -> status = completionQueue(ring, entry);
            case AdminOpcode.CREATE_IO_SUBMISSION_QUEUE -> submissionQueue(ring, entry);
            case AdminOpcode.DELETE_IO_SUBMISSION_QUEUE -> deleteQueue(SubmissionEntry.cdw10(ring, entry) & 0xFFFF);
            case AdminOpcode.DOORBELL_BUFFER_CONFIG -> eventIndexes = SubmissionEntry.prp2(ring, entry);
            case AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST -> {
                eventRequests.add(cid);
                return;
            }
            default -> {}
        }
        answer(queue, cid, status, result, Lie.ADMIN_COMPLETION);
    }

    /** Its own lies may have reached the ring: what it reads there need not be what the driver wrote. */
    private int completionQueue(MemorySegment ring, long entry) {
        int cdw10 = SubmissionEntry.cdw10(ring, entry);
        long word = Doorbell.shadowSubmissionTailOffset(cdw10 & 0xFFFF, dstrd);
        if ((cdw10 & 0xFFFF) == 0 || word + Doorbell.SIZE_BYTES > DOORBELL_BYTES) {
            return Status.INVALID_QUEUE_IDENTIFIER | Status.DNR;
        }
        var queue = new Queue(cdw10 & 0xFFFF);
        queue.completion = SubmissionEntry.prp1(ring, entry);
        queue.completionEntries = (cdw10 >>> 16) + 1;
        queues.put(queue.queueId, queue);
        Doorbell.store(doorbells.segment(), word, 0);
        return Status.SUCCESS;
    }

    private void deleteQueue(int queueId) {
        if (queueId != 0) {
            queues.remove(queueId);
        }
    }

    private void submissionQueue(MemorySegment ring, long entry) {
        int cdw10 = SubmissionEntry.cdw10(ring, entry);
        var queue = queues.get(cdw10 & 0xFFFF);
        if (queue != null) {
            queue.submissionEntries = (cdw10 >>> 16) + 1;
            queue.submission = SubmissionEntry.prp1(ring, entry);
        }
    }

    private static int bytesOfLogPage(MemorySegment ring, long entry) {
        int dwords = SubmissionEntry.cdw10(ring, entry) >>> 16 | SubmissionEntry.cdw11(ring, entry) << 16;
        return Math.min(PAGE_BYTES, (dwords + 1) * 4);
    }

    private int identify(MemorySegment ring, long entry) {
        var page = new byte[PAGE_BYTES];
        var data = MemorySegment.ofArray(page);
        switch (SubmissionEntry.cdw10(ring, entry) & 0xFF) {
            case IdentifyCns.CONTROLLER -> {
                IdentifyController.SN.set(data, "LIAR");
                IdentifyController.MN.set(data, "Liar");
                IdentifyController.FR.set(data, "1");
                IdentifyController.MDTS.set(data, 3);
                IdentifyController.SQES.set(data, 0x66);
                IdentifyController.CQES.set(data, 0x44);
                IdentifyController.AERL.set(data, 3);
                IdentifyController.OACS.set(data, IdentifyController.OACS_DOORBELL_BUFFER_CONFIG);
                IdentifyController.KAS.set(data, 1);
                IdentifyController.NN.set(data, 8);
            }
            case IdentifyCns.ACTIVE_NAMESPACE_LIST -> {
                int at = 0;
                for (int nsid : NSIDS) {
                    if (Integer.compareUnsigned(nsid, SubmissionEntry.nsid(ring, entry)) > 0) {
                        data.set(ValueLayout.JAVA_INT_UNALIGNED, at, nsid);
                        at += Integer.BYTES;
                    }
                }
            }
            case IdentifyCns.NAMESPACE -> {
                IdentifyNamespace.NSZE.set(data, 2048L);
                IdentifyNamespace.NCAP.set(data, 2048L);
                data.set(
                        ValueLayout.JAVA_INT_UNALIGNED,
                        IdentifyNamespace.LBAF0_OFFSET_BYTES,
                        IdentifyNamespace.LbaFormat.ofBlockBytes(512).raw());
            }
            case IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS -> {
                page[0] = 3;
                page[1] = 16;
                page[4] = 1;
            }
            default -> {
                return Status.INVALID_FIELD;
            }
        }
        data(ring, entry, page);
        return Status.SUCCESS;
    }

    private void data(MemorySegment ring, long entry, byte[] page) {
        if (lies(Lie.ADMIN_DATA)) {
            lieIn(page);
        }
        var to = memory(SubmissionEntry.prp1(ring, entry), Math.min(page.length, PAGE_BYTES));
        if (to != null) {
            to.copyFrom(MemorySegment.ofArray(page));
        }
    }

    private void lieIn(byte[] page) {
        switch (random.nextInt(8)) {
            case 0 -> random.nextBytes(page);
            case 1 -> java.util.Arrays.fill(page, (byte) -1);
            case 2 -> {
                // A list without an end, or out of order.
                var list = MemorySegment.ofArray(page);
                int step = random.nextInt(3);
                int first = random.nextInt();
                for (int i = 0; i < page.length / Integer.BYTES; i++) {
                    list.set(ValueLayout.JAVA_INT_UNALIGNED, (long) i * Integer.BYTES, first + i * step);
                }
            }
            default -> {
                int changes = 1 + random.nextInt(8);
                // Most of what is looked at stands in front.
                int within = random.nextBoolean() ? Math.min(600, page.length) : page.length;
                for (int i = 0; i < changes; i++) {
                    int at = random.nextInt(within);
                    page[at] = (byte) lie(page[at]);
                }
            }
        }
    }

    // ------ completions

    private void answer(Queue queue, int cid, int status, long result, Lie lie) {
        if (!lies(lie)) {
            post(queue, cid, status, result);
            return;
        }
        switch (random.nextInt(9)) {
            case 0 -> post(queue, cid ^ 1 << random.nextInt(16), status, result);
            case 1 -> post(queue, random.nextInt(1 << 16), status, result);
            case 2, 3 -> post(queue, cid, random.nextInt(1 << 15), random.nextLong());
            case 4 -> {
                post(queue, cid, status, result);
                post(queue, cid, status, result);
            }
            case 5 -> {
                post(queue, random.nextInt(1 << 16), status, result);
                post(queue, cid, status, result);
            }
            case 6 -> {
                garbage(queue);
                post(queue, cid, status, result);
            }
            case 7 -> write(queue, random.nextInt(1 << 16), random.nextInt(1 << 16), cid, status, result, queue.phase);
            default -> {
                // A phase that is not the present one: it is seen a round later, or never.
                int phase = random.nextInt(LIES_TO_A_LOSS) == 0 ? queue.phase ^ 1 : queue.phase;
                write(queue, random.nextInt(1 << 16), queue.queueId, cid, status, lie(result), phase);
            }
        }
    }

    private void garbage(Queue queue) {
        var ring = memory(queue.completion, (long) queue.completionEntries * CompletionEntry.SIZE_BYTES);
        if (ring != null) {
            long at = (long) random.nextInt(queue.completionEntries) * CompletionEntry.SIZE_BYTES;
            ring.set(ValueLayout.JAVA_LONG, at, random.nextLong());
            ring.set(ValueLayout.JAVA_LONG, at + Long.BYTES, random.nextLong());
        }
    }

    private void post(Queue queue, int cid, int status, long result) {
        write(queue, queue.head, queue.queueId, cid, status, result, queue.phase);
    }

    private void write(Queue queue, int sqhd, int sqid, int cid, int status, long result, int phase) {
        var ring = memory(queue.completion, (long) queue.completionEntries * CompletionEntry.SIZE_BYTES);
        if (ring == null) {
            return;
        }
        long entry = (long) queue.tail * CompletionEntry.SIZE_BYTES;
        CompletionEntry.post(ring, entry, result, sqhd, sqid, cid, status, phase);
        if (++queue.tail == queue.completionEntries) {
            queue.tail = 0;
            queue.phase ^= 1;
        }
    }

    /** What the host mapped at {@code iova}. */
    private MemorySegment memory(long iova, long bytes) {
        var block = mapped.floorEntry(iova);
        if (block == null || iova - block.getKey() > block.getValue().byteSize() - bytes) {
            wild = String.format("%d bytes at %Xh are named, and not mapped", bytes, iova);
            return null;
        }
        return block.getValue().asSlice(iova - block.getKey(), bytes);
    }

    private final class Access implements PciAccess {
        @Override
        public int readRegister32(int offset) {
            return (int) read(offset);
        }

        @Override
        public long readRegister64(int offset) {
            return read(offset);
        }

        @Override
        public void writeRegister32(int offset, int value) {
            write(offset, Integer.toUnsignedLong(value));
        }

        @Override
        public void writeRegister64(int offset, long value) {
            write(offset, value);
        }

        @Override
        public MemorySegment doorbells() {
            return doorbells.segment();
        }

        @Override
        public void doorbellStored() {
            run();
        }

        @Override
        public boolean wantsDoorbellSignal() {
            return true;
        }

        @Override
        public DmaMapping map(MemorySegment memory) {
            synchronized (LyingDevice.this) {
                mapped.put(memory.address(), memory);
            }
            return new DmaMapping() {
                @Override
                public long iova() {
                    return memory.address();
                }

                @Override
                public void close() {
                    synchronized (LyingDevice.this) {
                        mapped.remove(memory.address());
                    }
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
            synchronized (LyingDevice.this) {
                configure(ControllerConfiguration.DISABLED);
                claimed = false;
            }
        }
    }
}
