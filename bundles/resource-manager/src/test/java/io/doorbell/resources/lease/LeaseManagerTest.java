package io.doorbell.resources.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.lease.LeaseState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LeaseManagerTest {
    @Test
    void releasesALeaseUnderLoad() throws InterruptedException {
        try (var node = new TestNode(2)) {
            var lease = node.holder("a").lease(node.request());
            var load = node.load(lease);
            await().until(() -> load.accepted.get() > 1000);

            lease.close();

            assertThat(lease.state()).isEqualTo(LeaseState.RELEASED);
            assertThat(node.lastEvent().aborted()).isZero();
        }
    }
}
