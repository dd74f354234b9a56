package io.doorbell.emulator.vfiouser;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.doorbell.pci.PciIdentity;
import io.doorbell.vfiouser.ProtocolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The configuration space of a function: PCI Express Base 6.0 §7.5.1 "PCI-Compatible Configuration Registers", and MSI-X as the only
 * capability. Reads and writes of any length; what is read only stays as it is. One thread.
 */
final class ConfigurationSpace {
    static final int SIZE_BYTES = 256;

    private static final ValueLayout.OfByte LE8 = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort LE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private static final int COMMAND = 0x04;
    private static final int STATUS = 0x06;
    private static final int REVISION_AND_CLASS = 0x08;
    private static final int BAR0 = 0x10;
    private static final int BAR4 = 0x20;
    private static final int SUBSYSTEM = 0x2C;
    private static final int CAPABILITIES = 0x34;
    private static final int INTERRUPT_LINE = 0x3C;
    private static final int MSIX = 0x40;

    /** Memory space, bus master, parity error response, SERR#, interrupt disable. */
    private static final int COMMAND_WRITABLE = 1 << 1 | 1 << 2 | 1 << 6 | 1 << 8 | 1 << 10;

    private static final int STATUS_CAPABILITIES = 1 << 4;
    private static final int BAR_MEMORY_64_BIT = 1 << 2;
    private static final int CAPABILITY_MSIX = 0x11;
    /** Function mask and MSI-X enable. */
    private static final int MSIX_WRITABLE = 1 << 14 | 1 << 15;

    private final byte[] bytes = new byte[SIZE_BYTES];
    private final byte[] writable = new byte[SIZE_BYTES];

    /**
     * @param bar0Bytes a power of two
     * @param bar4Bytes a power of two: the MSI-X table, and from its middle on the pending bits
     */
    ConfigurationSpace(PciIdentity identity, int bar0Bytes, int bar4Bytes, int vectors) {
        var space = MemorySegment.ofArray(bytes);
        var mask = MemorySegment.ofArray(writable);
        space.set(LE32, 0, identity.deviceId() << 16 | identity.vendorId());
        mask.set(LE16, COMMAND, (short) COMMAND_WRITABLE);
        space.set(LE16, STATUS, (short) STATUS_CAPABILITIES);
        space.set(LE32, REVISION_AND_CLASS, identity.classCode() << 8 | identity.revision());
        bar(space, mask, BAR0, bar0Bytes);
        bar(space, mask, BAR4, bar4Bytes);
        space.set(LE32, SUBSYSTEM, identity.subsystemId() << 16 | identity.subsystemVendorId());
        space.set(LE8, CAPABILITIES, (byte) MSIX);
        mask.set(LE8, INTERRUPT_LINE, (byte) 0xFF);
        space.set(LE8, MSIX, (byte) CAPABILITY_MSIX);
        space.set(LE16, MSIX + 2, (short) (vectors - 1));
        mask.set(LE16, MSIX + 2, (short) MSIX_WRITABLE);
        space.set(LE32, MSIX + 4, 4);
        space.set(LE32, MSIX + 8, bar4Bytes / 2 | 4);
    }

    /** A BAR of 64 bits: of its address the bits below its length are 0 and stay so, by which software learns the length. */
    private static void bar(MemorySegment space, MemorySegment mask, int offset, int barBytes) {
        space.set(LE32, offset, BAR_MEMORY_64_BIT);
        mask.set(LE32, offset, -barBytes);
        mask.set(LE32, offset + 4, -1);
    }

    /** Whether the function may reach memory. */
    boolean isBusMaster() {
        return (bytes[COMMAND] & 1 << 2) != 0;
    }

    /** Whether the function mask of MSI-X is set. */
    boolean masksInterrupts() {
        return (bytes[MSIX + 3] & 1 << 6) != 0;
    }

    void read(long offset, MemorySegment data) {
        check(offset, data.byteSize());
        MemorySegment.copy(bytes, (int) offset, data, ValueLayout.JAVA_BYTE, 0, (int) data.byteSize());
    }

    void write(long offset, MemorySegment data) {
        check(offset, data.byteSize());
        for (int i = 0; i < data.byteSize(); i++) {
            int at = (int) offset + i;
            bytes[at] = (byte) (bytes[at] & ~writable[at] | data.get(ValueLayout.JAVA_BYTE, i) & writable[at]);
        }
    }

    private static void check(long offset, long count) {
        if (offset < 0 || offset > SIZE_BYTES - count) {
            throw new ProtocolException(count + " bytes at " + offset + " of a configuration space of " + SIZE_BYTES);
        }
    }
}
