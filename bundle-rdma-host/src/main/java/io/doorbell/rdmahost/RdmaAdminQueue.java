package io.doorbell.rdmahost;

import io.doorbell.driver.BounceBuffers;
import io.doorbell.fabrics.host.FabricAdminQueue;

/** The admin queue of a controller over RDMA. */
final class RdmaAdminQueue extends FabricAdminQueue<RdmaLink> {
    /**
     * @param bounce {@link BounceBuffers#BYTES} of memory
     * @param free ends the connection
     */
    RdmaAdminQueue(RdmaLink link, RegisteredMemory.Block bounce, String name, Listener listener, Runnable free) {
        super(link, bounce.view, bounce.iova(), name, listener, free);
    }

    @Override
    protected void send() {
        link.publish();
    }

    @Override
    protected String receive() {
        var gone = link.port().broken();
        link.poll(this, link.slots());
        return gone == null ? null : "the admin connection: " + gone;
    }
}
