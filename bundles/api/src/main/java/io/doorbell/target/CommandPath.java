package io.doorbell.target;

import io.doorbell.statistics.LatencySnapshot;
import io.doorbell.storage.NvmRequest;

/**
 * The way of commands into a controller, for one reactor. Owner: that reactor's thread.
 *
 * <p>Two steps, since a transport may have to fetch the data between them: {@link #admit} checks the command and says
 * how much data moves which way, {@link #execute} does it.
 */
public interface CommandPath extends AutoCloseable {

    /** Checks a command's fields and sets what they mean. Returns 0 to go on, or the status to end it with. */
    int admit(NvmRequest request);

    /** Executes an admitted command whose data pieces are there. Returns a status, or {@link NvmRequest#PENDING}. */
    int execute(NvmRequest request);

    /** Executes the fused pair Compare and Write; the answer, or {@code write.complete}, is for the write, see {@code NamespaceSession.submitFused}. */
    int executeFused(NvmRequest compare, NvmRequest write);

    /**
     * A command that was {@link NvmRequest#PENDING} has ended. A transport calls it from {@link NvmRequest#complete} where the status is
     * not success, or {@link NvmRequest#timedNanos} is not 0: of the others nothing is to be known.
     */
    default void ended(NvmRequest request, int status) {}

    /**
     * Ends what namespaces have finished, and takes up changes of the namespaces; call it each cycle. Returns work done.
     * The reactor is woken when there is more; so a transport whose reactor wants to sleep calls this once more in
     * {@link io.doorbell.reactor.Poller#readyToPark}, and stays awake if it did something.
     */
    int poll(long nowNanos);

    /** How long commands took, from being given to a namespace until their end; of some of them. Any thread. */
    default LatencySnapshot latency() {
        return LatencySnapshot.EMPTY;
    }

    /** How long there is nothing for {@link #poll} without a wake: commands may wait for a time to come. Of {@code Poller.parkLimitNanos}. */
    default long parkLimitNanos(long nowNanos) {
        return Long.MAX_VALUE;
    }

    /** Requests that were pending are gone, without completion: the transport has reset. */
    @Override
    void close();
}
