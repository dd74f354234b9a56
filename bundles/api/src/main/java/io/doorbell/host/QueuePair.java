package io.doorbell.host;

/**
 * An I/O queue pair: the path that takes no lock and no atomic operation.
 *
 * <p>Threading: one thread owns a queue pair, submits to it and polls it. The check is one plain compare with
 * {@link #submitter} or {@link #poller}; a call by any other thread throws {@link WrongThreadException}. Who owns it is
 * decided by whoever holds the {@link QueuePairControl}: the resource manager.
 *
 * <p>Two verbs: a submission is <em>staged</em> into the ring by {@code read}, {@code write}, {@code submit} and the
 * others, and reaches the device with the next {@link #commit()}, which stores the tail to the doorbell once for all of
 * them. {@link #poll} commits what completion handlers staged, after it has given the completion queue's slots back.
 *
 * <p>Staging returns {@code >= 0} when the command is accepted, and then it ends exactly once, by
 * {@link CompletionHandler#complete}; or one of the negative constants here, and then nothing happened. Commands that are
 * longer than the device takes are split and end as one, with the first error.
 *
 * <p>After the lease was fenced every staging call throws {@link IllegalStateException}; {@code poll} hands the owner what
 * was still in flight, with a status that says so, and then throws too. A staging call may throw a moment before
 * {@code poll} has the rest, so whoever catches that goes on polling until {@link #inFlight} is 0: commands that are never
 * polled for never end while their owner lives.
 *
 * <p>The JVM interrupts a platform thread whose access to memory of the lease is under way when the fence falls. The first
 * call here that tells the owner of the fence clears that interrupt; an owner that calls nothing here any more clears it itself
 * ({@link Thread#interrupted}).
 */
public abstract class QueuePair {
    /** No room: poll, then try again. Nothing was staged. */
    public static final int QUEUE_FULL = -1;
    /** The controller is gone, resetting, or failed: nothing more can be submitted on this queue pair. */
    public static final int NOT_CONNECTED = -2;
    /** The lease is being taken back: poll until nothing is in flight, then let go. */
    public static final int LEASE_REVOKED = -3;

    /** Set on a write: the command completes when the data is durable (FUA, cdw12 bit 30). */
    public static final int FUA = 1 << 30;
    /** Limited retry, cdw12 bit 31. */
    public static final int LIMITED_RETRY = 1 << 31;
    /** PRACT: the controller makes the protection information on a write, and on a read takes it out again. */
    public static final int PROTECTION_ACTION = 1 << 29;
    /** PRCHK: the controller checks the guard. */
    public static final int CHECK_GUARD = 1 << 28;
    /** PRCHK: the controller checks the application tag, under its mask. */
    public static final int CHECK_APPLICATION_TAG = 1 << 27;
    /** PRCHK: the controller checks the reference tag. */
    public static final int CHECK_REFERENCE_TAG = 1 << 26;

    // Written by the control plane, compared by the owner at each call. Plain on purpose: the compare costs
    // nothing, and what makes a late reader harmless is the arena of the lease, not the visibility of these words.
    /** The thread that may submit now; null while nobody may. */
    protected Thread submitter;
    /** The thread that may poll now; null when nobody may. */
    protected Thread poller;

    /** The queue id, 1 and up. */
    public abstract int queueId();

    /** Commands that may be in flight at once, at least 1. A split command counts once for each part. */
    public abstract int depth();

    /**
     * Commands in flight: staged or submitted, and not yet handed to the completion handler. While {@link #poll} hands
     * completions out it is at least 1, so that whoever waits for 0 has waited for the handler too. Any thread may read it.
     */
    public abstract int inFlight();

    /**
     * Stages an NVM Read (NVM Command Set 1.1 "Read command"). For a namespace with metadata in a buffer of its own it is
     * {@link #transfer}; where metadata travels in the data, the data is that much longer.
     *
     * @param data where to, from {@code dataOffset} on; dword aligned
     * @param ioFlags {@link #FUA}, {@link #LIMITED_RETRY}, other bits of cdw12 above the block count; 0 mostly
     */
    public abstract int read(
            int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token);

    /** Stages an NVM Write; see {@link #read}. */
    public abstract int write(
            int nsid, long slba, int blockCount, DmaMemory data, long dataOffset, int ioFlags, long token);

    /**
     * Stages a read, write or compare with metadata or protection information.
     *
     * @param opc one of {@code io.doorbell.nvme.NvmOpcode} that moves blocks; all but Read, Write and Compare are not split
     * @throws IllegalArgumentException when data or metadata do not lie where they should, or are missing
     */
    public abstract int transfer(int opc, BlockTransfer transfer, long token);

    /**
     * Stages any command. The command's fields are copied as they are; command id and PRPs are filled in. Not split.
     *
     * @param data null for a command without data
     * @param dataBytes length of the data, at most what the device takes at once
     * @throws IllegalArgumentException when the data does not lie in {@code data} or is too long
     */
    public abstract int submit(NvmCommand command, DmaMemory data, long dataOffset, int dataBytes, long token);

    /**
     * As {@link #submit(NvmCommand, DmaMemory, long, int, long)}, with metadata in a buffer of its own.
     *
     * @param metadata null for none; dword aligned
     */
    public abstract int submit(
            NvmCommand command,
            DmaMemory data,
            long dataOffset,
            int dataBytes,
            DmaMemory metadata,
            long metadataOffset,
            int metadataBytes,
            long token);

    /** Stages the fused pair Compare and Write on one range of blocks; both end as one, with the first error. */
    public abstract int compareAndWrite(
            int nsid,
            long slba,
            int blockCount,
            DmaMemory compare,
            long compareOffset,
            DmaMemory write,
            long writeOffset,
            long token);

    /**
     * Makes what is staged visible to the device: one doorbell, or none when nothing is staged. Works for the owner until
     * the fence, also when the lease is being taken back: what was staged before would otherwise never drain.
     */
    public abstract void commit();

    /**
     * Takes completions and calls the handler for each; then gives the slots back with one doorbell and commits.
     *
     * @param limit the most completions to take, at least 1
     * @return how many commands ended
     */
    public abstract int poll(int limit);

    /** Bytes of the longest command this device takes without a split. */
    public abstract int maxTransferBytes();

    /**
     * Whether completions signal what the holder gave as {@link PathOptions#interrupt}. Not so where it gave none, or where
     * the function has no interrupts: then whoever waits has to poll.
     */
    public boolean interrupts() {
        return false;
    }

    /**
     * Whether the owner may sleep until its sign is signalled: nothing is staged, and either nothing is in flight, or
     * completions interrupt and none is there. A completion that comes after this look has signalled before the owner sleeps.
     * The owner's thread.
     */
    public boolean readyToPark() {
        return inFlight() == 0;
    }

    /** The longest such sleep, nanoseconds: what takes too long is noticed by the owner's poll. The owner's thread. */
    public long parkLimitNanos() {
        return Long.MAX_VALUE;
    }
}
