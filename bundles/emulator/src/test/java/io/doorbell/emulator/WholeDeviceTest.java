package io.doorbell.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.backends.FileBackend;
import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.resources.reactor.ReactorOptions;
import io.doorbell.resources.reactor.ReactorPool;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.subsystem.NvmSubsystem;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The device with the subsystem and the backends of a node behind it. */
class WholeDeviceTest {
    private static final int BLOCKS = 1024;
    private static final int IO_BLOCKS = 8;
    private static final int IO_BYTES = IO_BLOCKS * 512;

    @TempDir
    private Path directory;

    private final ReactorPool reactors = new ReactorPool(new ReactorOptions(false, 200, 20));
    private final NvmSubsystem subsystem = new NvmSubsystem("nqn.2026-01.io.doorbell:whole", "1", "whole");
    private EmulatedFunction function;
    private RawHost host;

    @BeforeEach
    void open() {
        subsystem.addNamespace(1, new MemoryBackend().open(NamespaceSpec.parse("memory:512KiB:512")));
        subsystem.addNamespace(2, new FileBackend(directory, 2).open(NamespaceSpec.parse("file:512KiB:512:n2.img")));
        function = EmulatedFunction.create(EmulatorSettings.of("nvme0"), subsystem, reactors);
        host = new RawHost(function, 8 << 20);
        host.enable();
    }

    @AfterEach
    void close() {
        host.close();
        function.close();
        subsystem.close();
        reactors.close();
    }

    @Test
    void tellsWhatThePciFaceCanDo() {
        var page = host.pages(1);

        assertThat(host.admin(AdminOpcode.IDENTIFY, 0, page.address(), IdentifyCns.CONTROLLER, 0)
                        .status())
                .isEqualTo(Status.SUCCESS);

        assertThat(1 << IdentifyController.MDTS.get(page)).isEqualTo(256);
        assertThat(IdentifyController.SGLS.get(page)).isEqualTo(EmulatedController.SGLS);
        assertThat(IdentifyController.OACS.get(page) >> 8 & 1)
                .as("Doorbell Buffer Config")
                .isEqualTo(1);
        // Number of Queues: 4 of each are granted as asked, 0's based.
        var granted = host.admin(AdminOpcode.SET_FEATURES, 0, 0, FeatureId.NUMBER_OF_QUEUES, 3 << 16 | 3);
        assertThat(granted.result()).isEqualTo(3 << 16 | 3);
        host.createQueue(4, 16);
        assertThat(Status.code(host.admin(AdminOpcode.CREATE_IO_COMPLETION_QUEUE, 0, page.address(), 15 << 16 | 5, 1)
                        .status()))
                .isEqualTo(Status.INVALID_QUEUE_IDENTIFIER);
    }

    @Test
    void wakesForAnAsynchronousEvent() {
        int cid = host.admin.stage(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0, 0, 0, 0, 0, 0, 0);
        host.admin(
                AdminOpcode.SET_FEATURES,
                0,
                0,
                FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION,
                AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
        await().atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(1))
                .until(() -> function.reactor().statistics().parked());

        subsystem.addNamespace(3, new MemoryBackend().open(NamespaceSpec.parse("memory:64KiB:4096")));

        var completion = host.admin.await();
        assertThat(completion.cid()).isEqualTo(cid);
        assertThat(new AsyncEvent((int) completion.result()).type()).isEqualTo(AsyncEvent.TYPE_NOTICE);
        // And it can be used at once.
        var queue = host.createQueue(1, 16);
        queue.stage(NvmOpcode.READ, 0, 3, host.pages(1).address(), 0, 0, 0, 0);
        queue.ring();
        assertThat(queue.await().status()).isEqualTo(Status.SUCCESS);
    }

    /** Random reads and writes at a depth, over two queues, of a namespace in memory and one in a file; what is read is checked. */
    @Test
    void keepsEveryByteUnderRandomLoad() {
        var random = new Random(Seed.random("load").nextLong());
        host.configureDoorbellBuffers();
        var queues = new RawHost.Queue[] {host.createQueue(1, 64), host.createQueue(2, 32)};
        var model = new byte[3][BLOCKS * 512];
        var buffers = host.pages(40);
        // Which buffer, namespace and place a command in flight is about; blocks in flight are left alone.
        record Flight(int buffer, int nsid, int slot, boolean read) {}
        var flights = new HashMap<Integer, Flight>();
        var busy = new boolean[3][BLOCKS / IO_BLOCKS];
        var freeBuffers = new java.util.ArrayDeque<Integer>();
        for (int i = 0; i < 40; i++) {
            freeBuffers.add(i);
        }
        for (int done = 0; done < 4_000; ) {
            for (int i = random.nextInt(16); i > 0 && !freeBuffers.isEmpty(); i--) {
                int nsid = 1 + random.nextInt(2);
                int slot = random.nextInt(BLOCKS / IO_BLOCKS);
                if (busy[nsid][slot]) {
                    continue;
                }
                busy[nsid][slot] = true;
                int number = freeBuffers.remove();
                var buffer = buffers.asSlice(number * 4096L, IO_BYTES);
                boolean read = random.nextBoolean();
                if (!read) {
                    random.nextBytes(scratch);
                    MemorySegment.copy(scratch, 0, buffer, ValueLayout.JAVA_BYTE, 0, IO_BYTES);
                    System.arraycopy(scratch, 0, model[nsid], slot * IO_BYTES, IO_BYTES);
                }
                int which = random.nextInt(2);
                int cid = queues[which].stage(
                        read ? NvmOpcode.READ : NvmOpcode.WRITE,
                        0,
                        nsid,
                        buffer.address(),
                        0,
                        slot * IO_BLOCKS,
                        0,
                        IO_BLOCKS - 1);
                flights.put(which << 16 | cid, new Flight(number, nsid, slot, read));
            }
            for (int which = 0; which < 2; which++) {
                queues[which].ring();
                for (var completion = queues[which].cq.poll();
                        completion != null;
                        completion = queues[which].cq.poll()) {
                    assertThat(completion.status()).isEqualTo(Status.SUCCESS);
                    var flight = flights.remove(which << 16 | completion.cid());
                    if (flight.read()) {
                        var expected = MemorySegment.ofArray(model[flight.nsid()])
                                .asSlice((long) flight.slot() * IO_BYTES, IO_BYTES);
                        assertThat(buffers.asSlice(flight.buffer() * 4096L, IO_BYTES)
                                        .mismatch(expected))
                                .isEqualTo(-1);
                    }
                    busy[flight.nsid()][flight.slot()] = false;
                    freeBuffers.add(flight.buffer());
                    done++;
                }
                queues[which].cq.ringHead();
            }
        }
    }

    private final byte[] scratch = new byte[IO_BYTES];

    @Test
    void deletesAQueueUnderLoadOfAFile() {
        for (int round = 0; round < 20; round++) {
            var queue = host.createQueue(1, 32);
            for (int i = 0; i < 31; i++) {
                queue.stage(NvmOpcode.WRITE, 0, 2, host.memory.segment().address(), 0, i * IO_BLOCKS, 0, IO_BLOCKS - 1);
            }
            queue.ring();

            assertThat(host.deleteSubmissionQueue(1)).isEqualTo(Status.SUCCESS);

            int ended = 0;
            while (queue.cq.poll() != null) {
                ended++;
            }
            assertThat(ended).isEqualTo(31);
            assertThat(host.deleteCompletionQueue(1)).isEqualTo(Status.SUCCESS);
        }
    }

    @Test
    void resetsUnderLoadOfAFile() {
        for (int round = 0; round < 10; round++) {
            var queue = host.createQueue(1, 32);
            for (int i = 0; i < 31; i++) {
                queue.stage(NvmOpcode.WRITE, 0, 2, host.memory.segment().address(), 0, i * IO_BLOCKS, 0, IO_BLOCKS - 1);
            }
            queue.ring();

            host.disable();
            host.enable();
        }
        assertThat(host.createQueue(1, 16)
                        .io(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0)
                        .status())
                .isEqualTo(Status.SUCCESS);
    }
}
