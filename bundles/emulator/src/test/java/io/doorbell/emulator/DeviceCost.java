package io.doorbell.emulator;

import io.doorbell.backends.NullBackend;
import io.doorbell.nvme.CompletionEntry;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import io.doorbell.target.TargetSubsystem;
import java.time.Duration;
import java.util.Arrays;

/**
 * What the device's side of a 4 KiB read costs its thread, without what passing cache lines between two cores costs: one thread is host
 * and device in turn, and only the device's turns are timed. A program, not a test; least and median of many batches, so that it
 * tells something on a busy machine too.
 */
final class DeviceCost {
    private static final int ENTRIES = 256;
    private static final int ROUNDS = 40_000;

    private DeviceCost() {}

    public static void main(String[] arguments) {
        for (int i = 0; i < 2; i++) {
            run("bare model      ", new BareSubsystem(0));
            try (var subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:cost", "1", "cost")) {
                subsystem.addNamespace(1, new NullBackend().open(NamespaceSpec.parse("null:1GiB:512")));
                run("subsystem, null ", subsystem);
            }
        }
    }

    private static void run(String what, TargetSubsystem subsystem) {
        try (var reactors = new ReactorPool(ReactorOptions.DEFAULT);
                var function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
                var host = new RawHost(function, 8 << 20)) {
            host.enable();
            host.configureDoorbellBuffers();
            var queue = host.createQueue(1, ENTRIES);
            long data = host.pages(ENTRIES).address();
            for (int depth : new int[] {1, 32, 64, 32, 64}) {
                var result = function.reactor()
                        .call(() -> measure(function, host, queue, data, depth), Duration.ofSeconds(60));
                System.out.printf(
                        "%s depth %3d: least %5.1f, median %5.1f ns per command%n", what, depth, result[0], result[1]);
            }
        }
    }

    private static double[] measure(
            EmulatedFunction function, RawHost host, RawHost.Queue queue, long data, int depth) {
        var controller = function.controller();
        var nanos = new long[ROUNDS];
        long tailDoorbell = Doorbell.shadowSubmissionTailOffset(1, host.dstrd);
        long headDoorbell = Doorbell.shadowCompletionHeadOffset(1, host.dstrd);
        for (int round = 0; round < ROUNDS; round++) {
            int tail = queue.tail;
            for (int i = 0; i < depth; i++) {
                SubmissionEntry.encodeReadWrite(
                        queue.submissions,
                        (long) tail * SubmissionEntry.SIZE_BYTES,
                        NvmOpcode.READ,
                        tail,
                        1,
                        tail,
                        7,
                        data + tail * 4096L,
                        0);
                tail = tail + 1 == queue.size ? 0 : tail + 1;
            }
            queue.tail = tail;
            Doorbell.store(host.shadow, tailDoorbell, tail);
            long start = System.nanoTime();
            controller.poll(start);
            nanos[round] = System.nanoTime() - start;
            for (int i = 0; i < depth; i++) {
                if (CompletionEntry.status(CompletionEntry.tail(
                                        queue.cq.ring, (long) queue.cq.head * CompletionEntry.SIZE_BYTES))
                                != 0
                        || queue.cq.poll() == null) {
                    throw new AssertionError("command " + i + " of " + depth + " did not succeed");
                }
            }
            Doorbell.store(host.shadow, headDoorbell, queue.cq.head);
        }
        var settled = Arrays.copyOfRange(nanos, ROUNDS / 2, ROUNDS);
        Arrays.sort(settled);
        return new double[] {
            settled[settled.length / 100] / (double) depth, settled[settled.length / 2] / (double) depth
        };
    }
}
