package io.doorbell.pcie;

import io.doorbell.pci.PciIdentity;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * In what a device differs from what it says, or from the specification. Known by its PCI identity.
 *
 * <p>That a device has fewer interrupt vectors than queues is none: queues share vectors.
 */
enum Quirk {
    /** It is not to be touched for a while after it was found. */
    NEEDS_TIME_FIRST("is left alone for 2 s before it is brought up"),

    /** Its CSTS.RDY is wrong, or it hangs, when it is read too soon after CC.EN was cleared. */
    READY_TOO_SOON("its ready bit is not looked at for 2.5 s after it is disabled"),

    /** Its SGLs do not work. */
    NO_SGLS("gets no SGLs"),

    /** Its admin queues have to fill whole pages. */
    ADMIN_QUEUES_IN_PAGES("its admin queues fill whole pages"),

    /** CSTS.SHST never says that the shutdown is complete. */
    NEVER_SHUT_DOWN("does not tell when its shutdown is complete"),

    /** Commands should not cross stripes, the size of which is in a vendor specific byte instead of NOIOB. */
    STRIPES("commands do not cross its stripes"),

    /** MDTS does not count metadata that travels in the data. */
    MDTS_WITHOUT_METADATA("its longest transfer does not count metadata"),

    /** It takes a moment until a new queue works. */
    NEEDS_TIME_FOR_QUEUES("is given a moment after each new queue");

    private static final int ANY = -1;
    private static final int INTEL = 0x8086;
    private static final int SAMSUNG = 0x144D;

    private record Row(int vendorId, int deviceId, Set<Quirk> quirks) {
        Row(int vendorId, int deviceId, Quirk first, Quirk... more) {
            this(vendorId, deviceId, EnumSet.of(first, more));
        }
    }

    private static final List<Row> ROWS = List.of(
            new Row(INTEL, 0x0953, STRIPES, NEEDS_TIME_FIRST), // DC P3x00
            new Row(INTEL, 0x0A53, STRIPES, NEEDS_TIME_FIRST),
            new Row(INTEL, 0x0A54, STRIPES, NEEDS_TIME_FIRST), // DC P4x00
            new Row(INTEL, 0x0A55, STRIPES),
            new Row(INTEL, 0x0B60, STRIPES), // D7-P5x00
            new Row(INTEL, 0x4140, MDTS_WITHOUT_METADATA),
            new Row(0x1C5F, 0x0540, READY_TOO_SOON), // Memblaze PBlaze4
            new Row(SAMSUNG, 0xA821, READY_TOO_SOON), // PM1725
            new Row(SAMSUNG, 0xA822, READY_TOO_SOON),
            new Row(SAMSUNG, 0xA826, READY_TOO_SOON), // PM1735
            new Row(0x80EE, 0x4E56, NEEDS_TIME_FOR_QUEUES), // VirtualBox
            new Row(0x15AD, 0x07F0, NEVER_SHUT_DOWN), // VMware
            new Row(0x19E5, ANY, NO_SGLS), // Huawei
            new Row(0x1414, 0xB111, ADMIN_QUEUES_IN_PAGES)); // Azure

    private final String description;

    Quirk(String description) {
        this.description = description;
    }

    /** As the end of a sentence about the device. */
    String description() {
        return description;
    }

    static Set<Quirk> of(PciIdentity identity) {
        var found = EnumSet.noneOf(Quirk.class);
        for (var row : ROWS) {
            if (row.vendorId == identity.vendorId() && (row.deviceId == ANY || row.deviceId == identity.deviceId())) {
                found.addAll(row.quirks);
            }
        }
        return found;
    }
}
