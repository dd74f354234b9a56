package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.host.AdminCompletion;
import io.doorbell.host.ControllerInfo;
import io.doorbell.host.ControllerListener;
import io.doorbell.host.ControllerState;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.TransportId;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.Test;

class ManagedControllerTest {
    private final MBeanServer server = MBeanServerFactory.newMBeanServer();

    @Test
    void showsWhatTheControllerSaysOfItself() throws Exception {
        var name = new ObjectName("io.doorbell:type=Controller,trid=\"trtype:EMULATED traddr:nvme0\"");
        try (var _ = new ManagedController(new TestController("nvme0"), server)) {

            assertThat(server.getAttribute(name, "TransportId")).isEqualTo("trtype:EMULATED traddr:nvme0");
            assertThat(server.getAttribute(name, "State")).isEqualTo("READY");
            assertThat(server.getAttribute(name, "Serial")).isEqualTo("S1");
            assertThat(server.getAttribute(name, "Model")).isEqualTo("M1");
            assertThat(server.getAttribute(name, "Firmware")).isEqualTo("F1");
            assertThat(server.getAttribute(name, "Version")).isEqualTo("1.4");
            assertThat(server.getAttribute(name, "ControllerId")).isEqualTo(5);
            assertThat(server.getAttribute(name, "MaxTransferBytes")).isEqualTo(131_072);
            assertThat(server.getAttribute(name, "IoQueuePairs")).isEqualTo(32);
            assertThat(server.getAttribute(name, "MaxQueueEntries")).isEqualTo(1024);
            assertThat(server.getAttribute(name, "ShadowDoorbells")).isEqualTo(true);
            var namespaces = (TabularData) server.getAttribute(name, "Namespaces");
            var namespace = (CompositeData) namespaces.get(new Object[] {2}).get("value");
            assertThat(namespace.get("blockBytes")).isEqualTo(4096);
            assertThat(namespace.get("blockCount")).isEqualTo(1_000L);
        }
        assertThat(server.isRegistered(name)).isFalse();
    }

    @Test
    void refusesASecondOneOfTheSameTransportId() {
        try (var _ = new ManagedController(new TestController("nvme0"), server);
                var _ = new ManagedController(new TestController("nvme1"), server)) {

            assertThatThrownBy(() -> new ManagedController(new TestController("nvme1"), server))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("there is an MBean io.doorbell:type=Controller,trid=\"trtype:EMULATED traddr:nvme1\""
                            + " already");
        }
    }

    @Test
    void aDriverThatGoesWhileItIsAskedHowItDoesIsNoMatter() {
        var asked = new ArrayList<Throwable>();
        var going = new TestController("nvme0") {
            @Override
            public AdminCompletion admin(NvmCommand command, MemorySegment data, Duration bound) {
                asked.add(new NoClassDefFoundError("the bundle wiring is no longer valid"));
                throw (Error) asked.getLast();
            }
        };
        try (var bean = new ManagedController(going, server)) {
            bean.readHealth();

            assertThat(asked).hasSize(1);
            assertThat(bean.getHealth()).isEqualTo(ControllerHealth.UNKNOWN);
        }
    }

    private static class TestController implements NvmeController {
        private final String address;

        TestController(String address) {
            this.address = address;
        }

        @Override
        public TransportId transportId() {
            return TransportId.emulated(address);
        }

        @Override
        public ControllerInfo info() {
            return new ControllerInfo("S1", "M1", "F1", 0x0001_0400, 5, 131_072, 32, 1024, true, new byte[4096]);
        }

        @Override
        public ControllerState state() {
            return ControllerState.READY;
        }

        @Override
        public List<NvmeNamespace> namespaces() {
            return List.of(new NvmeNamespace(1, 2_000, 512, 0, 0, ""), new NvmeNamespace(2, 1_000, 4096, 0, 0, ""));
        }

        @Override
        public AdminCompletion admin(NvmCommand command, MemorySegment data, Duration bound) {
            throw new UnsupportedOperationException();
        }

        @Override
        public QueuePairControl createQueuePair(QueuePairOptions options, Arena arena) {
            throw new UnsupportedOperationException();
        }

        @Override
        public DmaAllocation allocateDma(long bytes, Arena arena) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void addListener(ControllerListener listener) {}

        @Override
        public void removeListener(ControllerListener listener) {}

        @Override
        public void reset(String reason) {}
    }
}
