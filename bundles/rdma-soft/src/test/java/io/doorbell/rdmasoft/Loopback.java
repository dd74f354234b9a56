package io.doorbell.rdmasoft;

import io.doorbell.verbs.LoopbackAddress;
import java.net.InetAddress;
import java.util.function.UnaryOperator;

/** Devices at addresses of the loopback that nobody else uses: all have the one port of RoCEv2. */
final class Loopback {
    private Loopback() {}

    static InetAddress address() {
        return LoopbackAddress.next();
    }

    static SoftDevice device() {
        return device(UnaryOperator.identity());
    }

    static SoftDevice device(UnaryOperator<Wire> seam) {
        return SoftDevice.open(SoftSettings.of(address()), seam);
    }
}
