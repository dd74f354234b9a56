package io.doorbell.emulator;

import io.doorbell.platform.EventFd;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The MSI-X vectors of a function: whom each of them tells. NVMe over PCIe 1.1 §3.5 "Interrupts", PCI Express Base 6.0 §7.7.2
 * "MSI-X Capability and Table Structure". An interrupt is for a batch of completions, not for each. Owner: the device's reactor.
 */
final class InterruptVectors {
    private static final Logger LOG = LoggerFactory.getLogger(InterruptVectors.class);

    private final String device;
    private final EventFd[] signs;
    private final boolean[] masked;

    /** Raised while masked: told when that ends. */
    private final boolean[] pending;

    private int routed;

    InterruptVectors(String device, int count) {
        this.device = device;
        signs = new EventFd[count];
        masked = new boolean[count];
        pending = new boolean[count];
    }

    int count() {
        return signs.length;
    }

    /** Whether anybody is to be told of anything. */
    boolean any() {
        return routed != 0;
    }

    void route(int vector, EventFd sign) {
        routed += (sign == null ? 0 : 1) - (signs[vector] == null ? 0 : 1);
        signs[vector] = sign;
        deliver(vector);
    }

    void mask(int vector, boolean now) {
        masked[vector] = now;
        deliver(vector);
    }

    boolean isPending(int vector) {
        return pending[vector];
    }

    void raise(int vector) {
        if (masked[vector]) {
            pending[vector] = true;
        } else if (signs[vector] != null) {
            signal(vector);
        }
    }

    private void deliver(int vector) {
        if (pending[vector] && !masked[vector]) {
            pending[vector] = false;
            raise(vector);
        }
    }

    private void signal(int vector) {
        try {
            signs[vector].signal();
        } catch (IllegalStateException closed) {
            // Not the device's end: its owner has closed it, and did not tell us before.
            LOG.warn("{}: the sign of interrupt vector {} was closed while it was routed", device, vector);
            route(vector, null);
        }
    }

    /** Nobody is told of anything, and nothing is masked. */
    void clear() {
        for (int i = 0; i < signs.length; i++) {
            signs[i] = null;
            masked[i] = false;
            pending[i] = false;
        }
        routed = 0;
    }
}
