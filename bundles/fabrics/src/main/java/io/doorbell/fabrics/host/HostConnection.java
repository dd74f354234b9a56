package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.QueuePairParts;
import io.doorbell.host.NvmCommand;
import io.doorbell.platform.EventFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * A connection to a controller: first for commands one at a time, then a queue. Control plane, one thread at a time, but for {@link
 * #shutdown}.
 */
public interface HostConnection extends AutoCloseable {

    /**
     * Executes one command and waits: Connect, authentication, and all that discovery needs. Not any more when the connection is a queue.
     *
     * @param data sent, or filled, as the command says; null for none
     * @throws io.doorbell.nvme.NvmeException of kind {@code RETRY} when no answer came within the bound, or the connection ended
     */
    AdminRequest.Answer execute(NvmCommand command, MemorySegment data, Duration bound);

    /** Makes it the admin queue of a controller. Closing the queue closes this. */
    AdminQueue adminQueue(String name, AdminQueue.Listener listener);

    /** What the admin thread sleeps on: signalled when something has come. Open until this is closed. */
    EventFd sign();

    /**
     * Makes it an I/O queue pair, which lives as long as the arena.
     *
     * @param inCapsuleBytes that the controller takes with a command, at most
     */
    FabricQueuePair<?> queuePair(QueuePairParts parts, Arena arena, int inCapsuleBytes);

    /** Nothing is moved any more: whoever uses it finds it ended. Any thread, idempotent. */
    void shutdown();

    /**
     * Ends it, and frees its memory.
     *
     * @param orderly whether the controller understands Disconnect, and is told
     * @throws IllegalStateException while the arena of its queue pair is open
     */
    void close(boolean orderly);

    @Override
    default void close() {
        close(false);
    }
}
