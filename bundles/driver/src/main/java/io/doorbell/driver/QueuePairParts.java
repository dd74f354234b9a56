package io.doorbell.driver;

import io.doorbell.host.CommandTimeout;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.InjectedError;
import io.doorbell.platform.EventFd;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What a queue pair is made of, whatever carries its commands.
 *
 * @param entries of the submission queue; one less may be in flight
 * @param name for messages: controller, queue, and who it is for
 * @param submission where submission entries are written, with the lifetime of the lease; the transport says at which offsets
 * @param timeout what happens to commands that take too long
 * @param abortMillis how long after an Abort a command may take before a reset is asked for
 * @param interrupt signalled for each completion; null for none
 * @param retry which commands are given to the controller again
 * @param injected errors to be made up
 */
public record QueuePairParts(
        int queueId,
        int entries,
        String name,
        MemorySegment submission,
        BlockFormats formats,
        int maxTransferBytes,
        CompletionHandler handler,
        CoarseClock clock,
        CommandTimeout timeout,
        int abortMillis,
        EventFd interrupt,
        RetryPolicy retry,
        List<InjectedError> injected,
        QueuePairHost host) {

    /** The same, for a transport that has its own place for entries. */
    public QueuePairParts withSubmission(MemorySegment segment) {
        return new QueuePairParts(
                queueId,
                entries,
                name,
                segment,
                formats,
                maxTransferBytes,
                handler,
                clock,
                timeout,
                abortMillis,
                interrupt,
                retry,
                injected,
                host);
    }
}
