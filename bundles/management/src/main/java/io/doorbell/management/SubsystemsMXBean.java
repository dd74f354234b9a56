package io.doorbell.management;

import java.util.List;
import java.util.SortedMap;

/** The NVM subsystems of the node. */
@Description(
        "The NVM subsystems: their namespaces, and which hosts may do what. What is changed here is in force when the"
                + " operation returns, and written into the subsystem's file in config/, so that a restart comes up the"
                + " same.")
public interface SubsystemsMXBean {

    @Description(
            "Subsystems by qualified name. file is in config/. hosts are those that may connect, all where there is"
                    + " none; namespaces as configuration spells them; limits as nsid=LIMITS and hostNqn=LIMITS a second.")
    SortedMap<String, SubsystemRow> getSubsystems();

    @Description("Makes a subsystem, with a file of its own.")
    void create(
            @Description("Name of the file, io.doorbell.subsystem~NAME.cfg: letters, digits, . _ -") String name,
            @Description("Qualified name: nqn.yyyy-mm.reversed.domain:anything, unique in the node") String nqn,
            @Description("Serial number, 1 to 20 printable characters") String serial,
            @Description("Model number, 1 to 40 printable characters") String model);

    @Description("Takes a subsystem and its file away. Hosts lose it; what its namespaces have in files stays there.")
    void remove(@Description("Qualified name of the subsystem") String nqn);

    @Description("Adds a namespace; hosts that are connected are told.")
    void addNamespace(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Namespace identifier, 1 to 1024") int nsid,
            @Description("kind:size:format[:path], such as file:1GiB:4096:var/disk1.img or memory:64MiB:512; or"
                            + " nvme:trtype:PCIE traddr:0000:01:00.0 ns:1")
                    String spec);

    @Description("Gives a namespace another size while hosts use it.")
    void resizeNamespace(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Namespace identifier") int nsid,
            @Description("Bytes of data, whole blocks") long bytes,
            @Description("Whether it may become smaller: what lies behind the new end is lost") boolean shrink);

    @Description("Puts a namespace into another ANA group.")
    void groupNamespace(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Namespace identifier") int nsid,
            @Description("ANA group, 1 to 32") int group);

    @Description("Limits what all hosts together do with a namespace in a second; what is more waits.")
    void limitNamespace(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Namespace identifier") int nsid,
            @Description("iops:NUMBER;bytes:SIZE, or one of the two; empty for no limit") String limits);

    @Description("Removes a namespace. Commands in flight end; what is stored in a file stays there.")
    void removeNamespace(
            @Description("Qualified name of the subsystem") String nqn, @Description("Namespace identifier") int nsid);

    @Description("Lets a host connect. The first host that is named shuts out all that are not.")
    void allowHost(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Qualified name of the host") String hostNqn);

    @Description(
            "Lets a host connect no more; it is disconnected. Not the last one: no name means that every host may.")
    void denyHost(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Qualified name of the host") String hostNqn);

    @Description("Limits what a host does with a subsystem in a second; what is more waits.")
    void limitHost(
            @Description("Qualified name of the subsystem") String nqn,
            @Description("Qualified name of the host; * for each that is not named") String hostNqn,
            @Description("iops:NUMBER;bytes:SIZE, or one of the two; empty for no limit") String limits);

    /** A subsystem as an operator sees it. */
    record SubsystemRow(
            String nqn,
            String serial,
            String model,
            String file,
            List<String> hosts,
            boolean hostsAuthenticate,
            List<String> namespaces,
            List<String> namespaceLimits,
            List<String> hostLimits) {}
}
