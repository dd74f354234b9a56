package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** Where hosts connect. */
@Description("The listeners: where hosts on a network reach the subsystems. What is changed here is in force when the"
        + " operation returns, and written into the listener's file in config/.")
public interface ListenersMXBean {

    @Description("Listeners by name. file is in config/; listening is false while its address is not to be had, and"
            + " problem says why; accessStates are GROUP=STATE for ANA groups that are not optimized.")
    SortedMap<String, ListenerRow> getListeners();

    @Description(
            "Says how the namespaces of an ANA group are reached by a listener; hosts that are connected are told.")
    void setAccessState(
            @Description("Name of the listener") String name,
            @Description("ANA group, 1 to 32") int group,
            @Description("optimized, non-optimized, inaccessible, persistent-loss or change") String state);

    @Description("Makes a listener, with a file of its own.")
    void create(
            @Description("tcp or rdma") String transport,
            @Description("Name, and of the file: 1 to 32 letters, digits, . _ -") String name,
            @Description("An IPv4 or IPv6 address of this node") String address,
            @Description("Port, 1 to 65535") int port);

    @Description("Takes a listener and its file away; hosts lose their connections by it.")
    void remove(@Description("Name of the listener") String name);

    /** A listener as an operator sees it. */
    record ListenerRow(
            String name,
            String transport,
            String address,
            int port,
            boolean tls,
            boolean listening,
            String problem,
            int connections,
            int maxConnections,
            List<String> accessStates,
            String file) {}
}
