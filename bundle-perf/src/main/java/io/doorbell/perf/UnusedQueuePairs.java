package io.doorbell.perf;

import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseListener;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.lease.ResourceManager;
import io.doorbell.lease.RevocationReason;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Queue pairs that are held while a run goes on, and carry nothing ({@code -U}). One that is taken back is let go at once, and
 * not asked for again. Control plane; any thread, one at a time.
 */
final class UnusedQueuePairs {
    private static final int QUEUE_ENTRIES = 16;

    private final ResourceManager resourceManager;
    private final List<QueuePairLease> held = new ArrayList<>();

    UnusedQueuePairs(ResourceManager resourceManager) {
        this.resourceManager = resourceManager;
    }

    /**
     * Leases so many more.
     *
     * @param owner who would use them
     * @throws PerfException when one cannot be had; those before it are held
     */
    void open(TransportId controller, int count, Thread owner) throws InterruptedException {
        for (var i = 1; i <= count; i++) {
            var name = "unused queue pair " + i + " of " + count + " of " + Target.controllerName(controller);
            try {
                held.add(resourceManager.lease(new LeaseRequest(
                        controller,
                        QUEUE_ENTRIES,
                        owner,
                        (token, status, result) -> {},
                        new LetGo(),
                        Duration.ZERO,
                        "perf " + name)));
            } catch (LeaseException | NvmeException | IllegalStateException e) {
                throw new PerfException("leasing " + name + ": " + e.getMessage(), e);
            }
        }
    }

    List<QueuePairLease> held() {
        return held.reversed();
    }

    /** Whoever wants it is not to wait for the grace: there is nothing to drain. */
    private static final class LetGo implements LeaseListener {
        @Override
        public void revoking(QueuePairLease lease, RevocationReason reason, Duration grace) {
            if (reason != RevocationReason.RELEASED_BY_HOLDER) {
                // Closing waits for the end, which whoever calls this brings about.
                Thread.ofVirtual().name("perf-let-go").start(lease::close);
            }
        }
    }
}
