package io.doorbell.emulator.vfiouser;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.doorbell.emulator.ExportedAccess;
import io.doorbell.platform.EventFd;
import io.doorbell.platform.PlatformException;
import io.doorbell.vfiouser.IrqInfo;
import io.doorbell.vfiouser.IrqSet;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.ProtocolException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The interrupts of a client: the eventfds by which it learns of them, and BAR4, which is the MSI-X table and the pending bits
 * behind it. PCI Express Base 6.0 §7.7.2 "MSI-X Capability and Table Structure".
 *
 * <p>An eventfd is what enables a vector, as VFIO has it; address and data of a table entry are kept and mean nothing here. A client that keeps
 * the table to itself (QEMU's does) never writes it, so that here, unlike after the reset of a real function, a vector is not masked before
 * somebody masks it. One thread.
 */
final class Interrupts {
    private static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private static final int ENTRY_BYTES = 16;
    private static final int VECTOR_CONTROL = 12;
    private static final int MASK_BIT = 1;
    private static final int PAGE_BYTES = 4096;

    private final ExportedAccess access;
    private final int vectors;
    private final EventFd[][] signs = new EventFd[IrqInfo.PCI_KINDS][];
    private final boolean[] maskedByMessage;
    private final boolean[] masked;
    private final byte[] bar4;
    private boolean functionMasked;

    Interrupts(ExportedAccess access) {
        this.access = access;
        vectors = access.interruptVectors();
        for (int kind = 0; kind < signs.length; kind++) {
            signs[kind] = new EventFd[count(kind)];
        }
        maskedByMessage = new boolean[vectors];
        masked = new boolean[vectors];
        int half = Math.max(PAGE_BYTES / 2, Integer.highestOneBit(vectors * ENTRY_BYTES - 1) << 1);
        bar4 = new byte[2 * half];
    }

    /** MSI-X vectors. */
    int vectors() {
        return vectors;
    }

    /** Length of BAR4: the table, and from its middle on the pending bits. */
    int bar4Bytes() {
        return bar4.length;
    }

    /** How many interrupts of a kind there are. */
    int count(int kind) {
        return switch (kind) {
            case IrqInfo.MSIX -> vectors;
            case IrqInfo.ERROR, IrqInfo.REQUEST -> 1;
            case IrqInfo.INTX, IrqInfo.MSI -> 0;
            default -> throw new ProtocolException("interrupts of kind " + kind);
        };
    }

    void set(Message message) {
        var set = IrqSet.decode(message.payload(), message.descriptorCount(), this::count);
        if (set.action() != IrqSet.TRIGGER) {
            mask(set);
        } else if (set.count() == 0) {
            assign(set.index(), 0, signs[set.index()].length, null);
        } else if (set.data() == IrqSet.EVENTFDS) {
            assign(set.index(), set.start(), set.count(), message);
        } else {
            trigger(set);
        }
    }

    private void mask(IrqSet set) {
        if (set.data() == IrqSet.EVENTFDS || set.index() != IrqInfo.MSIX) {
            throw new ProtocolException(
                    ProtocolException.ENOTSUP, "interrupts of kind " + set.index() + " are not masked in this way");
        }
        for (int i = 0; i < set.count(); i++) {
            if (set.data() == IrqSet.NONE || set.booleans()[i] != 0) {
                maskedByMessage[set.start() + i] = set.action() == IrqSet.MASK;
            }
        }
        applyMasks(set.start(), set.start() + set.count());
    }

    /** @param message with a descriptor for each, or none: then nobody is told any more */
    private void assign(int kind, int start, int count, Message message) {
        for (int i = 0; i < count; i++) {
            EventFd sign = null;
            if (message != null && message.descriptorCount() > 0) {
                try {
                    sign = EventFd.of(message.take(i));
                } catch (PlatformException none) {
                    throw new ProtocolException("interrupt " + (start + i) + ": " + none.getMessage());
                }
            }
            var old = signs[kind][start + i];
            signs[kind][start + i] = sign;
            if (kind == IrqInfo.MSIX && (old != null || sign != null)) {
                access.routeInterrupt(start + i, sign);
            }
            if (old != null) {
                old.close();
            }
        }
    }

    private void trigger(IrqSet set) {
        for (int i = 0; i < set.count(); i++) {
            var sign = signs[set.index()][set.start() + i];
            if (sign != null && (set.data() == IrqSet.NONE || set.booleans()[i] != 0)) {
                sign.signal();
            }
        }
    }

    /** Message Control of the capability: all vectors at one time. */
    void maskFunction(boolean now) {
        if (functionMasked != now) {
            functionMasked = now;
            applyMasks(0, vectors);
        }
    }

    private void applyMasks(int from, int to) {
        var table = MemorySegment.ofArray(bar4);
        for (int i = from; i < to; i++) {
            boolean inTable = (table.get(LE32, (long) i * ENTRY_BYTES + VECTOR_CONTROL) & MASK_BIT) != 0;
            boolean now = functionMasked || maskedByMessage[i] || inTable;
            if (masked[i] != now) {
                masked[i] = now;
                access.maskInterrupt(i, now);
            }
        }
    }

    void readBar4(long offset, MemorySegment data) {
        check(offset, data.byteSize());
        int pendingBits = bar4.length / 2;
        for (int i = 0; i < data.byteSize(); i++) {
            int at = (int) offset + i;
            data.set(ValueLayout.JAVA_BYTE, i, at < pendingBits ? bar4[at] : pending(at - pendingBits));
        }
    }

    /** Eight vectors of the pending bit array. */
    private byte pending(int index) {
        int bits = 0;
        for (int i = 0; i < Byte.SIZE; i++) {
            int vector = index * Byte.SIZE + i;
            // Only what is masked can be held back, so that a read costs the device nothing else.
            if (vector < vectors && masked[vector] && access.isInterruptPending(vector)) {
                bits |= 1 << i;
            }
        }
        return (byte) bits;
    }

    /** Writes the table; what lies behind it stays as it is. */
    void writeBar4(long offset, MemorySegment data) {
        check(offset, data.byteSize());
        int end = (int) Math.min(offset + data.byteSize(), (long) vectors * ENTRY_BYTES);
        for (int at = (int) offset; at < end; at++) {
            bar4[at] = data.get(ValueLayout.JAVA_BYTE, at - offset);
        }
        if (offset < end) {
            applyMasks((int) offset / ENTRY_BYTES, Math.ceilDiv(end, ENTRY_BYTES));
        }
    }

    private void check(long offset, long count) {
        if (offset < 0 || offset > bar4.length - count) {
            throw new ProtocolException(count + " bytes at " + offset + " leave BAR4, which has " + bar4.length);
        }
    }

    /** Nobody is told any more, and nothing is masked, as after a reset. */
    void close() {
        for (int kind = 0; kind < signs.length; kind++) {
            assign(kind, 0, signs[kind].length, null);
        }
        Arrays.fill(bar4, (byte) 0);
        Arrays.fill(maskedByMessage, false);
        functionMasked = false;
        applyMasks(0, vectors);
    }
}
