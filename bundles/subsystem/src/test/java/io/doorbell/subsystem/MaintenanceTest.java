package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.SanitizeSettings;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.Status;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSession;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import io.doorbell.target.CommandPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a host sees while maintenance goes on, or has failed. The operations themselves: bundle-pcie, MaintenanceTest. */
class MaintenanceTest {
    private static final Duration BOUND = Duration.ofSeconds(60);
    private static final int FORMAT_4096 = 1;

    private final Rig rig = new Rig();
    private final HeldNamespace held = new HeldNamespace();
    private final NvmController second = rig.controller("second", true, true, new Rig.Transport());

    MaintenanceTest() {
        rig.subsystem.addNamespace(1, held);
        rig.memory(2, 512, 64).enabled();
    }

    @AfterEach
    void close() {
        held.go.countDown();
        rig.close();
    }

    private int read(CommandPath path, int nsid) {
        var request = TestRequest.blocks(NvmOpcode.READ, 0, 1);
        request.nsid = nsid;
        path.poll(0);
        return Status.code(rig.run(path, request));
    }

    private int sanitize(SanitizeSettings settings) {
        return Status.code(rig.admin(Rig.command(AdminOpcode.SANITIZE, 0, settings.cdw10(), settings.pattern())));
    }

    private int sanitizeState() {
        return SanitizeStatusLog.state(rig.logPage(LogPageId.SANITIZE_STATUS, SanitizeStatusLog.SIZE_BYTES));
    }

    private int selfTest(int nsid, int code) {
        return Status.code(rig.admin(Rig.command(AdminOpcode.DEVICE_SELF_TEST, nsid, code, 0)));
    }

    private int lastSelfTest() {
        var page = rig.logPage(LogPageId.DEVICE_SELF_TEST, DeviceSelfTestLog.SIZE_BYTES);
        return DeviceSelfTestLog.STATUS.get(page, DeviceSelfTestLog.resultOffset(0)) & 0xF;
    }

    @Test
    void commandsAreRefusedWhileTheirNamespaceIsFormattedAndNotAfterIt() {
        var path = rig.controller.openIoPath(rig.reactor);
        rig.setFeature(
                second, FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
        // Forgets that they came.
        rig.admin(second, rig.getLogPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096, 0, false));
        var format = Rig.command(AdminOpcode.FORMAT_NVM, 1, FORMAT_4096, 0);
        assertThat(rig.admin(format)).isEqualTo(NvmRequest.PENDING);

        await().atMost(BOUND).until(() -> read(path, 1) == Status.FORMAT_IN_PROGRESS);
        assertThat(read(path, 2)).isZero();
        var again = Rig.command(AdminOpcode.FORMAT_NVM, 1, FORMAT_4096, 0);
        assertThat(rig.admin(again)).isEqualTo(NvmRequest.PENDING);
        awaitEnd(again);
        assertThat(again.status()).isEqualTo(Status.FORMAT_IN_PROGRESS);
        assertThat(sanitize(SanitizeSettings.blockErase())).isEqualTo(Status.FORMAT_IN_PROGRESS);
        held.go.countDown();
        awaitEnd(format);

        // Not polled: the host is faster than the path.
        var request = TestRequest.blocks(NvmOpcode.READ, 0, 1);
        request.nsid = 1;
        assertThat(rig.run(path, request)).isZero();
        assertThat(request.dataBytes).isEqualTo(4096);
        assertThat(rig.admin(second, rig.getLogPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096, 0, false)))
                .isZero();
        assertThat(ChangedNamespaceList.read(rig.page(), 0))
                .as("the other host")
                .containsExactly(1);
        path.close();
    }

    private void awaitEnd(TestRequest request) {
        await().atMost(BOUND).until(() -> {
            rig.controller.adminPath().poll(0);
            return request.completions() > 0;
        });
    }

    @Test
    void aFormatThatFailsLeavesTheNamespaceInUse() {
        held.failure = new UncheckedIOException(new IOException("no"));
        held.go.countDown();
        var path = rig.controller.openIoPath(rig.reactor);
        var format = Rig.command(AdminOpcode.FORMAT_NVM, 1, FORMAT_4096, 0);
        assertThat(rig.admin(format)).isEqualTo(NvmRequest.PENDING);
        await().atMost(BOUND).until(() -> {
            path.poll(0);
            rig.controller.adminPath().poll(0);
            return format.completions() > 0;
        });

        assertThat(Status.code(format.status())).isEqualTo(Status.WRITE_FAULT);
        assertThat(read(path, 1)).isZero();
        path.close();
    }

    @Test
    void whileASanitizeRunsNothingIsReadAndLittleIsAdministered() {
        var path = second.openIoPath(rig.reactor);

        assertThat(sanitize(SanitizeSettings.blockErase())).isZero();

        assertThat(read(path, 1)).isEqualTo(Status.SANITIZE_IN_PROGRESS);
        assertThat(read(path, 2)).isEqualTo(Status.SANITIZE_IN_PROGRESS);
        assertThat(sanitize(SanitizeSettings.blockErase())).isEqualTo(Status.SANITIZE_IN_PROGRESS);
        assertThat(selfTest(-1, DeviceSelfTestLog.CODE_SHORT)).isEqualTo(Status.SANITIZE_IN_PROGRESS);
        assertThat(Status.code(rig.admin(Rig.command(AdminOpcode.FIRMWARE_COMMIT, 0, 2, 0))))
                .isEqualTo(Status.SANITIZE_IN_PROGRESS);
        assertThat(Status.code(rig.admin(Rig.command(AdminOpcode.NAMESPACE_MANAGEMENT, 2, 1, 0))))
                .isEqualTo(Status.SANITIZE_IN_PROGRESS);
        assertThat(rig.identifyStatus(IdentifyCns.CONTROLLER, 0)).isZero();
        // It goes on over a reset.
        rig.controller.configure(0);
        rig.enabled();
        assertThat(sanitizeState()).isEqualTo(SanitizeStatusLog.IN_PROGRESS);

        held.go.countDown();

        await().atMost(BOUND).until(() -> {
            path.poll(0);
            return sanitizeState() == SanitizeStatusLog.SUCCEEDED;
        });
        await().atMost(BOUND).until(() -> read(path, 1) == Status.SUCCESS);
        path.close();
    }

    @Test
    void aSanitizeIsRefusedAsAWholeWhereANamespaceCannotBeErased() {
        held.erasable = false;
        var path = rig.controller.openIoPath(rig.reactor);

        assertThat(sanitize(SanitizeSettings.blockErase())).isEqualTo(Status.OPERATION_DENIED);

        assertThat(sanitizeState()).isEqualTo(SanitizeStatusLog.NEVER);
        assertThat(read(path, 2)).isZero();
        path.close();
    }

    @Test
    void aSanitizeThatFailedIsLeftByTheWayItAllowed() {
        held.failure = new UncheckedIOException(new IOException("no"));
        held.go.countDown();
        var path = rig.controller.openIoPath(rig.reactor);

        assertThat(sanitize(SanitizeSettings.blockErase())).isZero();
        await().atMost(BOUND).until(() -> {
            path.poll(0);
            return sanitizeState() == SanitizeStatusLog.FAILED;
        });

        await().atMost(BOUND).until(() -> read(path, 2) == Status.SANITIZE_FAILED);
        assertThat(selfTest(-1, DeviceSelfTestLog.CODE_SHORT)).isEqualTo(Status.SANITIZE_FAILED);
        assertThat(sanitize(SanitizeSettings.exitFailureMode()))
                .as("restricted")
                .isEqualTo(Status.SANITIZE_FAILED);
        assertThat(sanitize(SanitizeSettings.blockErase().withUnrestricted(true)))
                .isEqualTo(Status.SANITIZE_FAILED);

        held.failure = null;
        assertThat(sanitize(SanitizeSettings.blockErase())).isZero();
        await().atMost(BOUND).until(() -> sanitizeState() == SanitizeStatusLog.SUCCEEDED);
        await().atMost(BOUND).until(() -> read(path, 2) == Status.SUCCESS);

        held.failure = new UncheckedIOException(new IOException("no"));
        assertThat(sanitize(SanitizeSettings.blockErase().withUnrestricted(true)))
                .isZero();
        await().atMost(BOUND).until(() -> {
            path.poll(0);
            return sanitizeState() == SanitizeStatusLog.FAILED;
        });
        await().atMost(BOUND).until(() -> sanitize(SanitizeSettings.exitFailureMode()) == Status.SUCCESS);
        await().atMost(BOUND).until(() -> read(path, 2) == Status.SUCCESS);
        path.close();
    }

    @Test
    void aStoreWithADefectWithholdsNothingForGood() {
        held.failure = new IndexOutOfBoundsException("a defect");
        held.go.countDown();
        var path = rig.controller.openIoPath(rig.reactor);

        assertThat(selfTest(-1, DeviceSelfTestLog.CODE_SHORT)).isZero();
        await().atMost(BOUND).until(() -> lastSelfTest() == DeviceSelfTestLog.FAILED_SEGMENTS);
        assertThat(sanitize(SanitizeSettings.blockErase().withUnrestricted(true)))
                .isZero();
        await().atMost(BOUND).until(() -> {
            path.poll(0);
            return sanitizeState() == SanitizeStatusLog.FAILED;
        });

        await().atMost(BOUND).until(() -> sanitize(SanitizeSettings.exitFailureMode()) == Status.SUCCESS);
        await().atMost(BOUND).until(() -> read(path, 2) == Status.SUCCESS);
        path.close();
    }

    @Test
    void oneSelfTestRunsAtATimeAndEndsWithWhatStoppedIt() {
        assertThat(selfTest(-1, DeviceSelfTestLog.CODE_EXTENDED)).isZero();
        assertThat(selfTest(-1, DeviceSelfTestLog.CODE_SHORT)).isEqualTo(Status.DEVICE_SELF_TEST_IN_PROGRESS);
        assertThat(selfTest(0, DeviceSelfTestLog.CODE_ABORT)).isZero();
        assertThat(lastSelfTest()).isEqualTo(DeviceSelfTestLog.ABORTED_BY_COMMAND);

        assertThat(selfTest(1, DeviceSelfTestLog.CODE_SHORT)).isZero();
        rig.controller.configure(0);
        rig.enabled();
        assertThat(lastSelfTest()).isEqualTo(DeviceSelfTestLog.ABORTED_BY_RESET);

        assertThat(selfTest(1, DeviceSelfTestLog.CODE_EXTENDED)).isZero();
        var format = Rig.command(AdminOpcode.FORMAT_NVM, 1, FORMAT_4096, 0);
        assertThat(rig.admin(format)).isEqualTo(NvmRequest.PENDING);
        await().atMost(BOUND).until(() -> lastSelfTest() == DeviceSelfTestLog.ABORTED_BY_FORMAT);
        held.go.countDown();
        awaitEnd(format);

        held.failure = new UncheckedIOException(new IOException("no"));
        assertThat(selfTest(-1, DeviceSelfTestLog.CODE_SHORT)).isZero();
        await().atMost(BOUND).until(() -> lastSelfTest() == DeviceSelfTestLog.FAILED_SEGMENTS);
        var page = rig.logPage(LogPageId.DEVICE_SELF_TEST, DeviceSelfTestLog.SIZE_BYTES);
        assertThat(DeviceSelfTestLog.NSID.get(page, DeviceSelfTestLog.resultOffset(0)))
                .isEqualTo(1);
        assertThat(selfTest(5000, DeviceSelfTestLog.CODE_SHORT)).isEqualTo(Status.INVALID_NAMESPACE_OR_FORMAT);
    }

    @Test
    void aResetDropsADownloadThatWasNotCommitted() {
        var piece = Rig.command(AdminOpcode.FIRMWARE_IMAGE_DOWNLOAD, 0, 1023, 0);
        var image = "DOORBELL9.9".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        assertThat(rig.run(rig.controller.adminPath(), piece, java.util.Arrays.copyOf(image, 4096)))
                .isZero();

        rig.controller.configure(0);
        rig.enabled();

        assertThat(Status.code(rig.admin(Rig.command(AdminOpcode.FIRMWARE_COMMIT, 0, 1 << 3 | 2, 0))))
                .isEqualTo(Status.INVALID_FIRMWARE_IMAGE);
        assertThat(IdentifyController.FR.get(rig.identify(IdentifyCns.CONTROLLER, 0)))
                .isEqualTo(NvmSubsystem.FIRMWARE_REVISION);
    }

    /** Maintenance waits until it may go, and fails as it is told. */
    private static final class HeldNamespace implements Namespace {
        private volatile boolean erasable = true;
        private final Namespace inner =
                new io.doorbell.backends.MemoryBackend().open(NamespaceSpec.parse("memory:32KiB:512"));
        final CountDownLatch go = new CountDownLatch(1);
        volatile RuntimeException failure;

        @Override
        public NamespaceShape shape() {
            return inner.shape();
        }

        @Override
        public NamespaceSession open(Reactor reactor) {
            return inner.open(reactor);
        }

        private void wait(Progress progress) {
            try {
                while (!go.await(1, TimeUnit.MILLISECONDS)) {
                    if (!progress.at(1, 2)) {
                        return;
                    }
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (failure != null) {
                throw failure;
            }
        }

        @Override
        public void flush() {
            wait((done, of) -> true);
        }

        @Override
        public void format(BlockFormat format) {
            wait((done, of) -> true);
            inner.format(format);
        }

        @Override
        public boolean isErasable() {
            return erasable;
        }

        @Override
        public boolean erase(Erasure erasure, Progress progress) {
            wait(progress);
            return inner.erase(erasure, progress);
        }

        @Override
        public boolean scan(Progress progress) {
            wait(progress);
            return inner.scan(progress);
        }

        @Override
        public void close() {
            inner.close();
        }
    }
}
