package io.doorbell.target;

import java.util.List;

/**
 * An NVM subsystem: namespaces, and the controllers through which hosts see them. Control plane, any thread. A service
 * too, with the property {@link #NQN_PROPERTY}.
 */
public interface TargetSubsystem {
    String NQN_PROPERTY = "doorbell.nqn";

    String nqn();

    String serial();

    String model();

    /** The namespaces that are allocated, whether or not a controller has them attached. */
    List<AllocatedNamespace> namespaces();

    /**
     * Whether a host may have a controller. A transport that knows the names of its hosts asks before it makes one; hosts that
     * may not be here any more meet {@link ControllerEvents#fatal}.
     *
     * @param hostNqn as the host names itself; one that names nobody is none of those that are named
     */
    default boolean allows(String hostNqn) {
        return true;
    }

    /** Whether a host that has no key, with which it could show who it is, may have no controller over a network. */
    default boolean requiresAuthentication() {
        return false;
    }

    /** From now on {@code told} is called, on any thread and soon, after {@link #allows} may answer otherwise than before. */
    default void watchAccess(Runnable told) {}

    default void unwatchAccess(Runnable told) {}

    /**
     * A new controller for a host.
     *
     * @throws IllegalStateException when the subsystem has no controller id left
     */
    TargetController createController(ControllerSetup setup, HostIdentity host, ControllerEvents events);

    /** A new controller for a host that its transport does not know. */
    default TargetController createController(ControllerSetup setup, ControllerEvents events) {
        return createController(setup, HostIdentity.UNKNOWN, events);
    }

    record AllocatedNamespace(int nsid, io.doorbell.storage.NamespaceShape shape, List<Integer> attachedControllers) {}
}
