package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.backends.MemoryBackend;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.reactor.HandReactor;
import io.doorbell.reactor.Poller;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NamespaceResizeTest {
    private static final int BLOCK = 512;
    private static final long BLOCKS = 2048;

    private final Rig rig =
            new Rig().memory(1, BLOCK, BLOCKS).memory(2, BLOCK, BLOCKS).enabled();
    private final CommandPath path = rig.controller.openIoPath(rig.reactor);

    @AfterEach
    void close() {
        path.close();
        rig.close();
    }

    /** Resizes on a thread of its own, while this one polls the path as its reactor. */
    private void resize(long blocks) {
        var done = CompletableFuture.runAsync(() -> rig.subsystem.resizeNamespace(1, blocks * BLOCK));
        while (!done.isDone()) {
            path.poll(System.nanoTime());
        }
        done.join();
        path.poll(System.nanoTime());
    }

    private int write(long slba, int fill) {
        var data = new byte[BLOCK];
        Arrays.fill(data, (byte) fill);
        return rig.run(path, TestRequest.blocks(NvmOpcode.WRITE, slba, 1), data);
    }

    private int read(long slba) {
        return rig.run(path, TestRequest.blocks(NvmOpcode.READ, slba, 1));
    }

    @Test
    void growsUnderItsHostWhoIsToldAndFindsTheNewBlocksZero() {
        rig.setFeature(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
        var event = rig.eventRequest();
        assertThat(write(BLOCKS - 1, 7)).isZero();
        var untouched = rig.controller.attached(2);
        rig.logPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096);

        resize(2 * BLOCKS);
        rig.controller.adminPath().poll(0);

        assertThat(event.status()).isZero();
        assertThat(new AsyncEvent((int) event.result))
                .isEqualTo(AsyncEvent.of(
                        AsyncEvent.TYPE_NOTICE,
                        AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED,
                        LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST));
        assertThat(ChangedNamespaceList.read(rig.logPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096), 0))
                .containsExactly(1);
        var page = rig.identify(IdentifyCns.NAMESPACE, 1);
        assertThat(IdentifyNamespace.NSZE.get(page)).isEqualTo(2 * BLOCKS);
        assertThat(IdentifyNamespace.NCAP.get(page)).isEqualTo(2 * BLOCKS);
        assertThat(IdentifyNamespace.NUSE.get(page)).isEqualTo(2 * BLOCKS);
        assertThat(read(BLOCKS - 1)).isZero();
        assertThat(rig.data).containsOnly(7);
        assertThat(read(2 * BLOCKS - 1)).isZero();
        assertThat(rig.data).containsOnly(0);
        assertThat(write(2 * BLOCKS - 1, 9)).isZero();
        assertThat(Status.code(read(2 * BLOCKS))).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(rig.controller.attached(2)).isSameAs(untouched);
        assertThat(rig.transport.calls).containsExactly("enabled");
    }

    @Test
    void shrinksAndWhatWasBehindTheEndIsGoneForGood() {
        assertThat(write(100, 7)).isZero();
        assertThat(write(BLOCKS - 1, 8)).isZero();

        resize(1024);
        int behind = Status.code(read(1024));
        resize(BLOCKS);

        assertThat(behind).isEqualTo(Status.LBA_OUT_OF_RANGE);
        assertThat(read(100)).isZero();
        assertThat(rig.data).containsOnly(7);
        assertThat(read(BLOCKS - 1)).isZero();
        assertThat(rig.data).containsOnly(0);
    }

    @Test
    void aWriteWhoseDataCameWhileItGrewIsExecuted() {
        var admitted = TestRequest.blocks(NvmOpcode.WRITE, 5, 1);
        assertThat(path.admit(admitted)).isZero();
        var compare = TestRequest.blocks(NvmOpcode.COMPARE, 6, 1).fuse(SubmissionEntry.FUSE_FIRST);
        assertThat(path.admit(compare)).isZero();

        resize(2 * BLOCKS);
        var write = TestRequest.blocks(NvmOpcode.WRITE, 6, 1).fuse(SubmissionEntry.FUSE_SECOND);
        assertThat(path.admit(write)).isZero();

        assertThat(path.execute(admitted.with(new byte[BLOCK]))).isZero();
        assertThat(path.executeFused(compare.with(new byte[BLOCK]), write.with(new byte[BLOCK])))
                .isZero();
    }

    @Test
    void aWriteWhoseDataCameWhileItShrankEndsWhereItsBlocksAre() {
        var within = TestRequest.blocks(NvmOpcode.WRITE, 5, 1);
        var behind = TestRequest.blocks(NvmOpcode.WRITE, BLOCKS - 1, 1);
        assertThat(path.admit(within)).isZero();
        assertThat(path.admit(behind)).isZero();

        resize(1024);

        assertThat(path.execute(within.with(new byte[BLOCK]))).isZero();
        assertThat(path.execute(behind.with(new byte[BLOCK]))).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);
    }

    @Test
    void shrinksOnlyWhenWhatIsInFlightHasEnded() throws Exception {
        var slow = new SlowNamespace();
        rig.subsystem.addNamespace(3, slow);
        path.poll(0);
        var write = TestRequest.blocks(NvmOpcode.WRITE, 999, 1);
        write.nsid = 3;
        assertThat(rig.run(path, write)).isEqualTo(NvmRequest.PENDING);
        var done = CompletableFuture.runAsync(() -> rig.subsystem.resizeNamespace(3, 500 * BLOCK));
        var read = TestRequest.blocks(NvmOpcode.READ, 999, 1);
        read.nsid = 3;
        while (path.admit(read) == 0) {
            path.poll(0);
        }
        boolean early = slow.shape().blockCount() == 500;
        int inFlight = write.completions();

        slow.release();
        while (!done.isDone()) {
            path.poll(0);
        }
        done.get(60, TimeUnit.SECONDS);

        assertThat(early).isFalse();
        assertThat(inFlight).isZero();
        assertThat(write.status()).isZero();
        assertThat(slow.shape().blockCount()).isEqualTo(500);
    }

    @Test
    void noCommandWithinBothSizesFailsWhileItIsResizedAgainAndAgain() {
        try (var reactor = HandReactor.running("busy")) {
            var other = rig.controller.openIoPath(reactor);
            var stop = new AtomicBoolean();
            var load = new Load(other, stop);
            reactor.add(load);

            for (int i = 0; i < 50; i++) {
                resize(i % 2 == 0 ? 3 * BLOCKS : BLOCKS / 2);
            }

            stop.set(true);
            reactor.call(
                    () -> {
                        other.close();
                        return null;
                    },
                    Duration.ofSeconds(10));
            assertThat(load.failures).as("statuses other than success").isZero();
            assertThat(load.done).isGreaterThan(50);
        }
    }

    /** Writes and reads back a block that both sizes have. */
    private static final class Load implements Poller {
        private final CommandPath path;
        private final AtomicBoolean stop;
        private final byte[] out = new byte[BLOCK];
        private final byte[] in = new byte[BLOCK];
        volatile int failures;
        volatile int done;

        Load(CommandPath path, AtomicBoolean stop) {
            this.path = path;
            this.stop = stop;
        }

        @Override
        public int poll(long nowNanos) {
            if (stop.get()) {
                return 0;
            }
            path.poll(nowNanos);
            Arrays.fill(out, (byte) done);
            boolean right = one(NvmOpcode.WRITE, out) && one(NvmOpcode.READ, in) && Arrays.equals(out, in);
            failures += right ? 0 : 1;
            done++;
            return 1;
        }

        private boolean one(int opc, byte[] data) {
            var request = TestRequest.blocks(opc, 17, 1);
            return path.admit(request) == 0 && path.execute(request.with(data)) == 0;
        }

        @Override
        public boolean readyToPark() {
            return false;
        }
    }

    @Test
    void aNamespaceWithMetadataIsResizedWithIt() {
        var spec = NamespaceSpec.parse("memory:1MiB:512+8/pi1");
        rig.subsystem.addNamespace(3, new MemoryBackend().open(spec));

        rig.subsystem.resizeNamespace(3, 2 << 20);
        path.poll(0);

        var write = TestRequest.blocks(NvmOpcode.WRITE, 4095, 1);
        write.nsid = 3;
        write.cdw12 |= 1 << 29; // PRACT: the controller makes the protection information.
        assertThat(rig.run(path, write)).isZero();
    }
}
