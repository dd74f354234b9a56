package io.doorbell.platform;

/** Registered memory: struct {@code ibv_mr}. Any thread. */
public final class IbvMr extends RdmaObject {
    // struct ibv_mr of infiniband/verbs.h, rdma-core 44, x86-64.
    private static final long LOCAL_KEY = 36;
    private static final long REMOTE_KEY = 40;

    private final int localKey;
    private final int remoteKey;

    IbvMr(long address) {
        super(address);
        localKey = number(address, LOCAL_KEY);
        remoteKey = number(address, REMOTE_KEY);
    }

    public int localKey() {
        return localKey;
    }

    public int remoteKey() {
        return remoteKey;
    }

    @Override
    void destroy(long at) {
        require("ibv_dereg_mr", RdmaCalls.call(RdmaCalls.DEREG_MR, at));
    }
}
