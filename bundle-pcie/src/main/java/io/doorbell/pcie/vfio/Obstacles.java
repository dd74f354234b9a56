package io.doorbell.pcie.vfio;

import io.doorbell.pcibus.PciBus;
import io.doorbell.pcibus.PciDevice;
import io.doorbell.platform.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What stands in the way of driving a function, each with the command that mends it. Looked for before anything is opened where sysfs tells, and made of the
 * kernel's refusal where it does not.
 */
final class Obstacles {
    private final PciBus bus;
    private final Path nodes;
    private final Path processes;

    /**
     * @param nodes {@code /dev/vfio}
     * @param processes {@code /proc}
     */
    Obstacles(PciBus bus, Path nodes, Path processes) {
        this.bus = bus;
        this.nodes = nodes;
        this.processes = processes;
    }

    /** The first thing that has to be mended before this function can be opened; empty if there is none that can be seen. */
    Optional<String> of(PciDevice device) {
        var address = device.address();
        if (device.iommuGroup().isEmpty()) {
            return Optional.of(noIommu(address));
        }
        if (!device.isBoundToVfio()) {
            return Optional.of(notBound(device));
        }
        var others = notViable(device);
        if (!others.isEmpty()) {
            return Optional.of(others);
        }
        if (!Files.exists(nodes.resolve("vfio"))) {
            return Optional.of(address + ": " + nodes.resolve("vfio") + " is missing: modprobe vfio_iommu_type1");
        }
        var node = node(device);
        if (!Files.exists(node)) {
            return Optional.of(address + ": " + node + " is missing although its driver is " + PciDevice.VFIO_DRIVER
                    + ": in a container, pass it through (docker run --device " + node + " --device "
                    + nodes.resolve("vfio") + ")");
        }
        return Optional.empty();
    }

    Path node(PciDevice device) {
        return nodes.resolve(Integer.toString(device.iommuGroup().orElseThrow()));
    }

    Path container() {
        return nodes.resolve("vfio");
    }

    private static String noIommu(String address) {
        return address + " is in no IOMMU group, so nothing would keep it from other memory: switch the IOMMU on in the"
                + " firmware (VT-d, AMD-Vi), and boot with intel_iommu=on on the kernel's command line (Intel; AMD needs"
                + " nothing there)";
    }

    private static String notBound(PciDevice device) {
        return device.address() + " is bound to "
                + (device.driver().isEmpty() ? "no driver" : "the driver " + device.driver()) + ", not to "
                + PciDevice.VFIO_DRIVER + ": doorbell pci bind " + device.address();
    }

    /** Empty if each other function of the group is out of the way. */
    private String notViable(PciDevice device) {
        int group = device.iommuGroup().orElseThrow();
        var inTheWay = bus.group(group).stream()
                .filter(other -> !other.driver().isEmpty() && !other.isBoundToVfio() && !other.isBridge())
                .toList();
        if (inTheWay.isEmpty()) {
            return "";
        }
        return device.address() + ": its IOMMU group " + group + " has other functions that kernel drivers have: "
                + inTheWay.stream()
                        .map(other -> other.address() + " (" + other.ids() + ", " + other.driver() + ")")
                        .collect(Collectors.joining(", "))
                + ". All of them have to be let go of: "
                + inTheWay.stream()
                        .map(other -> other.isNvme()
                                ? "doorbell pci bind " + other.address()
                                : "echo " + other.address() + " > "
                                        + bus.sysfs().resolve("bus/pci/devices/" + other.address() + "/driver/unbind"))
                        .collect(Collectors.joining("; "))
                + "; or put the controller into a slot with a group of its own";
    }

    /** What the kernel said when the group's node was opened: its errno, and the same in words. */
    String ofOpening(PciDevice device, int errno, String said) {
        var node = node(device);
        return switch (errno) {
            case Vfio.EACCES, Vfio.EPERM ->
                device.address() + ": this user may not open " + node + ": as root, chown "
                        + System.getProperty("user.name") + " " + node;
            case Vfio.EBUSY ->
                device.address() + " is in use: IOMMU group "
                        + device.iommuGroup().orElseThrow() + " is open in " + holder(node);
            default -> device.address() + ": " + said;
        };
    }

    /** What the kernel said when the container was opened. */
    String ofContainer(PciDevice device, int errno, String said) {
        return switch (errno) {
            case Vfio.EACCES, Vfio.EPERM ->
                device.address() + ": this user may not open " + container() + ": as root, chmod 666 " + container()
                        + " (it gives no right to any device)";
            case Vfio.ENODEV, Vfio.ENOENT ->
                device.address() + ": " + container() + " has no driver: modprobe vfio_iommu_type1";
            default -> device.address() + ": " + said;
        };
    }

    /** What the kernel said when the IOMMU was to translate for the group. */
    String ofIommu(PciDevice device, int errno, String said) {
        if (errno == Vfio.EPERM) {
            return device.address()
                    + ": the IOMMU does not remap interrupts, so the device could raise any: switch it on"
                    + " in the firmware (\"interrupt remapping\", x2APIC), or accept the risk as root: echo 1 >"
                    + " /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
        }
        return device.address() + ": the IOMMU cannot be set up: " + said;
    }

    /**
     * What the kernel said when memory was to be mapped.
     *
     * @param limit RLIMIT_MEMLOCK
     */
    static String ofMapping(
            String address, long bytes, long mappedBytes, long mappings, long limit, int errno, String said) {
        var what = address + ": " + bytes + " bytes cannot be mapped for DMA";
        return switch (errno) {
            case Vfio.ENOMEM ->
                what
                        + (limit == Machine.UNLIMITED
                                ? ": the machine has not that much memory to pin"
                                : ": pinned memory counts as locked, of which this process may have " + limit
                                        + " bytes (RLIMIT_MEMLOCK); " + mappedBytes
                                        + " are mapped already. Before the start:"
                                        + " ulimit -l unlimited, or LimitMEMLOCK=infinity in the systemd unit");
            case Vfio.ENOSPC ->
                what + ": " + mappings + " mappings are all that the kernel allows. As root, before the start: echo"
                        + " 1000000 > /sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
            default -> what + ": " + said;
        };
    }

    /** Who has a node open, as far as /proc lets us see it. */
    private String holder(Path node) {
        try (var all = Files.newDirectoryStream(processes, "[0-9]*")) {
            for (var process : all) {
                if (hasOpen(process, node)) {
                    return "process " + process.getFileName() + " (" + name(process) + ")";
                }
            }
        } catch (IOException hidden) {
            // Said as it is known.
        }
        return "another process: fuser -v " + node + " shows it";
    }

    private static boolean hasOpen(Path process, Path node) {
        try (var descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (var descriptor : descriptors) {
                if (Files.readSymbolicLink(descriptor).equals(node)) {
                    return true;
                }
            }
        } catch (IOException endedOrForeign) {
            // Not this one, then.
        }
        return false;
    }

    private static String name(Path process) {
        try {
            return Files.readString(process.resolve("comm")).strip();
        } catch (IOException ended) {
            return "?";
        }
    }
}
