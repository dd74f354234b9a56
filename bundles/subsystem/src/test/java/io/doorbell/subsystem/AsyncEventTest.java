package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AsyncEventTest {
    private static final int NAMESPACES_CHANGED = AsyncEvent.dw0(
            AsyncEvent.TYPE_NOTICE,
            AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED,
            LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST);

    private final Rig rig = new Rig().enabled();

    @AfterEach
    void close() {
        rig.close();
    }

    private void wantNamespaceEvents() {
        rig.setFeature(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES);
    }

    private int poll() {
        return rig.controller.adminPath().poll(0);
    }

    private int[] changedNamespaces() {
        return ChangedNamespaceList.read(rig.logPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096), 0);
    }

    @Test
    void tellsOfANamespaceThatCameAndWakesTheTransport() {
        wantNamespaceEvents();
        var request = rig.eventRequest();
        assertThat(poll()).isZero();

        rig.memory(7, 512, 8);
        int completed = poll();

        assertThat(rig.transport.wakes()).isPositive();
        assertThat(completed).isEqualTo(1);
        assertThat(request.completions()).isEqualTo(1);
        assertThat(request.status()).isZero();
        assertThat(request.result).isEqualTo(NAMESPACES_CHANGED);
        assertThat(changedNamespaces()).containsExactly(7);
        assertThat(changedNamespaces()).as("read once").isEmpty();
    }

    @Test
    void anEventWaitsForARequest() {
        wantNamespaceEvents();
        rig.memory(7, 512, 8);

        var request = rig.eventRequest();

        assertThat(request.status()).isZero();
        assertThat(request.result).isEqualTo(NAMESPACES_CHANGED);
    }

    @Test
    void isSilentUntilTheLogPageWasRead() {
        wantNamespaceEvents();
        rig.memory(1, 512, 8);
        rig.eventRequest();
        var next = rig.eventRequest();

        rig.memory(2, 512, 8);
        int masked = poll();
        rig.admin(rig.getLogPage(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, 4096, 0, true));
        int retained = poll();
        int[] all = changedNamespaces();
        int cleared = poll();
        rig.memory(3, 512, 8);

        assertThat(masked).isZero();
        assertThat(retained).isZero();
        assertThat(all).containsExactly(1, 2);
        assertThat(cleared).as("the page has told of 2 already").isZero();
        assertThat(poll()).isEqualTo(1);
        assertThat(next.result).isEqualTo(NAMESPACES_CHANGED);
        assertThat(changedNamespaces()).containsExactly(3);
    }

    @Test
    void anEventThatIsAboutToCompleteARequestDoesSoThoughThePageIsReadMeanwhile() {
        wantNamespaceEvents();
        var request = rig.eventRequest();

        rig.memory(7, 512, 8);
        int[] read = changedNamespaces();
        int completed = poll();

        assertThat(read).containsExactly(7);
        assertThat(completed).isEqualTo(1);
        assertThat(request.result).isEqualTo(NAMESPACES_CHANGED);
    }

    @Test
    void anEventThatNobodyHasAskedForYetIsToldByThePage() {
        wantNamespaceEvents();
        rig.memory(7, 512, 8);

        int[] read = changedNamespaces();
        var request = rig.eventRequest();

        assertThat(read).containsExactly(7);
        assertThat(request.status()).isEqualTo(NvmRequest.PENDING);
    }

    @Test
    void whatComesWhileThePageIsFilledIsNotDroppedWithWhatItTells() {
        var events = new AsyncEvents(() -> {});
        var ended = AsyncEvent.of(
                AsyncEvent.TYPE_COMMAND_SET, AsyncEvent.COMMAND_SET_SANITIZE_COMPLETED, LogPageId.SANITIZE_STATUS);
        long told = events.raised();

        events.raise(ended);
        events.read(LogPageId.SANITIZE_STATUS, told);
        var request = new TestRequest();

        assertThat(events.request(request)).isZero();
        assertThat(request.result).isEqualTo(ended.dw0());
    }

    @Test
    void tellsNothingThatWasNotAskedFor() {
        var request = rig.eventRequest();

        rig.memory(1, 512, 8);

        assertThat(poll()).isZero();
        assertThat(request.completions()).isZero();
        assertThat(changedNamespaces()).as("the log page has it all the same").containsExactly(1);
    }

    @Test
    void tellsErrorsInAnyCase() {
        var request = rig.eventRequest();

        rig.controller.event(
                AsyncEvent.TYPE_ERROR, AsyncEvent.ERROR_INVALID_DOORBELL_VALUE, LogPageId.ERROR_INFORMATION);

        assertThat(poll()).isEqualTo(1);
        assertThat(request.result)
                .isEqualTo(AsyncEvent.dw0(
                        AsyncEvent.TYPE_ERROR, AsyncEvent.ERROR_INVALID_DOORBELL_VALUE, LogPageId.ERROR_INFORMATION));
    }

    @Test
    void oneMaskedPageDoesNotHideAnother() {
        wantNamespaceEvents();
        rig.memory(1, 512, 8);
        rig.eventRequest();
        var next = rig.eventRequest();

        rig.controller.event(
                AsyncEvent.TYPE_ERROR, AsyncEvent.ERROR_INVALID_DOORBELL_VALUE, LogPageId.ERROR_INFORMATION);

        assertThat(poll()).isEqualTo(1);
        assertThat(next.completions()).isEqualTo(1);
    }

    @Test
    void tellsOfATemperatureBeyondItsThreshold() {
        rig.setFeature(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION, SmartLog.WARNING_TEMPERATURE);
        var request = rig.eventRequest();

        rig.setFeature(FeatureId.TEMPERATURE_THRESHOLD, 300);

        assertThat(poll()).isEqualTo(1);
        assertThat(request.result)
                .isEqualTo(AsyncEvent.dw0(
                        AsyncEvent.TYPE_SMART,
                        AsyncEvent.SMART_TEMPERATURE_THRESHOLD,
                        LogPageId.SMART_HEALTH_INFORMATION));
    }

    @Test
    void takesSoManyRequestsAndNoMore() {
        for (int i = 0; i < AsyncEvents.MAX_REQUESTS; i++) {
            assertThat(rig.eventRequest().status()).isEqualTo(NvmRequest.PENDING);
        }

        assertThat(Status.code(rig.eventRequest().status())).isEqualTo(Status.ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED);
    }

    @Test
    void forgetsARequestThatIsAborted() {
        wantNamespaceEvents();
        var request = rig.eventRequest();

        assertThat(rig.controller.abort(request)).isTrue();
        assertThat(rig.controller.abort(request)).isFalse();

        rig.memory(1, 512, 8);
        assertThat(poll()).isZero();
        assertThat(request.completions()).isZero();
    }

    @Test
    void aResetForgetsRequestsEventsAndMasks() {
        wantNamespaceEvents();
        rig.memory(1, 512, 8);
        rig.eventRequest();
        var forgotten = rig.eventRequest();
        rig.controller.configure(0);
        rig.enabled();
        wantNamespaceEvents();
        var request = rig.eventRequest();

        rig.memory(2, 512, 8);

        assertThat(poll()).isEqualTo(1);
        assertThat(request.completions()).isEqualTo(1);
        assertThat(forgotten.completions()).isZero();
        assertThat(changedNamespaces()).containsExactly(2);
    }
}
