package io.doorbell.subsystem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.storage.TestRequest;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackgroundTest {
    private static final Duration BOUND = Duration.ofSeconds(60);

    /** A host waits for its answer, whatever became of the store that works on it. */
    @Test
    void aCommandWhoseStoreIsGoingIsAnswered() {
        var background = new Background(() -> {});
        var request = new TestRequest();

        int started = background.start("format", request, _ -> {
            throw new NoClassDefFoundError("the bundle wiring is no longer valid");
        });

        assertThat(started).isEqualTo(NvmRequest.PENDING);
        await().atMost(BOUND).until(() -> background.poll() == 1);
        assertThat(request.status()).isEqualTo(Status.INTERNAL_ERROR);
        assertThat(background.inFlight()).isZero();
    }
}
