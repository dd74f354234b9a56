package io.doorbell.rdmatarget;

import io.doorbell.nvme.Nqn;
import java.util.Set;

/**
 * What a listener does.
 *
 * @param name for messages, and the name of its reactors
 * @param port of RDMA; 0 for a free one
 * @param subsystems qualified names of those to be reached here; empty for all
 * @param reactors threads that share the connections
 * @param maxConnections of all reactors together
 * @param maxQueueEntries the most entries of a queue
 * @param maxIoQueues the most I/O queues of a controller
 * @param inCapsuleBytes data that a command may bring along, a multiple of 512
 * @param maxTransferBytes the longest transfer of a command, a power of two
 * @param bufferMebibytes memory for data on their way, of each reactor
 */
public record RdmaTargetSettings(
        String name,
        int port,
        Set<String> subsystems,
        int reactors,
        int maxConnections,
        int maxQueueEntries,
        int maxIoQueues,
        int inCapsuleBytes,
        int maxTransferBytes,
        int bufferMebibytes) {
    /** As the default configuration has it, at a free port. */
    public static final RdmaTargetSettings DEFAULT =
            new RdmaTargetSettings("rdma0", 0, Set.of(), 1, 256, 128, 64, 4096, 1 << 17, 64);

    public RdmaTargetSettings {
        subsystems = Set.copyOf(subsystems);
        subsystems.forEach(nqn -> Nqn.check("subsystem of " + name, nqn));
        range(name, "port", port, 0, 65_535);
        range(name, "reactors", reactors, 1, 14);
        range(name, "connections", maxConnections, 1, 4096);
        range(name, "queue entries", maxQueueEntries, 32, 1024);
        range(name, "I/O queues", maxIoQueues, 1, 1024);
        range(name, "in-capsule data", inCapsuleBytes, 0, 16_384);
        if (inCapsuleBytes % 512 != 0) {
            throw new IllegalArgumentException(
                    "in-capsule data of " + name + ": " + inCapsuleBytes + ", a multiple of 512");
        }
        range(name, "longest transfer", maxTransferBytes, 8192, 1 << 18);
        if (Integer.bitCount(maxTransferBytes) != 1) {
            throw new IllegalArgumentException(
                    "longest transfer of " + name + ": " + maxTransferBytes + ", a power of two");
        }
        range(name, "buffer", bufferMebibytes, 4, 1024);
    }

    private static void range(String name, String what, int value, int min, int max) {
        if (value < min || value > max) {
            throw new IllegalArgumentException(what + " of " + name + ": " + value + ", " + min + " to " + max);
        }
    }
}
