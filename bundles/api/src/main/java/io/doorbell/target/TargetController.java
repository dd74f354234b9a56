package io.doorbell.target;

import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.NvmRequest;

/**
 * A controller of a subsystem without its transport: properties, admin commands, the way to the namespaces.
 *
 * <p>What belongs to the queues of a transport is the transport's: Create and Delete I/O Queues, Abort, Doorbell Buffer
 * Config, AQA, ASQ, ACQ. Everything else comes here. Properties and admin commands may come from any one thread at a time.
 */
public interface TargetController extends AutoCloseable {

    int controllerId();

    TargetSubsystem subsystem();

    ControllerCapabilities capabilities();

    /** VS. */
    int version();

    /** CRTO: how long ready may take, with media in bits 15:0 and without in 31:16, in 500 ms. */
    int readyTimeouts();

    /** CC. */
    int configuration();

    /** The host wrote CC: enables, resets and shuts down through {@link ControllerEvents}. */
    void configure(int cc);

    /** CSTS. */
    int status();

    /**
     * The host reset the NVM subsystem (NSSR), where CAP.NSSRS offers that: every controller of it is told to reset, by
     * {@link ControllerEvents#subsystemReset}.
     */
    default void resetSubsystem() {}

    /** The transport serves the admin queue: CSTS.RDY. */
    void ready();

    /** The transport has dropped everything: CSTS.RDY goes to 0. Pending asynchronous events are forgotten. */
    void disabled();

    void shutdownComplete();

    /** Sets CSTS.CFS. */
    void fatal(String reason);

    /** I/O queue pairs granted by Set Features, Number of Queues; all that the setup offers until the host asks. */
    int grantedIoQueuePairs();

    /** The admin path; Asynchronous Event Requests stay pending in it. */
    CommandPath adminPath();

    /**
     * Forgets a pending request (an Asynchronous Event Request that is aborted).
     *
     * @return whether there was one; the transport then completes it
     */
    boolean abort(NvmRequest request);

    /** A path for I/O commands on a reactor. */
    CommandPath openIoPath(Reactor reactor);

    /** Records an error for the error log and returns its count; {@code sqid} and {@code cid} as in the log entry. */
    void error(int sqid, int cid, int status, long lba, int nsid);

    /** Raises an asynchronous event (type, information, log page) if the host asked for it, now or when it next asks. */
    void event(int type, int information, int logPage);

    /**
     * How the host reaches groups of namespaces by the way that this controller's queues take; everything is optimized until this says
     * otherwise. Any thread: commands that come after it find the new states in force from the next {@link CommandPath#poll} on, and the
     * host is told.
     */
    default void accessStates(AccessStates states) {}

    /** Called each so often by the transport's reactor: keep-alive, events. */
    void tick(long nowNanos);

    /** The host showed that it lives (fabrics: traffic counts where TBKAS says so). */
    void hostActivity(long nowNanos);

    @Override
    void close();
}
