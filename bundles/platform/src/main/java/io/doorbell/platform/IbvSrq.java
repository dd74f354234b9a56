package io.doorbell.platform;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Receives for several queue pairs: struct {@code ibv_srq}. Made and closed by any thread; one owner posts. */
public final class IbvSrq extends RdmaObject {
    private final MemorySegment function;
    private final MemorySegment bad = Arena.ofAuto().allocate(ValueLayout.ADDRESS);

    IbvSrq(IbvContext context, long address) {
        super(address);
        function = context.function(IbvContext.POST_SRQ_RECV);
    }

    /** As {@link IbvQp#postReceive}. */
    public int postReceive(MemorySegment requests, int count) {
        return IbvQp.posted(
                RdmaCalls.post(function, address(), requests, bad), requests, count, IbvQp.RECEIVE_BYTES, bad);
    }

    @Override
    void destroy(long at) {
        require("ibv_destroy_srq", RdmaCalls.call(RdmaCalls.DESTROY_SRQ, at));
    }
}
