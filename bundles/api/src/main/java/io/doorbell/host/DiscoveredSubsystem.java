package io.doorbell.host;

/**
 * An entry of a discovery log page, as it was told. NVMe Base 2.1 §5.1.12.3.1 "Discovery (Log Page Identifier 70h)".
 *
 * @param toldBy address of the discovery controller that has it
 * @param kind what it is: an NVM subsystem, another discovery subsystem, this one
 * @param transport {@code TCP}, {@code RDMA}, or the number of another
 * @param addressFamily {@code IPv4}, {@code IPv6}, or the number of another
 * @param controllerId FFFFh where a controller is made for who connects
 * @param adminQueueEntries at most
 * @param secureChannel whether a secure channel is {@code required}, {@code not required}, or {@code not specified}
 */
public record DiscoveredSubsystem(
        String toldBy,
        String kind,
        String transport,
        String addressFamily,
        String traddr,
        String trsvcid,
        String subnqn,
        int portId,
        int controllerId,
        int adminQueueEntries,
        String secureChannel) {

    /** As a transport id, with which it is connected to. */
    public String trid() {
        return "trtype:" + transport + " adrfam:" + addressFamily + " traddr:" + traddr + " trsvcid:" + trsvcid
                + " subnqn:" + subnqn;
    }
}
