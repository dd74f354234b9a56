package io.doorbell.rdmasoft;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.verbs.VerbsContract;
import io.doorbell.verbs.VerbsDevice;
import java.net.InetAddress;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** One device that is connected with itself, over IPv6, with the shortest packets. */
class SoftDevice6Test extends VerbsContract {
    private static SoftDevice device;

    @BeforeAll
    static void openDevice() throws Exception {
        device = SoftDevice.open(
                SoftSettings.of(InetAddress.getByName("::1")).withUdpPort(0).withMaxPathMtu(1024));
    }

    @AfterAll
    static void closeDevice() {
        // Both ends are on lanes of their own: but for those of queue pairs that have gone, the kernel has steered
        // every packet
        // to the right one.
        assertThat(device.counters().get("drop_no_queue_pair"))
                .isLessThan(device.counters().get("received_packets") / 20);
        device.close();
    }

    @Override
    protected VerbsDevice active() {
        return device;
    }

    @Override
    protected VerbsDevice passive() {
        return device;
    }
}
