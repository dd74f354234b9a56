package io.doorbell.fabrics;

import io.doorbell.storage.NvmRequest;

/** A command that came in a capsule. A transport extends it and uses it again and again. Owner: the connection's reactor. */
public abstract class FabricRequest extends NvmRequest {
    private final FabricQueue queue;

    /** The other one of a fused pair, from the second on. */
    FabricRequest partner;

    /** Of a fused pair: its data are there. */
    boolean ready;

    protected FabricRequest(FabricQueue queue) {
        this.queue = queue;
    }

    /** The command has ended: send {@code status}, {@link #cid} and {@link #result}. */
    protected abstract void respond(int status);

    @Override
    public final void complete(int status) {
        queue.completed(this, status);
    }
}
