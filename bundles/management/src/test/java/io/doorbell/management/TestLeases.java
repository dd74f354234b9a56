package io.doorbell.management;

import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseEvent.Kind;
import io.doorbell.lease.LeaseException;
import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.LeaseSnapshot;
import io.doorbell.lease.LeaseState;
import io.doorbell.lease.RevocationReason;
import io.doorbell.statistics.LatencyRecorder;
import io.doorbell.statistics.LatencySnapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** A registry with leases that a test puts into it. */
final class TestLeases implements LeaseRegistry {
    static final String CONTROLLER = "trtype:EMULATED traddr:nvme0";

    private final List<LeaseSnapshot> leases = new CopyOnWriteArrayList<>();
    private final List<LeaseEvent> history = new CopyOnWriteArrayList<>();
    private final List<Consumer<LeaseEvent>> listeners = new CopyOnWriteArrayList<>();

    static LeaseSnapshot lease(long id) {
        return new LeaseSnapshot(
                id,
                CONTROLLER,
                (int) id,
                "io.doorbell.bundle-perf 0.1.0",
                17,
                "perf",
                "",
                "perf-0",
                3,
                127,
                5,
                LeaseState.GRANTED,
                1_700_000_000_000L,
                2_000,
                300,
                1_000,
                995,
                1);
    }

    @Override
    public Map<Long, LatencySnapshot> latencies() {
        var recorder = new LatencyRecorder();
        recorder.record(10_000);
        return leases.stream().collect(Collectors.toMap(LeaseSnapshot::id, ignored -> recorder.snapshot()));
    }

    void grant(long id) {
        leases.add(lease(id));
        tell(new LeaseEvent(Kind.GRANTED, 1_700_000_000_000L, lease(id), null, 0, 0, 0, 0, 0, 0));
    }

    private LeaseEvent tell(LeaseEvent event) {
        history.add(event);
        listeners.forEach(listener -> listener.accept(event));
        return event;
    }

    int listeners() {
        return listeners.size();
    }

    @Override
    public List<LeaseSnapshot> leases() {
        return List.copyOf(leases);
    }

    @Override
    public List<LeaseEvent> history() {
        return new ArrayList<>(history);
    }

    @Override
    public List<Capacity> capacity() {
        return List.of(new Capacity(CONTROLLER, 32, leases.size(), 4));
    }

    @Override
    public LeaseEvent revoke(long leaseId) {
        var lease = leases.stream()
                .filter(each -> each.id() == leaseId)
                .findAny()
                .orElseThrow(() -> new LeaseException(LeaseException.Kind.ENDED, "no lease " + leaseId));
        leases.remove(lease);
        return tell(new LeaseEvent(
                Kind.FENCED, 1_700_000_000_001L, lease, RevocationReason.OPERATOR, 5, 2, 1_000, 200, 300, 40));
    }

    @Override
    public AutoCloseable onEvent(Consumer<LeaseEvent> listener) {
        listeners.add(listener);
        return () -> listeners.remove(listener);
    }
}
