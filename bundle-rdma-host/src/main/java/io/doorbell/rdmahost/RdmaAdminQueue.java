package io.doorbell.rdmahost;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.BounceBuffers;
import io.doorbell.nvme.SubmissionEntry;
import java.util.ArrayList;
import java.util.List;

/** The admin queue of a controller over RDMA. The link is guarded by the queue's lock: commands are few, and from any thread. */
final class RdmaAdminQueue extends AdminQueue implements RdmaLink.User {
    private final RdmaLink link;
    private final RegisteredMemory.Block bounce;
    private final Runnable free;

    /** Ended in the reap that is on, and not yet told. Guarded by the lock. */
    private final List<Runnable> ended = new ArrayList<>();

    /**
     * @param bounce {@link BounceBuffers#BYTES} of memory
     * @param free ends the connection
     */
    RdmaAdminQueue(RdmaLink link, RegisteredMemory.Block bounce, String name, Listener listener, Runnable free) {
        super(link.slots() + 1, name, new BounceBuffers(bounce.view), listener);
        this.link = link;
        this.bounce = bounce;
        this.free = free;
    }

    @Override
    protected void put(AdminRequest request, int cid) {
        var command = request.command();
        var buffer = request.buffer();
        int bytes = buffer == null ? 0 : buffer.dataBytes();
        int slot = cid & link.slots() - 1;
        link.describe(
                slot, buffer == null ? 0 : bounce.iova() + (long) buffer.index() * BounceBuffers.BUFFER_BYTES, bytes);
        long entry = link.entry(slot);
        SubmissionEntry.encode(
                link.memory,
                entry,
                command.opc,
                SubmissionEntry.flags(SubmissionEntry.FUSE_NONE, SubmissionEntry.PSDT_SGL),
                cid,
                command.nsid,
                0,
                0,
                0,
                command.cdw10,
                command.cdw11,
                command.cdw12,
                command.cdw13,
                command.cdw14,
                command.cdw15);
        SubmissionEntry.cdw2(link.memory, entry, command.cdw2);
        SubmissionEntry.cdw3(link.memory, entry, command.cdw3);
        link.seal(slot, request.transfersToController());
        link.stage(slot, cid);
        link.publish();
    }

    @Override
    public int reap() {
        List<Runnable> told;
        String gone;
        lock.lock();
        try {
            if (hasFailed()) {
                return 0;
            }
            gone = link.port().broken();
            link.poll(this, link.slots());
            told = List.copyOf(ended);
            ended.clear();
        } finally {
            lock.unlock();
        }
        told.forEach(Runnable::run);
        if (gone != null) {
            breach(name + ": the admin connection: " + gone);
        }
        return told.size();
    }

    @Override
    public void completed(int slot, int cid, int status, long result) {
        var request = claim(cid);
        if (request == null) {
            throw new IllegalStateException(name + ": the connection knows a command that is not in flight");
        }
        ended.add(() -> request.complete(status, result));
    }

    @Override
    public void close() {
        super.close();
        free.run();
    }
}
