package io.doorbell.emulator;

import io.doorbell.backends.NullBackend;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.CpuAffinity;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.TargetSubsystem;
import java.lang.foreign.MemorySegment;

/**
 * How many 4 KiB reads a second the device answers, when the host does next to nothing: ring, doorbell, phase. A program, not a test:
 * {@code java -cp … io.doorbell.emulator.Throughput [seconds]}.
 */
final class Throughput {
    private static final int QUEUE_ENTRIES = 256;
    private static final long WINDOW_NANOS = 10_000_000;

    private Throughput() {}

    public static void main(String[] arguments) {
        int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 2;
        run("bare model", new BareSubsystem(0), seconds);
        try (var subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:throughput", "1", "throughput")) {
            subsystem.addNamespace(1, new NullBackend().open(NamespaceSpec.parse("null:1GiB:512")));
            run("subsystem, null", subsystem, seconds);
        }
    }

    static void run(String what, TargetSubsystem subsystem, int seconds) {
        try (var reactors = new ReactorPool(ReactorOptions.DEFAULT);
                var function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
                var host = new RawHost(function, 8 << 20)) {
            host.enable();
            host.configureDoorbellBuffers();
            CpuAffinity.pinCurrentThread(CpuAffinity.processCpus().nextSetBit(0));
            var queue = host.createQueue(1, QUEUE_ENTRIES);
            var data = host.pages(QUEUE_ENTRIES);
            for (int depth : new int[] {1, 32, 128, 1, 32, 128}) {
                measure(what, host, queue, data, depth, seconds);
            }
        }
    }

    private static void measure(
            String what, RawHost host, RawHost.Queue queue, MemorySegment data, int depth, int seconds) {
        long start = System.nanoTime();
        long end = start + seconds * 1_000_000_000L;
        long done = 0;
        long batches = 0;
        int inFlight = 0;
        // The best window tells what the pair can do when nobody else has the processors.
        long windowStart = start;
        long windowDone = 0;
        double best = 0;
        for (long now = start; now - end < 0; now = System.nanoTime()) {
            if (now - windowStart > WINDOW_NANOS) {
                best = Math.max(best, (done - windowDone) * 1e3 / (now - windowStart));
                windowStart = now;
                windowDone = done;
            }
            for (int round = 0; round < 1000; round++) {
                int reaped = reap(queue, depth);
                inFlight -= reaped;
                if (reaped > 0) {
                    queue.cq.ringHead();
                    done += reaped;
                    batches++;
                } else {
                    Thread.onSpinWait();
                }
                if (inFlight < depth) {
                    stage(queue, data.address(), depth - inFlight);
                    inFlight = depth;
                    queue.ring();
                }
            }
        }
        long took = System.nanoTime() - start;
        while (inFlight > 0) {
            inFlight -= reap(queue, depth);
            queue.cq.ringHead();
        }
        System.out.printf(
                "%-16s depth %3d: %6.2f M/s, best %d ms %6.2f M/s = %5.1f ns per command; %.1f a batch, %d doorbells%n",
                what,
                depth,
                done * 1e3 / took,
                WINDOW_NANOS / 1_000_000,
                best,
                1e3 / best,
                done / (double) Math.max(1, batches),
                host.doorbellsRung);
    }

    private static int reap(RawHost.Queue queue, int limit) {
        var cq = queue.cq;
        var ring = cq.ring;
        int head = cq.head;
        int phase = cq.phase;
        int count = 0;
        while (count < limit) {
            long tail = CompletionEntry.tail(ring, (long) head * CompletionEntry.SIZE_BYTES);
            if (CompletionEntry.phase(tail) != phase) {
                break;
            }
            if (CompletionEntry.status(tail) != 0) {
                throw new AssertionError("status " + CompletionEntry.status(tail));
            }
            if (++head == cq.size) {
                head = 0;
                phase ^= 1;
            }
            count++;
        }
        cq.head = head;
        cq.phase = phase;
        return count;
    }

    private static void stage(RawHost.Queue queue, long iova, int count) {
        var ring = queue.submissions;
        int tail = queue.tail;
        for (int i = 0; i < count; i++) {
            SubmissionEntry.encodeReadWrite(
                    ring,
                    (long) tail * SubmissionEntry.SIZE_BYTES,
                    NvmOpcode.READ,
                    tail,
                    1,
                    tail,
                    7,
                    iova + tail * 4096L,
                    0);
            if (++tail == queue.size) {
                tail = 0;
            }
        }
        queue.tail = tail;
    }
}
