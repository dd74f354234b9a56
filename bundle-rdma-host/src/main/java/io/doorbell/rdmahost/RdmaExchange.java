package io.doorbell.rdmahost;

import io.doorbell.fabrics.host.HostExchange;
import io.doorbell.host.NvmCommand;
import java.lang.foreign.Arena;
import java.util.concurrent.locks.LockSupport;

/** Commands one at a time, over RDMA. */
final class RdmaExchange extends HostExchange<RdmaLink> {
    private static final long LOOK_NANOS = 50_000;

    private RdmaExchange(String name, RdmaLink link, Arena arena, RegisteredMemory.Block data) {
        super(name, link, arena, data.view, data.iova(), data::close);
    }

    static RdmaExchange over(RdmaPort port, String name) {
        var arena = Arena.ofShared();
        var data = port.registered().allocate(DATA_BYTES, arena);
        return new RdmaExchange(name, port.ownLink(null), arena, data);
    }

    @Override
    protected void await(NvmCommand command, long deadline) {
        link.publish();
        while (true) {
            var gone = link.port().broken();
            link.poll(this, 1);
            if (isAnswered()) {
                return;
            }
            if (gone != null) {
                throw failed(command, link.port().isBreach() ? "the target broke the protocol: " + gone : gone);
            }
            if (System.nanoTime() - deadline >= 0) {
                throw failed(command, "no answer in time");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }
}
