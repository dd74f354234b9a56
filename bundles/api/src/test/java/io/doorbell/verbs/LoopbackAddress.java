package io.doorbell.verbs;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/** Addresses of the loopback for RDMA devices in software, which all have the one port of RoCEv2. Any thread. */
public final class LoopbackAddress {
    private static final int ADDRESSES = 248 * 250;

    /** Another process, which counts too, mostly has another last byte. */
    private static final AtomicInteger NEXT =
            new AtomicInteger(ThreadLocalRandom.current().nextInt(ADDRESSES));

    private static final byte LAST = (byte) (1 + ProcessHandle.current().pid() % 254);

    private LoopbackAddress() {}

    /** One that nobody else of this process has. */
    public static InetAddress next() {
        int next = NEXT.getAndIncrement() % ADDRESSES;
        try {
            return InetAddress.getByAddress(new byte[] {127, (byte) (2 + next / 250), (byte) (next % 250), LAST});
        } catch (UnknownHostException impossible) {
            throw new AssertionError("4 bytes", impossible);
        }
    }
}
