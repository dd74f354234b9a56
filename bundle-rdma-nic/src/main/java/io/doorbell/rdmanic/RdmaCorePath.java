package io.doorbell.rdmanic;

import io.doorbell.platform.IbvCq;
import io.doorbell.platform.IbvQp;
import java.lang.foreign.MemorySegment;

/** By Panama, through the function pointers of the device. */
final class RdmaCorePath implements DataPath {
    @Override
    public String name() {
        return "rdma-core";
    }

    @Override
    public int postSend(IbvQp pair, MemorySegment requests, int count) {
        return pair.postSend(requests, count);
    }

    @Override
    public int postReceive(IbvQp pair, MemorySegment requests, int count) {
        return pair.postReceive(requests, count);
    }

    @Override
    public int poll(IbvCq queue, MemorySegment completions, int most) {
        return queue.poll(completions, most);
    }
}
