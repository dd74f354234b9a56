package io.doorbell.storage;

import io.doorbell.nvme.Status;

/**
 * One command on its way through the controller side: from the transport that took it off a queue or a wire, through the
 * subsystem, to the namespace, and back. Transports extend it with what they need to answer, allocate all they can have
 * in flight beforehand, and reuse them.
 *
 * <p>Its data are the pieces it is. Owner: the reactor the command came in on; every field is touched by its thread only, but for the data pieces, which
 * a namespace may read and fill on a worker thread between {@code submit} and {@link #complete}.
 *
 * <p>Life: the transport sets the command fields and calls {@link io.doorbell.target.CommandPath#admit}, which checks them
 * and says how much data moves which way; the transport brings the data pieces; then
 * {@link io.doorbell.target.CommandPath#execute}, which answers with a status at once, or {@link #PENDING} and calls
 * {@link #complete} later on the same thread.
 */
public abstract class NvmRequest extends HostPieces {
    /** Not done yet: {@link #complete} will be called. Every other answer is a status. */
    public static final int PENDING = -1;

    /** A command that succeeds may leave some of its pieces as they were. */
    public static final int FILLS_SOME = 0;
    /** A command that succeeds has written every byte of its pieces. */
    public static final int FILLS_ALL = 1;
    /** It leaves its pieces as they were, but for zeroes. */
    public static final int FILLS_NONE = 2;

    // Set by the transport, as in the submission queue entry.
    public int opc;
    /** FUSE in bits 1:0, PSDT in bits 7:6. */
    public int flags;

    public int cid;
    public int nsid;
    public int cdw10;
    public int cdw11;
    public int cdw12;
    public int cdw13;
    public int cdw14;
    public int cdw15;

    // Set by admit.
    /** Bytes that move between host and controller; 0 where none do. */
    public int dataBytes;
    /** True when the data moves to the host. */
    public boolean dataToHost;

    /**
     * Where data move to the host, what of the pieces is written: {@link #FILLS_SOME}, which a transport sets that wants to know, or what
     * admit promises instead. Who lends pieces that held another command's data has them zeroed but with {@link #FILLS_ALL}.
     */
    public int fill;

    public long slba;
    public int blockCount;
    /** The session that executes it; the subsystem's to set and to use. */
    public NamespaceSession session;

    /** Dwords 0 and 1 of the completion, set by whoever executes it. */
    public long result;

    /** The metadata, once {@link #mapMetadata} has brought it in; a transport's to make and to reuse. */
    public HostPieces metadata;

    /** When the subsystem gave it to a namespace, if it is one of those that are timed; else 0. */
    public long timedNanos;

    /** A backend's or a transport's own link; whoever holds the request owns it. */
    public NvmRequest next;

    /**
     * Brings in the metadata of a command whose metadata has a buffer of its own. On the owner's thread, while the command is
     * executed: what has none never pays for it.
     *
     * @param bytes 1 or more
     * @return a status; with success {@link #metadata} has the pieces. A transport whose commands have no metadata pointer
     *     refuses
     */
    public int mapMetadata(int bytes) {
        return Status.INVALID_FIELD | Status.DNR;
    }

    /** The command has ended after {@link #PENDING}. Called once, on the reactor's thread. */
    public abstract void complete(int status);
}
