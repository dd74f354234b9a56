package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** What can be known of rdma-core without a device; the rest is the lab's. */
class RdmaCoreTest {
    @Test
    void aLibraryThatIsMissingIsNamedWithTheRemedy() {
        assertThat(RdmaCore.missing("libnothing-of-the-kind.so.1"))
                .hasValueSatisfying(problem ->
                        assertThat(problem).contains("libnothing-of-the-kind.so.1", "librdmacm1", "ibverbs-providers"));
    }

    @Test
    void allFunctionsAreThereWhereTheLibrariesAre() {
        assumeThat(RdmaCore.problem()).as("what keeps from rdma-core").isEmpty();

        // It links all of them, and fails by what the kernel says where there is no device.
        try (var channel = RdmaEventChannel.open()) {
            assertThat(channel.fd()).isNotNegative();
            assertThat(channel.next()).isNull();
        } catch (PlatformException none) {
            assertThat(none.call()).isEqualTo("rdma_create_event_channel");
            assertThat(none.errno()).isPositive();
        }
    }

    @Test
    void theDeviceSaysWhatItTakes() {
        try (var arena = Arena.ofConfined()) {
            // Offsets as a C compiler has them for infiniband/verbs.h of rdma-core 44, x86-64.
            var device = arena.allocate(232);
            device.set(JAVA_LONG, 80, -1L);
            device.set(JAVA_INT, 108, 1000);
            device.set(JAVA_INT, 112, 4096);
            device.set(JAVA_INT, 116, RdmaCore.MEMORY_MANAGEMENT_EXTENSIONS);
            device.set(JAVA_INT, 120, 32);
            device.set(JAVA_INT, 124, 30);
            device.set(JAVA_INT, 132, 32_767);
            device.set(JAVA_INT, 144, 128);
            device.set(JAVA_INT, 156, 16);
            device.set(JAVA_INT, 216, 2048);
            var port = arena.allocate(64);
            port.set(JAVA_INT, 20, 0x8000_0000);

            var attributes = IbvContext.attributes(device, port);

            assertThat(attributes)
                    .isEqualTo(new IbvContext.Attributes(
                            RdmaCore.MEMORY_MANAGEMENT_EXTENSIONS,
                            1000,
                            4096,
                            2048,
                            30,
                            32_767,
                            Long.MAX_VALUE,
                            0x8000_0000L,
                            16));
        }
    }

    @Test
    void aQueueThatIsFullHasTakenWhatIsBeforeTheOneThatItNames() {
        try (var arena = Arena.ofConfined()) {
            var requests = arena.allocate(4L * IbvQp.SEND_BYTES);
            var bad = arena.allocate(ValueLayout.ADDRESS);
            bad.set(JAVA_LONG, 0, requests.address() + 3L * IbvQp.SEND_BYTES);

            assertThat(IbvQp.posted(0, requests, 4, IbvQp.SEND_BYTES, bad)).isEqualTo(4);
            assertThat(IbvQp.posted(Errno.ENOMEM, requests, 4, IbvQp.SEND_BYTES, bad))
                    .isEqualTo(3);
            assertThatThrownBy(() -> IbvQp.posted(Errno.EINVAL, requests, 4, IbvQp.SEND_BYTES, bad))
                    .isInstanceOf(PlatformException.class)
                    .hasMessageContaining("EINVAL");
        }
    }
}
