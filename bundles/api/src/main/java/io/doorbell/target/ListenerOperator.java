package io.doorbell.target;

/**
 * What an operator changes of a listener while hosts are connected by it. A service of the transport. Control plane, any thread.
 *
 * <p>Changes hold until the node or the listener's configuration changes: then that is what counts.
 */
public interface ListenerOperator {

    /** Of the listener, unique in the node. */
    String name();

    AccessStates accessStates();

    /** Hosts that are connected are told, and stay so; their I/O paths take it up in their next cycle. */
    void accessStates(AccessStates states);
}
