package io.doorbell.verbs;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.doorbell.platform.HugePages;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;

/**
 * What a {@link CompletionQueue#poll} took: structs {@code ibv_wc}. Of an entry whose status is not {@link #SUCCESS} only id, status and queue pair
 * mean something.
 *
 * <p>Owner: one thread.
 */
public final class Completions implements AutoCloseable {
    // Numbers of enum ibv_wc_status.
    public static final int SUCCESS = 0;
    /** A message was longer than the receive for it. */
    public static final int LOCAL_LENGTH = 1;
    /** The queue pair could not execute the request. */
    public static final int LOCAL_OPERATION = 2;
    /** A segment is not in memory that its key allows. */
    public static final int LOCAL_PROTECTION = 4;
    /** Not executed, or not to its end: the queue pair failed before, or the connection ended. */
    public static final int FLUSHED = 5;
    /** A window could not be bound or invalidated. */
    public static final int WINDOW_BIND = 6;
    /** The peer answered with something else. */
    public static final int BAD_RESPONSE = 7;
    /** The peer says that the request is not one, or longer than its receive. */
    public static final int REMOTE_INVALID = 9;
    /** The peer does not allow access to that memory. */
    public static final int REMOTE_ACCESS = 10;
    /** The peer could not execute it. */
    public static final int REMOTE_OPERATION = 11;
    /** The peer does not answer. */
    public static final int RETRIES_EXCEEDED = 12;
    /** The peer had no receive, time and again. */
    public static final int RNR_RETRIES_EXCEEDED = 13;

    // Numbers of enum ibv_wc_opcode.
    public static final int SEND = 0;
    public static final int RDMA_WRITE = 1;
    public static final int RDMA_READ = 2;
    public static final int BIND_WINDOW = 5;
    public static final int LOCAL_INVALIDATE = 6;
    public static final int RECEIVE = 128;
    public static final int RECEIVE_RDMA_IMMEDIATE = 129;

    // Numbers of enum ibv_wc_flags.
    public static final int WITH_IMMEDIATE = 2;
    public static final int WITH_INVALIDATE = 8;

    static final StructLayout LAYOUT = MemoryLayout.structLayout(
            JAVA_LONG.withName("wr_id"),
            JAVA_INT.withName("status"),
            JAVA_INT.withName("opcode"),
            JAVA_INT.withName("vendor_err"),
            JAVA_INT.withName("byte_len"),
            JAVA_INT.withName("imm_data"),
            JAVA_INT.withName("qp_num"),
            JAVA_INT.withName("src_qp"),
            JAVA_INT.withName("wc_flags"),
            paddingLayout(8));

    private static final long BYTES = LAYOUT.byteSize();
    private static final VarHandle ID = field("wr_id");
    private static final VarHandle STATUS = field("status");
    private static final VarHandle OPCODE = field("opcode");
    private static final VarHandle LENGTH = field("byte_len");
    private static final VarHandle IMMEDIATE = field("imm_data");
    private static final VarHandle QUEUE_PAIR = field("qp_num");
    private static final VarHandle FLAGS = field("wc_flags");

    private static VarHandle field(String name) {
        return LAYOUT.varHandle(groupElement(name)).withInvokeExactBehavior();
    }

    private final int size;
    private final NativeMemory mapping;
    private final MemorySegment memory;

    /** Room for as many. */
    public Completions(int size) {
        this.size = size;
        mapping = NativeMemory.allocate(BYTES * size, new MappingOptions(HugePages.NEVER, true));
        memory = mapping.segment();
    }

    /** How many it has room for. */
    public int size() {
        return size;
    }

    /** What the request was posted with. */
    public long id(int index) {
        return (long) ID.get(memory, BYTES * index);
    }

    public int status(int index) {
        return (int) STATUS.get(memory, BYTES * index);
    }

    public int opcode(int index) {
        return (int) OPCODE.get(memory, BYTES * index);
    }

    /** Bytes of a message that was received, or of what was read. */
    public int bytes(int index) {
        return (int) LENGTH.get(memory, BYTES * index);
    }

    /** {@link #WITH_IMMEDIATE}, {@link #WITH_INVALIDATE}. */
    public int flags(int index) {
        return (int) FLAGS.get(memory, BYTES * index);
    }

    /** The 32 bits that came along; with {@link #WITH_IMMEDIATE}. */
    public int immediate(int index) {
        return Integer.reverseBytes((int) IMMEDIATE.get(memory, BYTES * index));
    }

    /** The key that the peer invalidated; with {@link #WITH_INVALIDATE}. */
    public int invalidatedKey(int index) {
        return (int) IMMEDIATE.get(memory, BYTES * index);
    }

    /** The number of the queue pair. */
    public int queuePair(int index) {
        return (int) QUEUE_PAIR.get(memory, BYTES * index);
    }

    // For providers.

    /** The first entry. */
    public MemorySegment memory() {
        return memory;
    }

    /** @param immediateOrKey as {@link #flags} says */
    public void set(
            int index, long id, int status, int opcode, int bytes, int flags, int immediateOrKey, int queuePair) {
        long at = BYTES * index;
        ID.set(memory, at, id);
        STATUS.set(memory, at, status);
        OPCODE.set(memory, at, opcode);
        LENGTH.set(memory, at, bytes);
        FLAGS.set(memory, at, flags);
        boolean immediate = (flags & WITH_IMMEDIATE) != 0;
        IMMEDIATE.set(memory, at, immediate ? Integer.reverseBytes(immediateOrKey) : immediateOrKey);
        QUEUE_PAIR.set(memory, at, queuePair);
    }

    /** A status in words. */
    public static String describe(int status) {
        return switch (status) {
            case SUCCESS -> "success";
            case LOCAL_LENGTH -> "local length error";
            case LOCAL_OPERATION -> "local operation error";
            case LOCAL_PROTECTION -> "local protection error";
            case FLUSHED -> "flushed";
            case WINDOW_BIND -> "memory window bind error";
            case BAD_RESPONSE -> "bad response";
            case REMOTE_INVALID -> "remote invalid request";
            case REMOTE_ACCESS -> "remote access error";
            case REMOTE_OPERATION -> "remote operation error";
            case RETRIES_EXCEEDED -> "retries exceeded: no answer";
            case RNR_RETRIES_EXCEEDED -> "RNR retries exceeded: the peer has no receive";
            default -> "status " + status;
        };
    }

    /** Frees the memory. Does nothing the second time. */
    @Override
    public void close() {
        mapping.close();
    }
}
