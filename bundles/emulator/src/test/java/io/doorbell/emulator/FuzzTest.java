package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A host that means no good, or has lost its mind: the device lives on, and is as new after a reset. The whole controller side is real. */
class FuzzTest {
    private static final int[] ADMIN = {
        AdminOpcode.DELETE_IO_SUBMISSION_QUEUE,
        AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
        AdminOpcode.GET_LOG_PAGE,
        AdminOpcode.DELETE_IO_COMPLETION_QUEUE,
        AdminOpcode.CREATE_IO_COMPLETION_QUEUE,
        AdminOpcode.IDENTIFY,
        AdminOpcode.ABORT,
        AdminOpcode.SET_FEATURES,
        AdminOpcode.GET_FEATURES,
        AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST,
        AdminOpcode.NAMESPACE_MANAGEMENT,
        AdminOpcode.NAMESPACE_ATTACHMENT,
        AdminOpcode.KEEP_ALIVE,
        AdminOpcode.DOORBELL_BUFFER_CONFIG
    };
    private static final int[] IO = {
        NvmOpcode.FLUSH,
        NvmOpcode.WRITE,
        NvmOpcode.READ,
        NvmOpcode.COMPARE,
        NvmOpcode.WRITE_ZEROES,
        NvmOpcode.DATASET_MANAGEMENT,
        NvmOpcode.VERIFY
    };

    private final SplittableRandom random = Seed.random("fuzz");
    private RawHost host;
    private MemorySegment memory;

    @Test
    void survivesAnyHost() {
        try (var reactors = new ReactorPool(new ReactorOptions(false, 200, 20));
                var subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:fuzz", "1", "fuzz");
                var function = EmulatedFunction.create(
                        EmulatorSettings.of("nvme0").withIoQueuePairs(4).withMaxQueueEntries(64),
                        subsystem,
                        reactors)) {
            subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512")));
            for (int life = 0; life < 25; life++) {
                try (var mad = new RawHost(function, 2 << 20)) {
                    host = mad;
                    memory = mad.memory.segment();
                    for (int reset = 0; reset < 4; reset++) {
                        oneReset(function);
                    }
                }
            }
            // Any host may format a namespace, so the blocks of the first may have another length by now.
            subsystem.removeNamespace(1);
            subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:1MiB:512")));
            try (var sane = new RawHost(function, 1 << 20)) {
                sane.enable();
                assertThat(sane.createQueue(1, 16)
                                .io(NvmOpcode.READ, 0, 8, sane.pages(1).address(), 0)
                                .status())
                        .isEqualTo(Status.SUCCESS);
            }
            assertThat(function.reactor().statistics().pollerFailures()).isZero();
            int failures = function.reactor().call(() -> function.controller().failures(), Duration.ofSeconds(5));
            assertThat(failures).as("commands that ended by an exception").isZero();
        }
    }

    private void oneReset(EmulatedFunction function) {
        host.enable(16);
        var queues = new RawHost.Queue[] {host.admin, host.createQueue(1, 16), host.createQueue(2, 8)};
        for (int step = 0; step < 60; step++) {
            var queue = queues[random.nextInt(queues.length)];
            int count = random.nextInt(queue.size);
            for (int i = 0; i < count; i++) {
                entry(queue, queue.qid == 0);
            }
            int tail = random.nextInt(60) == 0 ? random.nextInt() : queue.tail;
            Doorbell.store(host.access.doorbells(), Doorbell.shadowSubmissionTailOffset(queue.qid, host.dstrd), tail);
            if (random.nextInt(3) > 0) {
                int head = random.nextInt(30) == 0 ? random.nextInt() : drained(queue);
                Doorbell.store(
                        host.access.doorbells(), Doorbell.shadowCompletionHeadOffset(queue.qid, host.dstrd), head);
            }
            host.access.doorbellStored();
            if (random.nextInt(4) == 0) {
                function.reactor().call(() -> null, Duration.ofSeconds(5));
            }
        }
        assertThat(host.csts().isGone()).isFalse();
        host.disable();
    }

    private static int drained(RawHost.Queue queue) {
        // Bounded, since the device may write over the ring what looks like completions without end.
        for (int i = 0; i < queue.size && queue.cq.poll() != null; i++) {
            // Taken.
        }
        return queue.cq.head;
    }

    /** A command that is right but for some fields, or noise. */
    private void entry(RawHost.Queue queue, boolean admin) {
        long at = (long) queue.tail * SubmissionEntry.SIZE_BYTES;
        if (random.nextInt(10) == 0) {
            for (int i = 0; i < SubmissionEntry.SIZE_BYTES; i += 8) {
                queue.submissions.set(ValueLayout.JAVA_LONG_UNALIGNED, at + i, random.nextLong());
            }
        } else {
            var opcodes = admin ? ADMIN : IO;
            SubmissionEntry.encode(
                    queue.submissions,
                    at,
                    opcodes[random.nextInt(opcodes.length)],
                    random.nextInt(4) > 0 ? 0 : random.nextInt(256),
                    random.nextInt(1 << 16),
                    random.nextInt(8) > 0 ? 1 : random.nextInt(),
                    random.nextLong(),
                    pointer(),
                    pointer(),
                    number(),
                    number(),
                    number(),
                    number(),
                    number(),
                    number());
        }
        queue.tail = queue.tail + 1 == queue.size ? 0 : queue.tail + 1;
    }

    private int number() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> random.nextInt(16) << 16 | random.nextInt(5);
            default -> random.nextInt(32);
        };
    }

    private long pointer() {
        return switch (random.nextInt(12)) {
            case 0 -> random.nextLong();
            case 1 -> memory.address() + random.nextLong(memory.byteSize());
            case 2 -> 0;
            // An SGL descriptor's second half: length and type.
            case 3 -> (long) random.nextInt(64) << 58 | random.nextInt(20_000);
            default -> memory.address() + random.nextLong(memory.byteSize() / 4096) * 4096;
        };
    }
}
