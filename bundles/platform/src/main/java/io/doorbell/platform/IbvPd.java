package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A protection domain: struct {@code ibv_pd}. Any thread. */
public final class IbvPd extends RdmaObject {
    private static final int RELIABLE_CONNECTION = 2;

    // struct ibv_qp_init_attr of infiniband/verbs.h, rdma-core 44, x86-64.
    private static final long PAIR_BYTES = 64;
    private static final long SEND_QUEUE = 8;
    private static final long RECEIVE_QUEUE = 16;
    private static final long SHARED = 24;
    private static final long MAX_SENDS = 32;
    private static final long MAX_RECEIVES = 36;
    private static final long MAX_SEND_SEGMENTS = 40;
    private static final long MAX_RECEIVE_SEGMENTS = 44;
    private static final long PAIR_TYPE = 52;

    // struct ibv_srq_init_attr.
    private static final long SHARED_BYTES = 24;
    private static final long SHARED_REQUESTS = 8;
    private static final long SHARED_SEGMENTS = 12;

    private final IbvContext context;

    IbvPd(IbvContext context, long address) {
        super(address);
        this.context = context;
    }

    /** @param memory mapped until the region is closed, which its owner sees to */
    public IbvMr register(MemorySegment memory, int access) {
        return new IbvMr(RdmaCalls.registerMemory(address(), memory, access));
    }

    /** A window of type 2. */
    public IbvMw allocateWindow() {
        return IbvMw.allocate(context, address());
    }

    public IbvSrq createSharedReceiveQueue(int requests, int segments) {
        try (var scratch = Arena.ofConfined()) {
            var attributes = scratch.allocate(SHARED_BYTES, Long.BYTES);
            attributes.set(JAVA_INT, SHARED_REQUESTS, requests);
            attributes.set(JAVA_INT, SHARED_SEGMENTS, segments);
            return new IbvSrq(context, RdmaCalls.make(RdmaCalls.CREATE_SRQ, "ibv_create_srq", address(), attributes));
        }
    }

    /**
     * A queue pair that takes receives already. What is not signaled does not complete when it succeeds.
     *
     * @param shared or null
     */
    public IbvQp createQueuePair(
            IbvCq sendQueue, IbvCq receiveQueue, IbvSrq shared, int sends, int receives, int segments) {
        try (var scratch = Arena.ofConfined()) {
            var attributes = scratch.allocate(PAIR_BYTES, Long.BYTES);
            attributes.set(JAVA_LONG, SEND_QUEUE, sendQueue.address());
            attributes.set(JAVA_LONG, RECEIVE_QUEUE, receiveQueue.address());
            attributes.set(JAVA_LONG, SHARED, shared == null ? 0 : shared.address());
            attributes.set(JAVA_INT, MAX_SENDS, sends);
            attributes.set(JAVA_INT, MAX_RECEIVES, receives);
            attributes.set(JAVA_INT, MAX_SEND_SEGMENTS, segments);
            attributes.set(JAVA_INT, MAX_RECEIVE_SEGMENTS, shared == null ? segments : 0);
            attributes.set(JAVA_INT, PAIR_TYPE, RELIABLE_CONNECTION);
            var pair = new IbvQp(
                    context,
                    RdmaCalls.make(RdmaCalls.CREATE_QP, "ibv_create_qp", address(), attributes),
                    shared != null);
            try {
                pair.begin();
                return pair;
            } catch (RuntimeException failed) {
                pair.close();
                throw failed;
            }
        }
    }

    @Override
    void destroy(long at) {
        require("ibv_dealloc_pd", RdmaCalls.call(RdmaCalls.DEALLOC_PD, at));
    }
}
