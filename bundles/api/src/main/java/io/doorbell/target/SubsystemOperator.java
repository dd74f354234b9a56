package io.doorbell.target;

import io.doorbell.storage.NamespaceSpec;
import java.util.List;
import java.util.Map;

/**
 * What an operator changes of a subsystem while hosts use it. A service beside {@link TargetSubsystem}, with the property
 * {@link TargetSubsystem#NQN_PROPERTY}, and {@code service.pid}, the name of its file without {@code .cfg}. Control plane: any thread; every call blocks until the change is in force, changes only what it
 * names, and tells the hosts that it concerns.
 *
 * <p>Changes hold until the node or the subsystem's configuration changes: then that is what counts. What is to last goes there, as
 * {@link #configuration} spells it; what is so already is not disturbed when it is read.
 *
 * <p>Each throws {@link IllegalArgumentException} for what cannot be, with what is allowed; {@link IllegalStateException} for what
 * cannot be now; {@link java.io.UncheckedIOException} when the store failed. Nothing is changed then.
 */
public interface SubsystemOperator {

    String nqn();

    /** @param nsid 1 to 1024, and not taken */
    void addNamespace(int nsid, NamespaceSpec spec);

    /**
     * Commands within the smaller of both sizes go on. What lies behind a new end ends with LBA Out of Range, and is gone for good. A zoned
     * namespace keeps its size.
     *
     * @param byteSize of data, whole blocks
     * @param shrink whether it may become smaller
     */
    void resizeNamespace(int nsid, long byteSize, boolean shrink);

    /** @param group ANA group, 1 to {@link AccessStates#MAX_GROUP}; a {@link ListenerOperator} says how it is reached */
    void groupNamespace(int nsid, int group);

    /** How much I/O all hosts together may do with a namespace; {@link IoLimits#NONE} for no limit. Commands that are more wait. */
    void limitNamespace(int nsid, IoLimits limits);

    /**
     * How much I/O a host may do with the subsystem, by all of its controllers.
     *
     * @param hostNqn its qualified name; {@code *} for each host that is not named. Hosts on PCI have no name, and no limit of their own
     */
    void limitHost(String hostNqn, IoLimits limits);

    /** Commands in flight end; those that come later are refused. What is stored in a file stays there. */
    void removeNamespace(int nsid);

    /** What hosts have done with it since it is there, for each host and namespace. */
    List<IoUsage> usage();

    /** The subsystem as its configuration would spell it, by option. */
    Map<String, Object> configuration();
}
