package io.doorbell.lab.pcie;

/**
 * A controller of the lab's machine, by what it is there for. Each has a place on the bus that does not depend on the others.
 *
 * @param number of the slot on the root bus; 0 for the one behind the hot-plug port, whose bus is numbered by the firmware
 */
enum Slot {
    /** One namespace of 512 bytes a block; written by one driver, read by the other. */
    PLAIN(0x10),
    /** The same again, for the kernel's driver: what is told of both has to be alike. */
    TWIN(0x11),
    /** Several namespaces, of 512 and 4096 bytes a block, with a gap in their numbers; and three interrupt vectors. */
    MANY(0x12),
    /** Metadata and protection information. */
    META(0x13),
    /** Two pages a command: everything longer is split. */
    SMALL(0x14),
    /** Two controllers of one subsystem, with a namespace that only the second one has to begin with. */
    SHARED_A(0x15),
    SHARED_B(0x16),
    /** Its disk can be slowed down at run time. */
    SLOW(0x17),
    /** A zoned namespace. */
    ZONED(0x18),
    /** Behind a port that things are unplugged from. */
    HOT(0);

    /** On the root bus. */
    static final int PORT = 0x1a;

    private final int number;

    Slot(int number) {
        this.number = number;
    }

    /** QEMU's id of the device. */
    String id() {
        return name().toLowerCase().replace('_', '-');
    }

    /** Controllers of one subsystem have one. */
    String serial() {
        return this == SHARED_A || this == SHARED_B ? "shared" : id();
    }

    /** Of QEMU's {@code addr=}. */
    String place() {
        return "0x" + Integer.toHexString(number);
    }

    /** The port's own. */
    static String portAddress() {
        return "0000:00:%02x.0".formatted(PORT);
    }

    /** As sysfs writes it, of those on the root bus. */
    String address() {
        if (number == 0) {
            throw new IllegalStateException(this + " is where the port's bus is");
        }
        return "0000:00:%02x.0".formatted(number);
    }
}
