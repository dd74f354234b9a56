package io.doorbell.pcie;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.CoarseClock;
import io.doorbell.driver.DriverQueuePairControl;
import io.doorbell.driver.OwnedQueuePair;
import io.doorbell.driver.QueueAdmin;
import io.doorbell.driver.QueuePairHost;
import io.doorbell.driver.QueuePairParts;
import io.doorbell.driver.QueuePairSet;
import io.doorbell.driver.TrackedQueuePair;
import io.doorbell.host.CommandTimeout;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmeException;
import io.doorbell.pci.PciAccess;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The I/O queue pairs of a controller: ids, creation, deletion. Control plane, any thread; {@link #create} one at a time, and
 * not while the controller is reset.
 *
 * <p>An id is used again only when its queue pair is fenced: until then somebody may hold its doorbell words.
 */
final class QueuePairs {
    private static final Logger LOG = LoggerFactory.getLogger(QueuePairs.class);

    private static final int PHYSICALLY_CONTIGUOUS = 1;
    private static final int INTERRUPTS_ENABLED = 1 << 1;

    private final PciAccess access;
    private final String name;
    private final CoarseClock clock;
    private final PcieOptions options;
    private final InterruptVectors vectors;

    /** How long a new queue pair is not used. */
    private final Duration queuePause;

    private final QueueAdmin admin;
    private final QueuePairSet made;

    // Guarded by this.

    /** What the controller may yet reach, though nobody holds it: freed when it is disabled, or gone. */
    private final List<Unmade> unmade = new ArrayList<>();

    private DoorbellBuffers leftOver;

    QueuePairs(
            QueuePairSet made,
            PciAccess access,
            String name,
            CoarseClock clock,
            PcieOptions options,
            InterruptVectors vectors,
            Duration queuePause,
            QueueAdmin admin) {
        this.made = made;
        this.access = access;
        this.name = name;
        this.clock = clock;
        this.options = options;
        this.vectors = vectors;
        this.queuePause = queuePause;
        this.admin = admin;
    }

    /**
     * @throws NvmeException of kind {@code RESET} without status when the controller may have a queue that was not wanted in
     *     the end: its memory and id are kept until {@link #endAll}
     */
    DriverQueuePairControl create(BringUp.Running running, QueuePairOptions wanted, Arena arena, QueuePairHost host) {
        int queueId = made.takeId(running.common().info().ioQueuePairs(), wanted.label());
        QueueMemory memory;
        int entries = Math.min(
                wanted.queueEntries(), Math.min(running.common().info().maxQueueEntries(), QueuePairSet.MAX_ENTRIES));
        try {
            memory = new QueueMemory(
                    access,
                    entries,
                    running.common().limits().listBytes(),
                    running.sgl().supported() ? PrpPointers.SGL_BYTES : 0);
        } catch (RuntimeException refused) {
            made.giveBackId(queueId);
            throw refused;
        }
        var interrupt = wanted.path().interrupt().map(vectors::take).orElse(null);
        var making = new Making(running.common().admin(), queueId, entries, memory, interrupt);
        try {
            return create(running, wanted, arena, making, host);
        } catch (RuntimeException failed) {
            vectors.giveBack(interrupt);
            var left = new Unmade(queueId, memory);
            if (making.undone(failed)) {
                free(left, failed);
                throw failed;
            }
            keep(left);
            throw new NvmeException(
                    NvmeException.Kind.RESET,
                    name + ", creating a queue pair for " + wanted.label(),
                    failed.getMessage() + "; the controller does not say that its queues " + queueId + " are deleted",
                    failed);
        }
    }

    private DriverQueuePairControl create(
            BringUp.Running running, QueuePairOptions wanted, Arena arena, Making making, QueuePairHost host) {
        var info = running.common().info();
        var timeout = wanted.path()
                .timeout()
                .orElseGet(() -> new CommandTimeout(options.ioTimeout(), CommandTimeout.Action.ABORT_THEN_RESET));
        int queueId = making.queueId;
        int entries = making.entries;
        var memory = making.memory;
        long tailWord = Doorbell.shadowSubmissionTailOffset(queueId, running.dstrd());
        long headWord = Doorbell.shadowCompletionHeadOffset(queueId, running.dstrd());
        if (running.shadows() != null) {
            running.shadows().clear(tailWord);
            running.shadows().clear(headWord);
        }
        making.queues();
        ControllerRegisters.pause(queuePause);

        // The views last: what they show cannot be freed before their arena is closed, and that is not ours to do.
        var parts = new QueuePairParts(
                queueId,
                entries,
                name + " queue pair " + queueId + " (" + wanted.label() + ")",
                memory.submissionRing(arena),
                made.formats(),
                info.maxTransferBytes(),
                wanted.handler(),
                clock,
                timeout,
                QueuePairSet.ABORT_MILLIS,
                making.interrupt == null ? null : making.interrupt.sign(),
                running.common().retry(),
                wanted.path().injected(),
                host);
        var rings = new PcieQueuePair.Rings(
                memory.completionRing(arena),
                memory.prpLists(arena),
                new QueueDoorbells(words(running, tailWord, arena), words(running, headWord, arena), access),
                running.sgl());
        clock.notices(parts);
        return made.add(
                new PcieQueuePair(parts, rings), memory::close, admin, () -> vectors.giveBack(making.interrupt));
    }

    /** Queue memory without a queue pair. */
    private record Unmade(int queueId, QueueMemory memory) {}

    /** The two queues of a pair on their way to the controller, and back when the pair is not made. */
    private final class Making {
        private final AdminQueue queues;
        private final int queueId;
        private final int entries;
        private final QueueMemory memory;

        /** Null for queues that are polled. */
        private final InterruptVectors.Use interrupt;

        // Whether the controller has them. Said before it is asked to make one: it has it even when it does not answer.
        private boolean completionQueue;
        private boolean submissionQueue;

        /** It does not answer, nor aborts what it does not answer: to ask it for more is to wait as long again. */
        private boolean silent;

        Making(AdminQueue queues, int queueId, int entries, QueueMemory memory, InterruptVectors.Use interrupt) {
            this.queues = queues;
            this.queueId = queueId;
            this.entries = entries;
            this.memory = memory;
            this.interrupt = interrupt;
        }

        void queues() {
            var bound = options.adminTimeout();
            completionQueue = true;
            try {
                queues.executeWith(
                        createCompletionQueue(queueId, entries, interrupt), memory.completionIova(), 0, bound);
            } catch (NvmeException refused) {
                completionQueue = silent = !isRefusal(refused);
                throw refused;
            }
            submissionQueue = true;
            try {
                queues.executeWith(createSubmissionQueue(queueId, entries), memory.submissionIova(), 0, bound);
            } catch (NvmeException refused) {
                submissionQueue = silent = !isRefusal(refused);
                throw refused;
            }
        }

        /** Deletes what there is. Returns whether the controller has neither, for certain. */
        boolean undone(RuntimeException because) {
            if (silent) {
                return false;
            }
            var bound = options.adminTimeout();
            try {
                if (submissionQueue) {
                    queues.execute(delete(AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, queueId), null, bound);
                }
                if (completionQueue) {
                    queues.execute(delete(AdminOpcode.DELETE_IO_COMPLETION_QUEUE, queueId), null, bound);
                }
                return true;
            } catch (RuntimeException unsure) {
                because.addSuppressed(unsure);
                return false;
            }
        }

        /** Answered, or not even sent. */
        private static boolean isRefusal(NvmeException e) {
            return e.status().isPresent() || e.kind() == NvmeException.Kind.RETRY;
        }
    }

    private void keep(Unmade left) {
        synchronized (this) {
            unmade.add(left);
        }
        if (made.isEndedForGood()) {
            freeUnmade();
        }
    }

    private void freeUnmade() {
        List<Unmade> free;
        synchronized (this) {
            free = List.copyOf(unmade);
            unmade.clear();
        }
        for (var left : free) {
            free(left, null);
        }
    }

    /** Out of the device's reach. */
    private void free(Unmade left, RuntimeException because) {
        try {
            left.memory.close();
            made.giveBackId(left.queueId);
        } catch (RuntimeException e) {
            // Somebody's view is open.
            LOG.warn("{}: the memory of queues {} is lost: {}", name, left.queueId, e.getMessage());
            if (because != null) {
                because.addSuppressed(e);
            }
        }
    }

    private QueueDoorbells.Words words(BringUp.Running running, long offset, Arena arena) {
        var bar = MemoryView.within(access.doorbells().asSlice(offset, Doorbell.SIZE_BYTES), arena);
        var shadows = running.shadows();
        return shadows == null
                ? new QueueDoorbells.Words(bar, null, null)
                : new QueueDoorbells.Words(bar, shadows.shadow(offset, arena), shadows.eventIndex(offset, arena));
    }

    /** Has the controller delete both queues: commands first, then what they complete to. */
    void delete(AdminQueue queues, TrackedQueuePair pair, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        queues.executeOrReset(delete(AdminOpcode.DELETE_IO_SUBMISSION_QUEUE, pair.queueId()), bound);
        var left = Duration.ofNanos(deadline - System.nanoTime());
        queues.executeOrReset(delete(AdminOpcode.DELETE_IO_COMPLETION_QUEUE, pair.queueId()), left);
    }

    /** The device reaches none of them any more. */
    void endAll(OwnedQueuePair.Ending ending) {
        made.endAll(ending);
        freeUnmade();
    }

    /** As {@link #endAll}, for those to come too. */
    void endForGood(OwnedQueuePair.Ending ending) {
        made.endForGood(ending);
        freeUnmade();
    }

    /** Fenced. */
    void release(DriverQueuePairControl control) {
        made.release(control);
        closeLeftOver();
    }

    /** The controller is closed: frees its doorbell buffers, now or when the last queue pair is fenced. */
    void closed(DoorbellBuffers shadows) {
        synchronized (this) {
            leftOver = shadows;
        }
        if (made.size() > 0) {
            LOG.warn("{} is closed while {} queue pairs are not fenced; they are lost", name, made.size());
        }
        closeLeftOver();
    }

    private synchronized void closeLeftOver() {
        if (leftOver != null && made.size() == 0) {
            leftOver.close();
            leftOver = null;
        }
    }

    /** NVMe Base 2.1 §5.2.1 "Create I/O Completion Queue command". */
    private static NvmCommand createCompletionQueue(int queueId, int entries, InterruptVectors.Use interrupt) {
        var command = new NvmCommand().reset(AdminOpcode.CREATE_IO_COMPLETION_QUEUE, 0);
        command.cdw10 = queueId | entries - 1 << 16;
        command.cdw11 = PHYSICALLY_CONTIGUOUS | (interrupt == null ? 0 : INTERRUPTS_ENABLED | interrupt.vector() << 16);
        return command;
    }

    /** NVMe Base 2.1 §5.2.2 "Create I/O Submission Queue command". Completes to the queue of the same id. */
    private static NvmCommand createSubmissionQueue(int queueId, int entries) {
        var command = new NvmCommand().reset(AdminOpcode.CREATE_IO_SUBMISSION_QUEUE, 0);
        command.cdw10 = queueId | entries - 1 << 16;
        command.cdw11 = PHYSICALLY_CONTIGUOUS | queueId << 16;
        return command;
    }

    private static NvmCommand delete(int opcode, int queueId) {
        var command = new NvmCommand().reset(opcode, 0);
        command.cdw10 = queueId;
        return command;
    }
}
