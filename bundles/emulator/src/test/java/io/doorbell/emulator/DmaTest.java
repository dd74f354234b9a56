package io.doorbell.emulator;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SglDescriptor;
import io.doorbell.nvme.Status;
import io.doorbell.pci.PciException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the device may touch, and what becomes of it when it may not any more. */
class DmaTest extends DeviceTest {
    private static final int PAGE = 4096;

    private RawHost.Queue queue;

    @BeforeEach
    void enable() {
        host.enable();
        queue = host.createQueue(1, 64);
    }

    private int read(long prp1, long prp2, int blocks) {
        return Status.code(queue.io(NvmOpcode.READ, 0, blocks, prp1, prp2).status());
    }

    @Test
    void movesDataThroughPrpListsAndSgls() {
        var random = Seed.random("data");
        var pattern = new byte[64 * PAGE];
        for (int i = 0; i < pattern.length; i++) {
            pattern[i] = (byte) random.nextInt();
        }
        var source = host.pages(64);
        MemorySegment.copy(MemorySegment.ofArray(pattern), 0, source, 0, pattern.length);
        var sourceList = host.pages(1);
        for (int i = 1; i < 64; i++) {
            sourceList.set(JAVA_LONG_UNALIGNED, (i - 1) * 8L, source.address() + (long) i * PAGE);
        }
        var target = host.pages(64);
        var targetList = host.pages(1);
        // Read back in one block, one bucket and the pages from the last to the first.
        for (int i = 0; i < 64; i++) {
            SglDescriptor.encode(
                    targetList, i * 16L, SglDescriptor.identifier(0, 0), target.address() + (63L - i) * PAGE, PAGE);
        }

        int written = queue.io(NvmOpcode.WRITE, 0, 512, source.address(), sourceList.address())
                .status();
        queue.stage(
                NvmOpcode.READ,
                1 << 6,
                1,
                targetList.address(),
                (long) SglDescriptor.identifier(SglDescriptor.TYPE_LAST_SEGMENT, 0) << 56 | 64 * 16,
                0,
                0,
                511);
        queue.ring();

        assertThat(written).isEqualTo(Status.SUCCESS);
        assertThat(queue.await().status()).isEqualTo(Status.SUCCESS);
        for (int i = 0; i < 64; i++) {
            assertThat(MemorySegment.mismatch(
                            target, (63L - i) * PAGE, (64L - i) * PAGE, source, (long) i * PAGE, (i + 1L) * PAGE))
                    .as("page " + i)
                    .isEqualTo(-1);
        }
    }

    @Test
    void endsCommandsWithBadAddressesAndGoesOn() {
        long good = host.pages(1).address();

        assertThat(read(0, 0, 8)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(read(-4096, 0, 8)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(read(good, 0, 16)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(read(good, 4, 16)).isEqualTo(Status.PRP_OFFSET_INVALID);
        assertThat(read(good + 1, 0, 1)).isEqualTo(Status.PRP_OFFSET_INVALID);
        assertThat(read(good, 0x1000, 24)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(Status.code(host.admin(AdminOpcode.IDENTIFY, 0, 0x5000, 1, 0).status()))
                .isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(read(good, 0, 8)).isEqualTo(Status.SUCCESS);
        // They are in the error log.
        assertThat(onDevice(() -> subsystem.errors.size())).isEqualTo(7);
    }

    @Test
    void reachesMemoryOnlyBetweenMapAndUnmap() {
        var memory = Arena.ofShared().allocate(PAGE, PAGE);

        int before = read(memory.address(), 0, 8);
        int between;
        try (var mapping = host.access.map(memory)) {
            assertThat(mapping.iova()).isEqualTo(memory.address());
            between = read(mapping.iova(), 0, 8);
        }
        int after = read(memory.address(), 0, 8);

        assertThat(before).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(between).isEqualTo(Status.SUCCESS);
        assertThat(after).isEqualTo(Status.DATA_TRANSFER_ERROR);
    }

    @Test
    void unmapsOnlyWhenNamespacesAreDoneWithTheMemory() throws Exception {
        var memory = Arena.ofShared().allocate(PAGE, PAGE);
        var mapping = host.access.map(memory);
        subsystem.keepPending = true;
        queue.stageIo(NvmOpcode.READ, 0, 8, memory.address(), 0);
        queue.ring();
        awaitPending(1);

        var unmapped = CompletableFuture.runAsync(mapping::close);
        for (int i = 0; i < 20; i++) {
            onDevice(() -> null);
            assertThat(unmapped).isNotDone();
        }
        subsystem.keepPending = false;

        unmapped.get(60, TimeUnit.SECONDS);
        assertThat(queue.await().status()).isEqualTo(Status.SUCCESS);
    }

    @Test
    void endsACommandWhoseMemoryWasClosedWhileItWasMapped() {
        var arena = Arena.ofShared();
        var memory = arena.allocate(PAGE, PAGE);
        var listArena = Arena.ofShared();
        var list = listArena.allocate(PAGE, PAGE);
        long good = host.pages(1).address();
        var first = host.access.map(memory);
        var second = host.access.map(list);
        assertThat(read(memory.address(), 0, 8)).isEqualTo(Status.SUCCESS);

        arena.close();
        listArena.close();

        assertThat(read(memory.address(), 0, 8)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(read(good, list.address(), 24)).isEqualTo(Status.DATA_TRANSFER_ERROR);
        assertThat(read(good, 0, 8)).isEqualTo(Status.SUCCESS);
        assertThat(onDevice(() -> function.controller().failures())).isZero();
        first.close();
        second.close();
    }

    @Test
    void failsFatallyWhenTheMemoryOfARingIsUnmapped() {
        var memory = Arena.ofShared().allocate(2 * PAGE, PAGE);
        var mapping = host.access.map(memory);
        host.admin(AdminOpcode.CREATE_IO_COMPLETION_QUEUE, 0, memory.address(), 15 << 16 | 2, 1);

        mapping.close();

        assertThat(host.csts().cfs()).isTrue();
        host.disable();
        host.enable();
    }

    @Test
    void failsFatallyAndSurvivesWhenTheMemoryOfARingIsClosed() {
        var arena = Arena.ofShared();
        var memory = arena.allocate(2 * PAGE, PAGE);
        var mapping = host.access.map(memory);
        var second = host.new Queue(2, 16, 16);
        host.admin(AdminOpcode.CREATE_IO_COMPLETION_QUEUE, 0, memory.address(), 15 << 16 | 2, 1);
        assertThat(host.admin(
                                AdminOpcode.CREATE_IO_SUBMISSION_QUEUE,
                                0,
                                second.submissions.address(),
                                15 << 16 | 2,
                                2 << 16 | 1)
                        .status())
                .isEqualTo(Status.SUCCESS);

        arena.close();
        second.stageIo(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0);
        second.ring();

        long start = System.nanoTime();
        while (!host.csts().cfs()) {
            RawHost.patience(start, "CSTS.CFS");
        }
        assertThat(function.reactor().statistics().pollerFailures()).isZero();
        mapping.close();
        host.disable();
        host.enable();
        assertThat(host.createQueue(1, 16)
                        .io(NvmOpcode.READ, 0, 8, host.pages(1).address(), 0)
                        .status())
                .isEqualTo(Status.SUCCESS);
    }

    @Test
    void refusesMemoryOfOneThread() {
        try (var arena = Arena.ofConfined()) {
            var memory = arena.allocate(PAGE, PAGE);

            assertThatThrownBy(() -> host.access.map(memory)).isInstanceOf(PciException.class);
        }
    }
}
