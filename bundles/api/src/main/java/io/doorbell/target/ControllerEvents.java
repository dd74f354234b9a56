package io.doorbell.target;

/** What a controller asks of the transport that carries it. Called on the thread that caused it; must not block. */
public interface ControllerEvents {

    /** CC.EN became 1 and the configuration is acceptable: begin to serve the admin queue, then say {@link TargetController#ready}. */
    void enabled();

    /** CC.EN became 0, or the controller was reset: drop every queue and all that is in flight, then say {@link TargetController#disabled}. */
    void reset();

    /** CC.SHN: the host shuts down; finish what is in flight, then say {@link TargetController#shutdownComplete}. */
    void shutdown();

    /**
     * CC.EN became 1 with a configuration that cannot be: CSTS.CFS is set. Where the host reads CSTS through the transport, that lets it
     * do so before it ends anything.
     */
    default void refused(String reason) {
        fatal(reason);
    }

    /** Keep Alive timed out, or the model found that it cannot go on: CSTS.CFS is set. */
    void fatal(String reason);

    /**
     * The NVM subsystem is being reset, by this host or another: clear CC.EN by {@link TargetController#configure}, on the
     * thread that serves the controller. Called by any thread.
     */
    default void subsystemReset() {}

    /** There is something for the admin path's {@code poll}, an asynchronous event say. Called by any thread. */
    default void wake() {}
}
