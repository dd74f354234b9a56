package io.doorbell.verbs;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * Requests for a send queue, to be posted at once: structs {@code ibv_send_wr}. Filled, posted, cleared, filled again; a method begins a request, and
 * {@link #segment} says where its data are.
 *
 * <p>Owner: one thread.
 */
public final class SendRequests extends WorkRequests {
    // Numbers of enum ibv_wr_opcode.
    public static final int RDMA_WRITE = 0;
    public static final int RDMA_WRITE_IMMEDIATE = 1;
    public static final int SEND = 2;
    public static final int SEND_IMMEDIATE = 3;
    public static final int RDMA_READ = 4;
    public static final int LOCAL_INVALIDATE = 7;
    public static final int BIND_WINDOW = 8;
    public static final int SEND_INVALIDATE = 9;

    // Numbers of enum ibv_send_flags.
    /** Begins when all RDMA reads that were posted before have ended. */
    public static final int FENCE = 1;
    /** Completes with an entry in the completion queue also when it succeeds. */
    public static final int SIGNALED = 2;
    /** The peer's completion is an event for who asked for those only. */
    public static final int SOLICITED = 4;

    static final StructLayout LAYOUT = MemoryLayout.structLayout(
            JAVA_LONG.withName("wr_id"),
            JAVA_LONG.withName("next"),
            JAVA_LONG.withName("sg_list"),
            JAVA_INT.withName("num_sge"),
            JAVA_INT.withName("opcode"),
            JAVA_INT.withName("send_flags"),
            JAVA_INT.withName("imm_data"),
            JAVA_LONG.withName("remote_addr"),
            JAVA_INT.withName("rkey"),
            paddingLayout(28),
            JAVA_LONG.withName("bind_mw"),
            JAVA_INT.withName("bind_rkey"),
            paddingLayout(4),
            JAVA_LONG.withName("bind_mr"),
            JAVA_LONG.withName("bind_addr"),
            JAVA_LONG.withName("bind_length"),
            JAVA_INT.withName("bind_access"),
            paddingLayout(4));

    private static final VarHandle OPCODE = field("opcode");
    private static final VarHandle FLAGS = field("send_flags");
    private static final VarHandle IMMEDIATE = field("imm_data");
    private static final VarHandle REMOTE_ADDRESS = field("remote_addr");
    private static final VarHandle REMOTE_KEY = field("rkey");
    private static final VarHandle BIND_WINDOW_HANDLE = field("bind_mw");
    private static final VarHandle BIND_KEY = field("bind_rkey");
    private static final VarHandle BIND_REGION = field("bind_mr");
    private static final VarHandle BIND_ADDRESS = field("bind_addr");
    private static final VarHandle BIND_BYTES = field("bind_length");
    private static final VarHandle BIND_ACCESS = field("bind_access");

    private static VarHandle field(String name) {
        return LAYOUT.varHandle(groupElement(name)).withInvokeExactBehavior();
    }

    public SendRequests(int maxRequests, int maxSegments) {
        super((int) LAYOUT.byteSize(), maxRequests, maxSegments);
    }

    private long begin(int opcode, long id, int flags) {
        long at = begin(id);
        OPCODE.set(memory, at, opcode);
        FLAGS.set(memory, at, flags);
        return at;
    }

    /** A message into a receive of the peer. */
    public void send(long id, int flags) {
        begin(SEND, id, flags);
    }

    /** A message with 32 bits beside it. */
    public void sendImmediate(long id, int flags, int immediate) {
        IMMEDIATE.set(memory, begin(SEND_IMMEDIATE, id, flags), Integer.reverseBytes(immediate));
    }

    /** A message after which a key of the peer's is of no use any more. */
    public void sendInvalidate(long id, int flags, int remoteKey) {
        IMMEDIATE.set(memory, begin(SEND_INVALIDATE, id, flags), remoteKey);
    }

    /** The segments' bytes to the peer's memory. */
    public void write(long id, int flags, long remoteAddress, int remoteKey) {
        remote(begin(RDMA_WRITE, id, flags), remoteAddress, remoteKey);
    }

    /** A write that takes a receive of the peer, whose completion has 32 bits. */
    public void writeImmediate(long id, int flags, long remoteAddress, int remoteKey, int immediate) {
        long at = begin(RDMA_WRITE_IMMEDIATE, id, flags);
        remote(at, remoteAddress, remoteKey);
        IMMEDIATE.set(memory, at, Integer.reverseBytes(immediate));
    }

    /** As many bytes as the segments have room for, from the peer's memory. */
    public void read(long id, int flags, long remoteAddress, int remoteKey) {
        remote(begin(RDMA_READ, id, flags), remoteAddress, remoteKey);
    }

    private void remote(long at, long remoteAddress, int remoteKey) {
        REMOTE_ADDRESS.set(memory, at, remoteAddress);
        REMOTE_KEY.set(memory, at, remoteKey);
    }

    /** Unbinds a window of this side, known by its key. No segments. */
    public void invalidate(long id, int flags, int remoteKey) {
        IMMEDIATE.set(memory, begin(LOCAL_INVALIDATE, id, flags), remoteKey);
    }

    /**
     * Binds a window that is not bound. No segments.
     *
     * @param remoteKey its key from now on: the one it has, but for the lower 8 bits, which are to differ
     * @param access of {@link Access}; what the region does not allow, it cannot
     */
    public void bind(
            long id,
            int flags,
            MemoryWindow window,
            int remoteKey,
            MemoryRegion region,
            long address,
            long bytes,
            int access) {
        long at = begin(BIND_WINDOW, id, flags);
        BIND_WINDOW_HANDLE.set(memory, at, window.handle());
        BIND_KEY.set(memory, at, remoteKey);
        BIND_REGION.set(memory, at, region.handle());
        BIND_ADDRESS.set(memory, at, address);
        BIND_BYTES.set(memory, at, bytes);
        BIND_ACCESS.set(memory, at, access);
    }

    // For providers.

    public int opcode(int request) {
        return (int) OPCODE.get(memory, at(request));
    }

    public int flags(int request) {
        return (int) FLAGS.get(memory, at(request));
    }

    /** The immediate data as a number, or the key to invalidate. */
    public int immediateOrKey(int request) {
        int raw = (int) IMMEDIATE.get(memory, at(request));
        int opcode = opcode(request);
        // Immediate data lie in network order, keys in the order of the machine.
        return opcode == SEND_IMMEDIATE || opcode == RDMA_WRITE_IMMEDIATE ? Integer.reverseBytes(raw) : raw;
    }

    public long remoteAddress(int request) {
        return (long) REMOTE_ADDRESS.get(memory, at(request));
    }

    public int remoteKey(int request) {
        return (int) REMOTE_KEY.get(memory, at(request));
    }

    public long bindWindow(int request) {
        return (long) BIND_WINDOW_HANDLE.get(memory, at(request));
    }

    public int bindKey(int request) {
        return (int) BIND_KEY.get(memory, at(request));
    }

    public long bindRegion(int request) {
        return (long) BIND_REGION.get(memory, at(request));
    }

    public long bindAddress(int request) {
        return (long) BIND_ADDRESS.get(memory, at(request));
    }

    public long bindBytes(int request) {
        return (long) BIND_BYTES.get(memory, at(request));
    }

    public int bindAccess(int request) {
        return (int) BIND_ACCESS.get(memory, at(request));
    }
}
