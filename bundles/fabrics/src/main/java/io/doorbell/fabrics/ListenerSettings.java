package io.doorbell.fabrics;

import io.doorbell.nvme.Nqn;
import io.doorbell.target.ListenerStatus;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** What the settings of listeners have in common, whatever their network, and how they are checked. */
public interface ListenerSettings {
    /** The shortest that the longest transfer may be. */
    int MIN_TRANSFER_BYTES = 8192;

    /** For messages, and the name of its reactors; unique in the node. */
    String name();

    /** Qualified names of those to be reached; empty for all. */
    Set<String> subsystems();

    int maxConnections();

    int maxQueueEntries();

    int maxIoQueues();

    int inCapsuleBytes();

    int maxTransferBytes();

    /** What says where a listener is. */
    interface Placed {
        /** That of its settings. */
        String name();

        /** How it does while it is not open. */
        ListenerStatus whileClosed();
    }

    /** Names as they stand in a configuration. */
    static Set<String> subsystems(String[] configured) {
        return Arrays.stream(configured)
                .map(String::trim)
                .filter(nqn -> !nqn.isEmpty())
                .collect(Collectors.toSet());
    }

    /**
     * A copy.
     *
     * @throws IllegalArgumentException for one that is no qualified name
     */
    static Set<String> checkedSubsystems(String name, Set<String> subsystems) {
        subsystems.forEach(nqn -> Nqn.check("subsystem of " + name, nqn));
        return Set.copyOf(subsystems);
    }

    /** @throws IllegalArgumentException outside of the bounds */
    static void requireRange(String name, String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(what + " of " + name + ": " + value + ", " + min + " to " + max);
        }
    }

    /** @throws IllegalArgumentException for more than that, or no multiple of 512 */
    static void requireInCapsule(String name, int bytes, int max) {
        requireRange(name, "in-capsule data", bytes, 0, max);
        if (bytes % 512 != 0) {
            throw new IllegalArgumentException("in-capsule data of " + name + ": " + bytes + ", a multiple of 512");
        }
    }

    /** @throws IllegalArgumentException for more than that, or no power of two */
    static void requireTransfer(String name, int bytes, int max) {
        requireRange(name, "longest transfer", bytes, MIN_TRANSFER_BYTES, max);
        if (Integer.bitCount(bytes) != 1) {
            throw new IllegalArgumentException("longest transfer of " + name + ": " + bytes + ", a power of two");
        }
    }
}
