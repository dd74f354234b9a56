package io.doorbell.platform;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A memory window of type 2: struct {@code ibv_mw}. Made and closed by any thread; its key is the owner's of its queue pair. */
public final class IbvMw extends RdmaObject {
    // struct ibv_mw of infiniband/verbs.h, rdma-core 44, x86-64.
    private static final long KEY = 16;
    private static final int TYPE_2 = 2;

    /** All of the process's memory: a view per request would be garbage. */
    private static final MemorySegment ALL = at(0, 0, Long.MAX_VALUE);

    private final MemorySegment deallocate;
    private final MemorySegment key;

    private IbvMw(IbvContext context, long address) {
        super(address);
        deallocate = context.function(IbvContext.DEALLOC_MW);
        key = at(address, KEY, Integer.BYTES);
    }

    static IbvMw allocate(IbvContext context, long domain) {
        var function = context.function(IbvContext.ALLOC_MW);
        if (function.address() == 0) {
            throw new PlatformException("ibv_alloc_mw", Errno.EOPNOTSUPP, "");
        }
        return new IbvMw(context, RdmaCalls.allocateWindow(function, domain, TYPE_2));
    }

    public int key() {
        address();
        return key.get(ValueLayout.JAVA_INT, 0);
    }

    /**
     * A request that binds a window has been posted. libibverbs leaves it to the user to write down the new key, and reads it for the next one.
     *
     * @param window as the request names it, which libibverbs has gone to as well
     */
    static void keyOf(long window, int next) {
        ALL.set(ValueLayout.JAVA_INT, window + KEY, next);
    }

    @Override
    void destroy(long at) {
        require("ibv_dealloc_mw", RdmaCalls.deallocateWindow(deallocate, at));
    }
}
