package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.TransportId;
import io.doorbell.target.AccessStates;
import io.doorbell.target.ListenerOperator;
import io.doorbell.target.ListenerStatus;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsProvider;
import java.util.List;
import java.util.function.Supplier;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import org.apache.felix.hc.api.Result;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Services of plug-ins are asked while their bundles go. */
class TargetServicesTest {
    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private final TargetServices services = new TargetServices(new TestLeases(), null);

    /** How a bundle is met that goes. */
    enum Going {
        STOPPED(new IllegalStateException("the listener is not there any more")),
        UPDATED(new NoClassDefFoundError("the bundle wiring is no longer valid"));

        private final Throwable thrown;

        Going(Throwable thrown) {
            this.thrown = thrown;
        }

        <T> T answer() {
            switch (thrown) {
                case RuntimeException stopped -> throw stopped;
                case Error updated -> throw updated;
                default -> throw new AssertionError(thrown);
            }
        }
    }

    /** @param going null for one that listens */
    private record Listener(String name, Going going) implements ListenerOperator {
        @Override
        public AccessStates accessStates() {
            return AccessStates.ALL_OPTIMIZED;
        }

        @Override
        public ListenerStatus status() {
            return going == null
                    ? ListenerStatus.closed(TransportId.Type.TCP, "127.0.0.1", 4420, false, 8)
                    : going.answer();
        }

        @Override
        public void accessStates(AccessStates states) {}
    }

    private record Provider(String name, Going going) implements VerbsProvider {
        @Override
        public List<VerbsDevice> devices() {
            return going.answer();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatGoesIsLeftOutAndTheOthersAreTold(Going going) {
        services.add(new Listener("a", going), "a");
        services.add(new Listener("b", null), "b");
        services.add(new Provider("nics", going));

        try (var listeners = new ManagedListeners(services, server)) {
            assertThat(listeners.getListeners()).containsOnlyKeys("b");
        }
        assertThat(ManagedCounters.tcp(services)).containsOnlyKeys("b");
        assertThat(ManagedCounters.rdma(services)).isEmpty();
        var check = NodeChecks.listeners(services).execute();
        assertThat(check.getStatus()).isEqualTo(Result.Status.CRITICAL);
        assertThat(check.toString()).contains("listener b does not listen").doesNotContain("listener a");
    }

    @ParameterizedTest
    @EnumSource
    void anOperatorIsToldInWordsThatEveryClientCanRead(Going going) {
        assertThatThrownBy(() -> Operation.of("try", (Supplier<?>) going::answer))
                .isExactlyInstanceOf(IllegalStateException.class);
    }
}
