package io.doorbell.fabrics;

import io.doorbell.lease.ConnectionLeases;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TransportId;
import java.net.InetSocketAddress;
import java.util.Set;

/**
 * Where hosts can reach subsystems, and what a transport does for them there.
 *
 * @param name for messages and the names of controllers
 * @param trtype RDMA or TCP
 * @param traddr an address of this node; 0.0.0.0 or :: for all
 * @param trsvcid port
 * @param subsystems qualified names of those to be reached here; empty for all
 * @param maxQueueEntries the most entries of a queue, 32 to 4096
 * @param maxIoQueues the most I/O queues of a controller
 * @param inCapsuleBytes data that a command of an I/O queue may bring along, a multiple of 16
 * @param maxTransferPages the longest transfer in pages of 4096 bytes, a power of two
 * @param sgls the SGLS field of Identify Controller
 * @param sglDescriptors the most descriptors of data that a capsule may have
 * @param secured whether connections are encrypted, by keys of hosts
 * @param leases whose queue pairs the connections are
 */
public record FabricListener(
        String name,
        TransportId.Type trtype,
        String traddr,
        String trsvcid,
        Set<String> subsystems,
        int maxQueueEntries,
        int maxIoQueues,
        int inCapsuleBytes,
        int maxTransferPages,
        int sgls,
        int sglDescriptors,
        boolean secured,
        ConnectionLeases leases) {
    public static final int MIN_QUEUE_ENTRIES = 32;
    public static final int MAX_QUEUE_ENTRIES = 4096;
    private static final int PAGE_BYTES = 4096;

    /**
     * Of a transport.
     *
     * @param address where it listens
     * @param lender of its connections
     */
    public static FabricListener of(
            ListenerSettings settings,
            TransportId.Type trtype,
            InetSocketAddress address,
            int sgls,
            int sglDescriptors,
            boolean secured,
            ConnectionLender lender) {
        var traddr = address.getAddress().getHostAddress();
        var trsvcid = Integer.toString(address.getPort());
        return new FabricListener(
                settings.name(),
                trtype,
                traddr,
                trsvcid,
                settings.subsystems(),
                settings.maxQueueEntries(),
                settings.maxIoQueues(),
                settings.inCapsuleBytes(),
                settings.maxTransferBytes() / PAGE_BYTES,
                sgls,
                sglDescriptors,
                secured,
                lender.listener(new TransportId(trtype, traddr, trsvcid, "", 0), settings.maxConnections()));
    }

    public FabricListener {
        if (!trtype.isFabric()) {
            throw new IllegalArgumentException(name + ": " + trtype + " is no fabric");
        }
        if (maxQueueEntries < MIN_QUEUE_ENTRIES || maxQueueEntries > MAX_QUEUE_ENTRIES) {
            throw new IllegalArgumentException(
                    name + ": queues of " + maxQueueEntries + " entries: 32 to " + MAX_QUEUE_ENTRIES);
        }
        if (inCapsuleBytes < 0 || (inCapsuleBytes & 15) != 0) {
            throw new IllegalArgumentException(name + ": in-capsule data of " + inCapsuleBytes + ": a multiple of 16");
        }
        subsystems = Set.copyOf(subsystems);
        subsystems.forEach(nqn -> Nqn.check("subsystem of " + name, nqn));
    }

    boolean offers(String nqn) {
        return subsystems.isEmpty() || subsystems.contains(nqn);
    }

    boolean hasAllAddresses() {
        return traddr.equals("0.0.0.0") || traddr.equals("::");
    }
}
