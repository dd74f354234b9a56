package io.doorbell.pcie.vfio;

import io.doorbell.pci.PciException;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.PlatformException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The MSI-X vectors of a claimed function. All are enabled at the beginning, going nowhere, because kernels before 6.5 cannot add one later. Any
 * thread.
 */
final class VfioInterrupts {
    private static final Logger LOG = LoggerFactory.getLogger(VfioInterrupts.class);

    /** A machine has some hundred vectors per CPU, for all of its devices. */
    private static final int MAX_VECTORS = 256;

    private final String address;
    private final VfioDevice device;
    private final int vectors;

    VfioInterrupts(String address, VfioDevice device) {
        this.address = address;
        this.device = device;
        vectors = enabled();
    }

    /** As many as can be had; none is no error: the function can be polled. */
    private int enabled() {
        try {
            int wanted = Math.min(MAX_VECTORS, device.interrupts(Vfio.MSIX));
            while (wanted > 0) {
                int most = device.enable(Vfio.MSIX, wanted);
                if (most == 0) {
                    return wanted;
                }
                // Less each time, so this ends.
                wanted = Math.min(most, wanted - 1);
            }
        } catch (PlatformException refused) {
            LOG.warn("{}: no interrupts, it can only be polled: {}", address, refused.getMessage());
        }
        return 0;
    }

    int vectors() {
        return vectors;
    }

    /** @param sign null for nowhere */
    void route(int vector, EventFd sign) {
        if (vector < 0 || vector >= vectors) {
            throw new IndexOutOfBoundsException(
                    address + ": interrupt vector " + vector + ", of " + vectors + " from 0 on");
        }
        try {
            device.route(Vfio.MSIX, vector, sign);
        } catch (PlatformException refused) {
            throw new PciException(
                    address + ": interrupt vector " + vector + " cannot be routed: " + refused.getMessage(), refused);
        }
    }

    void close() {
        if (vectors > 0) {
            try {
                device.disable(Vfio.MSIX);
            } catch (PlatformException gone) {
                LOG.debug("{}: interrupts stay until its file is closed: {}", address, gone.getMessage());
            }
        }
    }
}
