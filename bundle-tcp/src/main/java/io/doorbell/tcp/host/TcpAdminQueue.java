package io.doorbell.tcp.host;

import io.doorbell.driver.BounceBuffers;
import io.doorbell.fabrics.host.FabricAdminQueue;
import io.doorbell.tcp.Violation;

/** The admin queue of a controller over TCP. */
final class TcpAdminQueue extends FabricAdminQueue<TcpLink> {
    private final SocketSigns signs;

    /**
     * @param bounce where {@link BounceBuffers#BYTES} of memory are
     * @param free ends the connection
     */
    TcpAdminQueue(TcpLink link, SocketSigns signs, long bounce, String name, Listener listener, Runnable free) {
        super(link, link.memory.asSlice(bounce, BounceBuffers.BYTES), bounce, name, listener, free);
        this.signs = signs;
        link.use(this);
    }

    @Override
    protected void send() {
        link.flush();
    }

    @Override
    public int reap() {
        signs.look();
        return super.reap();
    }

    @Override
    protected String receive() {
        try {
            boolean alive = link.receive(link.slots());
            link.endEarly();
            return alive && link.flush() ? null : "the target has ended the admin connection";
        } catch (Violation violation) {
            link.terminate(violation);
            return "the target broke the protocol of the admin connection: " + violation.getMessage();
        } catch (TerminatedException terminated) {
            return terminated.getMessage();
        }
    }
}
