package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A reliable connection's queue pair: struct {@code ibv_qp}. Made, moved between states and closed by any thread; one owner posts. */
public final class IbvQp extends RdmaObject {
    /** struct ibv_send_wr. */
    public static final int SEND_BYTES = 128;

    /** struct ibv_recv_wr. */
    public static final int RECEIVE_BYTES = 32;

    // Of struct ibv_send_wr.
    private static final long BOUND_WINDOW = 80;
    private static final long BOUND_KEY = 88;

    // struct ibv_qp and ibv_qp_attr of infiniband/verbs.h, rdma-core 44, x86-64.
    private static final long NUMBER = 52;
    private static final long ATTRIBUTES_BYTES = 144;
    private static final long STATE = 0;
    private static final long ACCESS = 32;
    private static final long KEY_INDEX = 120;
    private static final long MAX_READS = 126;
    private static final long MAX_PEER_READS = 127;
    private static final long MIN_RNR_TIMER = 128;
    private static final long PORT = 129;

    // enum ibv_qp_state.
    private static final int INIT = 1;
    private static final int READY_TO_RECEIVE = 2;
    private static final int READY_TO_SEND = 3;
    private static final int ERROR = 6;

    // enum ibv_qp_attr_mask.
    private static final int WITH_STATE = 1;
    private static final int WITH_ACCESS = 1 << 3;
    private static final int WITH_KEY_INDEX = 1 << 4;
    private static final int WITH_PORT = 1 << 5;

    /** Kernels set bits for RoCE also for InfiniBand, where they are wrong; librdmacm takes them away too. */
    private static final int ONLY_ETHERNET = 0xE0_0000;

    /** Remote writes, reads and atomics: of what a connection allows only the first two are wanted. */
    private static final int WITHOUT_ATOMICS = 1 | 2 | 4;

    /** How long a peer waits that met no receive: 0.64 ms. The kernel's own value stands for 655 ms. IBTA vol. 1 release 1.4 table 45. */
    private static final byte RNR_TIMER = 12;

    private final IbvContext context;
    private final boolean shared;
    private final int number;
    private final MemorySegment send;
    private final MemorySegment receive;
    private final MemorySegment bad = Arena.ofAuto().allocate(ADDRESS);

    IbvQp(IbvContext context, long address, boolean shared) {
        super(address);
        this.context = context;
        this.shared = shared;
        number = number(address, NUMBER);
        send = context.function(IbvContext.POST_SEND);
        receive = context.function(IbvContext.POST_RECV);
    }

    public int number() {
        return number;
    }

    boolean isShared() {
        return shared;
    }

    private synchronized void modify(MemorySegment attributes, int mask) {
        require("ibv_modify_qp", RdmaCalls.modifyQueuePair(address(), attributes, mask));
    }

    /** To the state in which receives can be posted. */
    void begin() {
        try (var scratch = Arena.ofConfined()) {
            var attributes = scratch.allocate(ATTRIBUTES_BYTES, Long.BYTES);
            attributes.set(JAVA_INT, STATE, INIT);
            attributes.set(JAVA_INT, ACCESS, 0);
            attributes.set(JAVA_SHORT, KEY_INDEX, (short) 0);
            attributes.set(JAVA_BYTE, PORT, (byte) context.port());
            modify(attributes, WITH_STATE | WITH_ACCESS | WITH_KEY_INDEX | WITH_PORT);
        }
    }

    /**
     * Goes where its connection is: ready to receive, and to send.
     *
     * @param peerReads that this side serves, and {@code ownReads} that it has outstanding at once
     */
    public void follow(RdmaId id, int peerReads, int ownReads) {
        try (var scratch = Arena.ofConfined()) {
            var attributes = scratch.allocate(ATTRIBUTES_BYTES, Long.BYTES);
            attributes.set(JAVA_INT, STATE, INIT);
            int mask = id.attributes(attributes);
            attributes.set(JAVA_INT, ACCESS, attributes.get(JAVA_INT, ACCESS) & WITHOUT_ATOMICS);
            modify(attributes, mask);

            attributes.set(JAVA_INT, STATE, READY_TO_RECEIVE);
            mask = id.attributes(attributes);
            if (context.isInfiniBand()) {
                mask &= ~ONLY_ETHERNET;
            }
            attributes.set(JAVA_BYTE, MIN_RNR_TIMER, RNR_TIMER);
            attributes.set(JAVA_BYTE, MAX_PEER_READS, (byte) peerReads);
            modify(attributes, mask);

            attributes.set(JAVA_INT, STATE, READY_TO_SEND);
            mask = id.attributes(attributes);
            attributes.set(JAVA_BYTE, MAX_READS, (byte) ownReads);
            modify(attributes, mask);
        }
    }

    /** Ends its work: everything in flight is flushed. */
    public void fail() {
        try (var scratch = Arena.ofConfined()) {
            var attributes = scratch.allocate(ATTRIBUTES_BYTES, Long.BYTES);
            attributes.set(JAVA_INT, STATE, ERROR);
            modify(attributes, WITH_STATE);
        }
    }

    /**
     * Posts requests. The owner.
     *
     * @param requests the first of structs {@code ibv_send_wr}, one behind the other, that lead to the next
     * @return how many, which is fewer than there are when the queue is full
     * @throws PlatformException when the device refuses one
     */
    public int postSend(MemorySegment requests, int count) {
        return posted(RdmaCalls.post(send, address(), requests, bad), requests, count, SEND_BYTES, bad);
    }

    /** The request at this place, which binds a window, has been posted: its new key is the window's. The owner. */
    public static void bound(MemorySegment requests, long at) {
        IbvMw.keyOf(requests.get(JAVA_LONG, at + BOUND_WINDOW), requests.get(JAVA_INT, at + BOUND_KEY));
    }

    /** As {@link #postSend}, of structs {@code ibv_recv_wr}. */
    public int postReceive(MemorySegment requests, int count) {
        return posted(RdmaCalls.post(receive, address(), requests, bad), requests, count, RECEIVE_BYTES, bad);
    }

    static int posted(int errno, MemorySegment requests, int count, int requestBytes, MemorySegment bad) {
        if (errno == 0) {
            return count;
        }
        if (Math.abs(errno) != Errno.ENOMEM) {
            throw new PlatformException("a post to a queue of an RDMA device", Math.abs(errno), "");
        }
        return (int) ((bad.get(JAVA_LONG, 0) - requests.address()) / requestBytes);
    }

    @Override
    void destroy(long at) {
        require("ibv_destroy_qp", RdmaCalls.call(RdmaCalls.DESTROY_QP, at));
    }
}
