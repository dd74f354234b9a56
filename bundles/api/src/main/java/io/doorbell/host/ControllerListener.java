package io.doorbell.host;

import io.doorbell.nvme.AsyncEvent;
import java.lang.foreign.MemorySegment;

/** Hears what happens to a controller. Called on control threads; must not block for long, must not throw. */
public interface ControllerListener {

    /** The state changed; {@code reason} says why in a sentence. */
    default void stateChanged(NvmeController controller, ControllerState state, String reason) {}

    /** The list of namespaces or one of them changed; the controller has read them anew. */
    default void namespacesChanged(NvmeController controller) {}

    /**
     * The controller reported an asynchronous event, and the driver has done its part: it has read the log page that the
     * event names, so that the next one can come. Told of every event, those too that come as another call here besides.
     *
     * @param page what the log page said, read only; empty where the event names none, or it could not be read
     */
    default void event(NvmeController controller, AsyncEvent event, MemorySegment page) {}
}
