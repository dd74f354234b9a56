package io.doorbell.host;

/** Hears what happens to a controller. Called on control threads; must not block for long, must not throw. */
public interface ControllerListener {

    /** The state changed; {@code reason} says why in a sentence. */
    default void stateChanged(NvmeController controller, ControllerState state, String reason) {}

    /** The list of namespaces or one of them changed; the controller has read them anew. */
    default void namespacesChanged(NvmeController controller) {}
}
