package io.doorbell.storage;

/**
 * A {@link Namespace} in the hands of one reactor. Owner: that reactor's thread.
 *
 * <p>Atomicity. Commands of one session are atomic to each other, unless they are pending at the same time. A fused pair
 * is atomic to every other command of every session. A plain Read or Compare of one session may see part of a plain
 * Write that another session executes at the same moment; a host that needs more uses fused commands, or one reactor.
 */
public interface NamespaceSession extends AutoCloseable {

    /**
     * Executes Read, Write, Flush, Compare, Write Zeroes, Dataset Management or Verify: {@code opc}, {@code slba},
     * {@code blockCount} (within the namespace, checked), {@code cdw12} (FUA) and the data pieces
     * ({@code blockCount} times the stored bytes of a block, or the ranges of a Dataset Management, which it must check). What
     * is stored of a block is its data and behind it its metadata, which means nothing here: {@link BlockFormat#storedBytes}.
     * Protection information in it is inverted, so that of blocks that were never written, which are zeroes, reads as all ones:
     * not to be checked.
     *
     * @return a status, or {@link NvmRequest#PENDING} and {@link NvmRequest#complete} follows from {@link #poll}; Invalid
     *     Namespace or Format when the session is closed
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

    /**
     * Forgets what is pending, without completion, and returns when nothing touches its data any more. Idempotent.
     *
     * @throws IllegalStateException when a transfer does not end within a bound; its data must not be reused then
     */
    @Override
    void close();
}
