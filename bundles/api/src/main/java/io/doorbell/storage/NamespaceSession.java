package io.doorbell.storage;

/**
 * A {@link Namespace} in the hands of one reactor. Owner: that reactor's thread.
 */
public interface NamespaceSession extends AutoCloseable {

    /**
     * Executes Read, Write, Flush, Compare, Write Zeroes, Dataset Management or Verify: {@code opc}, {@code slba},
     * {@code blockCount} (within the namespace, checked), {@code cdw12} (FUA) and the data pieces
     * ({@code blockCount * blockBytes} bytes of them, or the ranges of a Dataset Management, which it must check).
     *
     * @return a status, or {@link NvmRequest#PENDING} and {@link NvmRequest#complete} follows from {@link #poll}
     */
    int submit(NvmRequest request);

    /**
     * Compare and Write as one: no other command of any session comes between. {@code write} completes for both, with
     * {@code compare.result} unused; its status is the first that was not success.
     *
     * @return as {@link #submit}, for {@code write}
     */
    int submitFused(NvmRequest compare, NvmRequest write);

    /** Completes what has ended; returns how many. Wakes its reactor when there is something to poll. */
    int poll(long nowNanos);

    /** Requests pending. */
    int inFlight();

    /** Nothing is in flight. */
    @Override
    void close();
}
