package io.doorbell.pcibus;

import java.util.List;
import java.util.OptionalInt;

/**
 * A PCI function as sysfs showed it at one moment.
 *
 * @param address {@code 0000:01:00.0}
 * @param classCode 24 bits
 * @param driver that it is bound to, or empty
 * @param iommuGroup none where no IOMMU translates for it
 * @param numaNode -1 where the machine does not tell
 * @param blockDevices whole disks behind it, such as {@code nvme0n1}; none while no kernel driver has it
 */
public record PciDevice(
        String address,
        int vendorId,
        int deviceId,
        int subsystemVendorId,
        int subsystemId,
        int revision,
        int classCode,
        String driver,
        OptionalInt iommuGroup,
        int numaNode,
        List<String> blockDevices) {
    /** PCI Code and ID Assignment Specification: mass storage, non-volatile memory, NVM Express. */
    public static final int NVME_CLASS_CODE = 0x01_08_02;

    /** The driver by which a process gets at a function: this one, in the kernel. */
    public static final String VFIO_DRIVER = "vfio-pci";

    private static final int BRIDGE = 0x06;

    public PciDevice {
        blockDevices = List.copyOf(blockDevices);
    }

    public boolean isNvme() {
        return classCode == NVME_CLASS_CODE;
    }

    public boolean isBoundToVfio() {
        return driver.equals(VFIO_DRIVER);
    }

    /** Bridges may stay with their drivers in a group that is used by VFIO. */
    public boolean isBridge() {
        return classCode >>> 16 == BRIDGE;
    }

    /** The ids as {@code lspci} prints them: {@code 1b36:0010}. */
    public String ids() {
        return String.format("%04x:%04x", vendorId, deviceId);
    }
}
