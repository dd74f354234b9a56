package io.doorbell.target;

/**
 * What an operator sees of a listener, and changes while hosts are connected by it. A service of the transport, with
 * {@code service.pid}, the name of its file without {@code .cfg}. Control plane, any thread.
 *
 * <p>Changes hold until the node or the listener's configuration changes: then that is what counts.
 */
public interface ListenerOperator {

    /** Of the listener, unique in the node. */
    String name();

    AccessStates accessStates();

    /** How it does now. */
    ListenerStatus status();

    /** Hosts that are connected are told, and stay so; their I/O paths take it up in their next cycle. */
    void accessStates(AccessStates states);
}
