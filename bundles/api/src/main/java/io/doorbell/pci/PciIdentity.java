package io.doorbell.pci;

/** Identity from configuration space; {@code classCode} has 24 bits, 010802h for an NVMe I/O controller. */
public record PciIdentity(
        int vendorId, int deviceId, int subsystemVendorId, int subsystemId, int revision, int classCode) {

    /** PCI Code and ID Assignment Specification: mass storage, non-volatile memory, NVM Express. */
    public static final int NVME_CLASS_CODE = 0x01_08_02;

    public boolean isNvme() {
        return classCode == NVME_CLASS_CODE;
    }

    @Override
    public String toString() {
        return String.format("[%04x:%04x]", vendorId, deviceId);
    }
}
