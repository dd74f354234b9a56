package io.doorbell.tcp;

import io.doorbell.fabrics.ListenerSettings;
import io.doorbell.nvme.TransportId;
import io.doorbell.target.ListenerStatus;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Set;

/**
 * What a listener does.
 *
 * @param name for messages, and the name of its reactors
 * @param address an IPv4 or IPv6 address of this node, no host name; 0.0.0.0 or :: for all
 * @param port 0 for a free one
 * @param subsystems qualified names of those to be reached here; empty for all
 * @param reactors threads that share the connections
 * @param maxConnections of all reactors together
 * @param maxQueueEntries the most entries of a queue
 * @param maxIoQueues the most I/O queues of a controller
 * @param inCapsuleBytes data that a command may bring along, a multiple of 512
 * @param maxTransferBytes the longest transfer of a command, a power of two
 * @param bufferMebibytes memory for data on their way, of each reactor
 * @param headerDigest whether hosts that ask for it get a checksum of each header
 * @param dataDigest whether hosts that ask for it get a checksum of all data
 * @param tls whether connections are encrypted, by TLS 1.3 with keys of hosts; others are not taken then
 */
public record TcpTargetSettings(
        String name,
        String address,
        int port,
        Set<String> subsystems,
        int reactors,
        int maxConnections,
        int maxQueueEntries,
        int maxIoQueues,
        int inCapsuleBytes,
        int maxTransferBytes,
        int bufferMebibytes,
        boolean headerDigest,
        boolean dataDigest,
        boolean tls)
        implements ListenerSettings, ListenerSettings.Placed {
    static final int MAX_REACTORS = 64;
    static final int MAX_CONNECTIONS = 4096;
    static final int MAX_IN_CAPSULE_BYTES = 8192;
    static final int MAX_TRANSFER_BYTES = 1 << 20;
    static final int MIN_BUFFER_MEBIBYTES = 4;
    static final int MAX_BUFFER_MEBIBYTES = 1024;

    /** As the default configuration has it, at a free port of the loopback. */
    public static final TcpTargetSettings DEFAULT = new TcpTargetSettings(
            "tcp0", "127.0.0.1", 0, Set.of(), 1, 256, 128, 64, 8192, 1 << 17, 64, true, true, false);

    public TcpTargetSettings {
        if (address.isEmpty() || !address.matches("[0-9a-fA-F.:%a-z]+")) {
            throw new IllegalArgumentException("address \"" + address + "\" of " + name + ": an IPv4 or IPv6 address");
        }
        subsystems = ListenerSettings.checkedSubsystems(name, subsystems);
        ListenerSettings.requireRange(name, "port", port, 0, 65_535);
        ListenerSettings.requireRange(name, "reactors", reactors, 1, MAX_REACTORS);
        ListenerSettings.requireRange(name, "connections", maxConnections, 1, MAX_CONNECTIONS);
        ListenerSettings.requireRange(name, "queue entries", maxQueueEntries, 32, 4096);
        ListenerSettings.requireRange(name, "I/O queues", maxIoQueues, 1, 1024);
        ListenerSettings.requireInCapsule(name, inCapsuleBytes, MAX_IN_CAPSULE_BYTES);
        ListenerSettings.requireTransfer(name, maxTransferBytes, MAX_TRANSFER_BYTES);
        ListenerSettings.requireRange(name, "buffer", bufferMebibytes, MIN_BUFFER_MEBIBYTES, MAX_BUFFER_MEBIBYTES);
    }

    InetSocketAddress socketAddress() {
        try {
            // No name is looked up: the constructor lets only literals through.
            return new InetSocketAddress(InetAddress.getByName(address), port);
        } catch (UnknownHostException noLiteral) {
            throw new IllegalArgumentException(
                    "address \"" + address + "\" of " + name + ": an IPv4 or IPv6 address", noLiteral);
        }
    }

    @Override
    public ListenerStatus whileClosed() {
        return ListenerStatus.closed(TransportId.Type.TCP, address, port, tls, maxConnections);
    }
}
