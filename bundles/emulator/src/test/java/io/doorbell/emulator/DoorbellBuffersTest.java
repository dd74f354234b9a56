package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.resources.reactor.ReactorOptions;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Shadow doorbells: no doorbell while the device looks, no wakeup lost when it sleeps. */
class DoorbellBuffersTest extends DeviceTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** Longer than any schedule, shorter than the longest sleep of a reactor (1 s), after which it would look anyway. */
    private static final long LOST_NANOS = TimeUnit.MILLISECONDS.toNanos(900);

    private long page;

    @BeforeEach
    void enable() {
        host.enable();
        page = host.pages(1).address();
        // So that no tick hides a lost wakeup.
        onDevice(() -> function.controller().tickNanos = TimeUnit.HOURS.toNanos(1));
    }

    private void awaitParked() {
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(1))
                .until(() -> function.reactor().statistics().parked());
    }

    @Test
    void sleepsWithoutUsingTheCpuAndIsWokenByADoorbell() {
        host.configureDoorbellBuffers();
        var queue = host.createQueue(1, 16);
        queue.io(NvmOpcode.READ, 0, 1, page, 0);
        awaitParked();
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = function.reactor().thread().threadId();
        long cpuBefore = threads.getThreadCpuTime(id);
        long before = System.nanoTime();
        await().atMost(BOUND).pollDelay(Duration.ofMillis(500)).until(() -> true);

        double share = (threads.getThreadCpuTime(id) - cpuBefore) / (double) (System.nanoTime() - before);

        assertThat(share).isLessThan(0.01);
        assertThat(Doorbell.load(host.eventIndexes, Doorbell.shadowSubmissionTailOffset(1, host.dstrd)))
                .isEqualTo(queue.tail);
        int rung = host.doorbellsRung;
        assertThat(queue.io(NvmOpcode.READ, 0, 1, page, 0).status()).isEqualTo(Status.SUCCESS);
        assertThat(host.doorbellsRung).isGreaterThan(rung);
    }

    @Test
    void asksForNoDoorbellWhileItLooks() {
        function.close();
        // Yields between cycles, and never sleeps.
        reactors.configure(new ReactorOptions(false, 0, ReactorOptions.MAX_CYCLES));
        function = EmulatedFunction.create(settings(), subsystem, reactors);
        host.close();
        host = new RawHost(function, 4 << 20);
        host.enable();
        host.configureDoorbellBuffers();
        page = host.pages(1).address();
        var queue = host.createQueue(1, 64);
        int rung = host.doorbellsRung;

        for (int i = 0; i < 300; i++) {
            int count = 1 + i % 16;
            for (int j = 0; j < count; j++) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            }
            queue.ring();
            queue.await(count);
        }

        assertThat(host.doorbellsRung).isEqualTo(rung);
    }

    @Test
    void losesNoWakeup() {
        function.close();
        // Asks to sleep in every other cycle, so that sleeping and ringing meet all the time.
        reactors.configure(new ReactorOptions(false, 0, 1));
        function = EmulatedFunction.create(settings(), subsystem, reactors);
        host.close();
        host = new RawHost(function, 4 << 20);
        host.enable();
        onDevice(() -> function.controller().tickNanos = TimeUnit.HOURS.toNanos(1));
        host.configureDoorbellBuffers();
        page = host.pages(1).address();
        var queue = host.createQueue(1, 8);
        var random = Seed.random("wakeups");
        for (int i = 0; i < 2_000; i++) {
            for (int spin = random.nextInt(2_000); spin > 0; spin--) {
                Thread.onSpinWait();
            }
            int count = 1 + random.nextInt(7);
            for (int j = 0; j < count; j++) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            }
            long start = System.nanoTime();
            queue.ring();

            queue.await(count);

            assertThat(System.nanoTime() - start).as("command " + i).isLessThan(LOST_NANOS);
        }
        assertThat(function.reactor().statistics().parks()).isPositive();
    }

    @Test
    void asksForTheCompletionHeadWhenItSleepsForWantOfRoom() {
        host.configureDoorbellBuffers();
        var first = host.createQueue(1, 4);
        var second = host.createQueue(2, 4, 1, first);
        for (var queue : new RawHost.Queue[] {first, second}) {
            for (int i = 0; i < 3; i++) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
            }
            queue.ring();
        }
        awaitParked();
        int rung = host.doorbellsRung;
        long start = System.nanoTime();

        assertThat(first.await(6)).hasSize(6);

        assertThat(host.doorbellsRung).isGreaterThan(rung);
        assertThat(System.nanoTime() - start).isLessThan(LOST_NANOS);
    }

    @Test
    void takesUpQueuesThatWereThereBefore() {
        var queue = host.createQueue(1, 8);
        for (int i = 0; i < 5; i++) {
            queue.io(NvmOpcode.READ, 0, 1, page, 0);
        }

        host.configureDoorbellBuffers();

        assertThat(Doorbell.load(host.shadow, Doorbell.shadowSubmissionTailOffset(1, host.dstrd)))
                .isEqualTo(5);
        for (int i = 0; i < 20; i++) {
            assertThat(queue.io(NvmOpcode.READ, 0, 1, page, 0).status()).isEqualTo(Status.SUCCESS);
        }
    }

    @Test
    void refusesPagesThatAreNone() {
        long good = host.pages(1).address();
        long other = host.pages(1).address();

        for (var pages : new long[][] {{good + 8, other}, {good, other + 4}, {0, other}, {good, -4096}, {good, good}}) {
            var completion = host.admin(AdminOpcode.DOORBELL_BUFFER_CONFIG, 0, pages[0], pages[1], 0, 0);
            assertThat(Status.code(completion.status())).isEqualTo(Status.INVALID_FIELD);
        }
    }

    @Test
    void isNotOfferedWhereItIsSwitchedOff() {
        host.close();
        function.close();
        function = EmulatedFunction.create(settings().withShadowDoorbells(false), subsystem, reactors);
        host = new RawHost(function, 4 << 20);
        host.enable();
        var completion = host.admin(
                AdminOpcode.DOORBELL_BUFFER_CONFIG,
                0,
                host.pages(1).address(),
                host.pages(1).address(),
                0,
                0);

        assertThat(Status.code(completion.status())).isEqualTo(Status.INVALID_OPCODE);
    }

    @Test
    void servesThirtyOneQueuesOfOnePage() {
        host.close();
        function.close();
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
        host = new RawHost(function, 4 << 20);
        host.enable();
        host.configureDoorbellBuffers();
        page = host.pages(1).address();
        var queues = new RawHost.Queue[31];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = host.createQueue(i + 1, 8);
        }

        for (int round = 0; round < 5; round++) {
            for (var queue : queues) {
                queue.stageIo(NvmOpcode.READ, 0, 1, page, 0);
                queue.ring();
            }
            for (var queue : queues) {
                assertThat(queue.await().status()).isEqualTo(Status.SUCCESS);
            }
        }
    }
}
