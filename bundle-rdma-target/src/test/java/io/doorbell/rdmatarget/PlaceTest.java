package io.doorbell.rdmatarget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.rdmatarget.RdmaTargetComponent.Configured;
import io.doorbell.rdmatarget.RdmaTargetComponent.Place;
import org.junit.jupiter.api.Test;

class PlaceTest {

    @Test
    void aDeviceIsNamedOrHasAnAddress() {
        assertThat(Place.of("soft0").problem()).isEqualTo("no RDMA device is called soft0");
        assertThat(Place.of("::1").problem()).contains("has the address 0:0:0:0:0:0:0:1");
        assertThatThrownBy(() -> Place.of("192.0.2.300")).isInstanceOf(IllegalArgumentException.class);
    }

    /** Whoever asks how it does is answered also while there is no such device. */
    @Test
    void aListenerAtANamedDeviceHasAStatusWithoutIt() {
        var now = RdmaTargetSettings.DEFAULT;
        var settings = new RdmaTargetSettings(
                now.name(),
                4420,
                now.subsystems(),
                now.reactors(),
                now.maxConnections(),
                now.maxQueueEntries(),
                now.maxIoQueues(),
                now.inCapsuleBytes(),
                now.maxTransferBytes(),
                now.bufferMebibytes());

        var status = new Configured(settings, Place.of("soft0")).whileClosed();

        assertThat(status.listening()).isFalse();
        assertThat(status.at().traddr()).isEqualTo("0.0.0.0");
        assertThat(status.reachedAt("192.0.2.7").at().traddr()).isEqualTo("192.0.2.7");
    }
}
