package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.BounceBuffers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The admin queue of a controller over a network. The link is guarded by the queue's lock: commands are few, and from any thread. */
public abstract class FabricAdminQueue<L extends HostLink> extends AdminQueue implements HostLink.User {
    protected final L link;
    private final long bounceIova;
    private final Runnable free;

    /** Ended in the reap that is on, and not yet told. Guarded by the lock. */
    private final List<Runnable> ended = new ArrayList<>();

    /**
     * @param bounce {@link BounceBuffers#BYTES} of memory
     * @param bounceIova where the target finds them
     * @param free ends the connection
     */
    protected FabricAdminQueue(
            L link, MemorySegment bounce, long bounceIova, String name, Listener listener, Runnable free) {
        super(link.slots() + 1, name, new BounceBuffers(bounce), listener);
        this.link = link;
        this.bounceIova = bounceIova;
        this.free = free;
    }

    @Override
    protected final void put(AdminRequest request, int cid) {
        var buffer = request.buffer();
        int slot = cid & link.slots() - 1;
        if (buffer == null) {
            link.describe(slot, 0, 0);
        } else {
            link.describe(slot, bounceIova + (long) buffer.index() * BounceBuffers.BUFFER_BYTES, buffer.dataBytes());
        }
        link.encode(slot, cid, request.command());
        link.seal(slot, request.transfersToController());
        link.stage(slot, cid);
        send();
    }

    /** Sends what is staged. When that does not go, {@link #receive} finds the same. Under the lock. */
    protected abstract void send();

    /** Takes what has come; returns why the connection is of no use any more, null while it is. Under the lock. */
    protected abstract String receive();

    @Override
    public int reap() {
        String broken;
        List<Runnable> told;
        lock.lock();
        try {
            if (hasFailed()) {
                return 0;
            }
            broken = receive();
            told = List.copyOf(ended);
            ended.clear();
        } finally {
            lock.unlock();
        }
        told.forEach(Runnable::run);
        if (broken != null) {
            breach(name + ": " + broken);
        }
        return told.size();
    }

    @Override
    public final void completed(int slot, int cid, int status, long result) {
        var request = claim(cid);
        if (request == null) {
            throw new IllegalStateException(name + ": the link knows a command that is not in flight");
        }
        ended.add(() -> request.complete(status, result));
    }

    @Override
    public final void close() {
        super.close();
        free.run();
    }
}
