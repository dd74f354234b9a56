package io.doorbell.pcie.vfio;

import io.doorbell.pci.PciException;
import io.doorbell.pcibus.PciBus;
import io.doorbell.pcibus.PciDevice;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Finds PCI functions that can be driven by VFIO. Looks and never changes anything: binding is the operator's command, {@code doorbell pci bind}. Any
 * thread, control path.
 *
 * <p>For a program without a container:
 *
 * <pre>{@code
 * var function = VfioFunctions.ofThisMachine().find("0000:01:00.0");
 * try (var controller = PcieController.open(function, PcieOptions.DEFAULTS)) { … }
 * }</pre>
 */
public final class VfioFunctions {
    private final PciBus bus;
    private final Obstacles obstacles;

    /**
     * @param sysfs {@code /sys}
     * @param nodes {@code /dev/vfio}
     * @param processes {@code /proc}
     */
    VfioFunctions(Path sysfs, Path nodes, Path processes) {
        bus = new PciBus(sysfs);
        obstacles = new Obstacles(bus, nodes, processes);
    }

    public static VfioFunctions ofThisMachine() {
        return new VfioFunctions(Path.of("/sys"), Path.of("/dev/vfio"), Path.of("/proc"));
    }

    /**
     * The function at an address.
     *
     * @param address such as {@code 0000:01:00.0}
     * @throws PciException if it is not there or cannot be driven, with the command that mends it
     * @throws IllegalArgumentException if that is no address
     */
    public VfioFunction find(String address) {
        var canonical = PciBus.canonicalAddress(address);
        var device = bus.device(canonical)
                .orElseThrow(() -> new PciException(
                        canonical + ": there is no such PCI function; doorbell pci list shows those there are"));
        obstacle(device).ifPresent(reason -> {
            throw new PciException(reason);
        });
        return function(device);
    }

    /** Each NVMe controller that is bound to vfio-pci. */
    public List<VfioFunction> findNvme() {
        return bus.devices().stream()
                .filter(device -> device.isNvme() && device.isBoundToVfio())
                .map(this::function)
                .toList();
    }

    PciBus bus() {
        return bus;
    }

    /** What has to be mended before the function can be driven. */
    Optional<String> obstacle(PciDevice device) {
        return obstacles.of(device);
    }

    VfioFunction function(PciDevice device) {
        return new VfioFunction(device, obstacles);
    }
}
