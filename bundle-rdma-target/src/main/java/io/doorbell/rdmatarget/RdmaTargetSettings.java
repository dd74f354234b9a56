package io.doorbell.rdmatarget;

import io.doorbell.fabrics.ListenerSettings;
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
        int bufferMebibytes)
        implements ListenerSettings {
    /** As the default configuration has it, at a free port. */
    public static final RdmaTargetSettings DEFAULT =
            new RdmaTargetSettings("rdma0", 0, Set.of(), 1, 256, 128, 64, 4096, 1 << 17, 64);

    public RdmaTargetSettings {
        subsystems = ListenerSettings.checkedSubsystems(name, subsystems);
        ListenerSettings.requireRange(name, "port", port, 0, 65_535);
        ListenerSettings.requireRange(name, "reactors", reactors, 1, 14);
        ListenerSettings.requireRange(name, "connections", maxConnections, 1, 4096);
        ListenerSettings.requireRange(name, "queue entries", maxQueueEntries, 32, 1024);
        ListenerSettings.requireRange(name, "I/O queues", maxIoQueues, 1, 1024);
        ListenerSettings.requireInCapsule(name, inCapsuleBytes, 16_384);
        ListenerSettings.requireTransfer(name, maxTransferBytes, 1 << 18);
        ListenerSettings.requireRange(name, "buffer", bufferMebibytes, 4, 1024);
    }

    RdmaTargetSettings withMaxTransfer(int bytes) {
        return new RdmaTargetSettings(
                name,
                port,
                subsystems,
                reactors,
                maxConnections,
                maxQueueEntries,
                maxIoQueues,
                inCapsuleBytes,
                bytes,
                bufferMebibytes);
    }
}
