package io.doorbell.host;

import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.List;

/** Reads what there is to connect to (a service of each transport that can). Control plane: any thread; blocks within bounds. */
public interface Discoverer {

    /** How it reaches others. */
    TransportId.Type transport();

    /**
     * Asks the discovery controller at an address, and those that it refers to.
     *
     * @param id of this transport; its subsystem does not count
     * @param host who asks
     * @param bound of each connection, and of each answer
     * @throws io.doorbell.nvme.NvmeException when the first of them cannot be asked
     */
    List<DiscoveredSubsystem> discover(TransportId id, DiscoveringHost host, Duration bound);
}
