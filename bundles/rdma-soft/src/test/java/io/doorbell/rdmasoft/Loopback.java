package io.doorbell.rdmasoft;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.UnaryOperator;

/** Devices at addresses of the loopback that nobody else uses: all have the one port of RoCEv2. */
final class Loopback {
    private Loopback() {}

    static InetAddress address() {
        var random = ThreadLocalRandom.current();
        try {
            return InetAddress.getByAddress(
                    new byte[] {127, (byte) random.nextInt(2, 250), (byte) random.nextInt(250), 1});
        } catch (UnknownHostException impossible) {
            throw new AssertionError("4 bytes", impossible);
        }
    }

    static SoftDevice device() {
        return device(UnaryOperator.identity());
    }

    static SoftDevice device(UnaryOperator<Wire> seam) {
        return SoftDevice.open(SoftSettings.of(address()), seam);
    }
}
