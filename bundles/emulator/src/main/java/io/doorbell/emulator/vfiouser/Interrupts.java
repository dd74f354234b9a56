package io.doorbell.emulator.vfiouser;

import io.doorbell.platform.EventFd;
import io.doorbell.platform.PlatformException;
import io.doorbell.vfiouser.IrqInfo;
import io.doorbell.vfiouser.IrqSet;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.ProtocolException;

/**
 * The eventfds by which a client is to learn of interrupts. The emulated controller raises none (its hosts poll), so they are kept, and signalled
 * when the client itself asks for that. One thread.
 */
final class Interrupts {
    private final EventFd[][] signs = new EventFd[IrqInfo.PCI_KINDS][];

    Interrupts() {
        for (int kind = 0; kind < signs.length; kind++) {
            signs[kind] = new EventFd[count(kind)];
        }
    }

    /** How many interrupts of a kind there are. */
    static int count(int kind) {
        return switch (kind) {
            case IrqInfo.MSIX -> Session.VECTORS;
            case IrqInfo.ERROR, IrqInfo.REQUEST -> 1;
            case IrqInfo.INTX, IrqInfo.MSI -> 0;
            default -> throw new ProtocolException("interrupts of kind " + kind);
        };
    }

    void set(Message message) {
        var set = IrqSet.decode(message.payload(), message.descriptorCount(), Interrupts::count);
        if (set.action() != IrqSet.TRIGGER) {
            return; // Nothing is raised, so nothing can be masked.
        }
        if (set.count() == 0) {
            assign(set.index(), 0, signs[set.index()].length, null);
        } else if (set.data() == IrqSet.EVENTFDS) {
            assign(set.index(), set.start(), set.count(), message);
        } else {
            trigger(set);
        }
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
            if (signs[kind][start + i] != null) {
                signs[kind][start + i].close();
            }
            signs[kind][start + i] = sign;
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

    /** Nobody is told any more. */
    void close() {
        for (int kind = 0; kind < signs.length; kind++) {
            assign(kind, 0, signs[kind].length, null);
        }
    }
}
