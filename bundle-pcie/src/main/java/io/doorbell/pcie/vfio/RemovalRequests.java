package io.doorbell.pcie.vfio;

import io.doorbell.platform.EventFd;
import io.doorbell.platform.PlatformException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to the interrupt by which the kernel asks to have a device back. It asks again every ten seconds, and waits as long as it takes. A thread of its
 * own, since it waits in the kernel.
 */
final class RemovalRequests implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RemovalRequests.class);
    private static final long WAIT_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final String address;
    private final EventFd sign;
    private final IntConsumer asked;

    private RemovalRequests(String address, EventFd sign, IntConsumer asked) {
        this.address = address;
        this.sign = sign;
        this.asked = asked;
    }

    /** @param asked is told how often the kernel has asked, on the thread of this */
    static RemovalRequests of(String address, VfioDevice device, IntConsumer asked) {
        var requests = new RemovalRequests(address, EventFd.create(), asked);
        try {
            device.route(Vfio.REQUEST, 0, requests.sign);
        } catch (PlatformException refused) {
            // All ones and the uevent tell of a removal too.
            LOG.debug("{}: the kernel will not ask for it: {}", address, refused.getMessage());
        }
        Thread.ofPlatform().daemon().name("vfio-" + address).start(requests::listen);
        return requests;
    }

    private void listen() {
        int times = 0;
        try {
            while (true) {
                if (sign.await(WAIT_NANOS) && sign.drain() > 0) {
                    asked.accept(++times);
                }
            }
        } catch (IllegalStateException closed) {
            // The claim has ended.
        } catch (RuntimeException failed) {
            LOG.error("{}: nobody listens to removal any more", address, failed);
        }
    }

    @Override
    public void close() {
        sign.close();
    }
}
