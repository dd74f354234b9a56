package io.doorbell.vfiouser;

import static io.doorbell.vfiouser.Wire.LE32;

import java.lang.foreign.MemorySegment;

/**
 * DEVICE_GET_IRQ_INFO, question and answer: one kind of interrupt.
 *
 * @param flags {@link #EVENTFD}, {@link #NO_RESIZE}
 * @param index one of the constants here, or another
 * @param count how many there are; 0 in a question
 */
public record IrqInfo(int flags, int index, int count) {
    public static final int INTX = 0;
    public static final int MSI = 1;
    public static final int MSIX = 2;
    public static final int ERROR = 3;
    public static final int REQUEST = 4;

    /** The kinds that a PCI function has. */
    public static final int PCI_KINDS = 5;

    /** It can be signalled through an eventfd. */
    public static final int EVENTFD = 1;

    /** All are set at one time. */
    public static final int NO_RESIZE = 8;

    private static final int SIZE_BYTES = 16;

    /** The most vectors of MSI-X. PCI Express Base 6.0 §7.7.2.2 "Message Control Register for MSI-X". */
    private static final int MAX_COUNT = 2048;

    /** @throws ProtocolException for a count that no function has */
    public static IrqInfo decode(MemorySegment payload) {
        Wire.require(payload, SIZE_BYTES, "DEVICE_GET_IRQ_INFO");
        Wire.argsz(payload, SIZE_BYTES, "DEVICE_GET_IRQ_INFO");
        var info = new IrqInfo(payload.get(LE32, 4), payload.get(LE32, 8), payload.get(LE32, 12));
        if (Integer.compareUnsigned(info.count, MAX_COUNT) > 0) {
            throw new ProtocolException(Integer.toUnsignedString(info.count) + " interrupts of kind " + info.index);
        }
        return info;
    }

    public static MemorySegment question(int index) {
        return new IrqInfo(0, index, 0).encode();
    }

    public MemorySegment encode() {
        var payload = Wire.allocate(SIZE_BYTES);
        payload.set(LE32, 0, SIZE_BYTES);
        payload.set(LE32, 4, flags);
        payload.set(LE32, 8, index);
        payload.set(LE32, 12, count);
        return payload;
    }
}
