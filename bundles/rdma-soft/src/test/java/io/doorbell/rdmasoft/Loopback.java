package io.doorbell.rdmasoft;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** Devices at addresses of the loopback that nobody else uses: all have the one port of RoCEv2. */
final class Loopback {
    private Loopback() {}

    /** Each address is given once; another process, which counts too, mostly has another last byte. */
    private static final AtomicInteger NEXT =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(248 * 250));

    private static final byte LAST = (byte) (1 + ProcessHandle.current().pid() % 254);

    static InetAddress address() {
        int next = NEXT.getAndIncrement();
        try {
            return InetAddress.getByAddress(new byte[] {127, (byte) (2 + next / 250 % 248), (byte) (next % 250), LAST});
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
