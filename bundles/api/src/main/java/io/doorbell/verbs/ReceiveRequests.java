package io.doorbell.verbs;

import static java.lang.foreign.MemoryLayout.paddingLayout;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/**
 * Requests for a receive queue, to be posted at once: structs {@code ibv_recv_wr}. A message fills the segments of the next one in order.
 *
 * <p>Owner: one thread.
 */
public final class ReceiveRequests extends WorkRequests {
    static final StructLayout LAYOUT = MemoryLayout.structLayout(
            JAVA_LONG.withName("wr_id"),
            JAVA_LONG.withName("next"),
            JAVA_LONG.withName("sg_list"),
            JAVA_INT.withName("num_sge"),
            paddingLayout(4));

    public ReceiveRequests(int maxRequests, int maxSegments) {
        super((int) LAYOUT.byteSize(), maxRequests, maxSegments);
    }

    /** Room for a message. */
    public void receive(long id) {
        begin(id);
    }
}
