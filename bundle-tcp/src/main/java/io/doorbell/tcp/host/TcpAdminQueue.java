package io.doorbell.tcp.host;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminRequest;
import io.doorbell.driver.BounceBuffers;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.tcp.Violation;
import java.util.ArrayList;
import java.util.List;

/** The admin queue of a controller over TCP. The link is guarded by the queue's lock: commands are few, and from any thread. */
final class TcpAdminQueue extends AdminQueue implements TcpLink.User {
    private final TcpLink link;
    private final SocketSigns signs;
    private final long bounce;
    private final Runnable free;

    /** Ended in the reap that is on, and not yet told. Guarded by the lock. */
    private final List<Runnable> ended = new ArrayList<>();

    /**
     * @param bounce where {@link BounceBuffers#BYTES} of memory are
     * @param free ends the connection
     */
    TcpAdminQueue(TcpLink link, SocketSigns signs, long bounce, String name, Listener listener, Runnable free) {
        super(link.slots() + 1, name, new BounceBuffers(link.memory.asSlice(bounce, BounceBuffers.BYTES)), listener);
        this.link = link;
        this.signs = signs;
        this.bounce = bounce;
        this.free = free;
        link.use(this);
    }

    /** How many commands may be in flight on a queue of so many entries: a power of two, as ids are made of them. */
    static int slots(int entries) {
        return Integer.highestOneBit(entries - 1);
    }

    @Override
    protected void put(AdminRequest request, int cid) {
        var command = request.command();
        var buffer = request.buffer();
        int bytes = buffer == null ? 0 : buffer.dataBytes();
        int slot = cid & link.slots() - 1;
        link.describe(slot, buffer == null ? 0 : bounce + (long) buffer.index() * BounceBuffers.BUFFER_BYTES, bytes);
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
                TcpPointers.transport(bytes),
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
        // When that does not go, the admin thread finds the same.
        link.flush();
    }

    @Override
    public int reap() {
        signs.look();
        String broken = null;
        List<Runnable> told;
        lock.lock();
        try {
            if (hasFailed()) {
                return 0;
            }
            try {
                boolean alive = link.receive(link.slots());
                link.endEarly();
                if (!alive || !link.flush()) {
                    broken = name + ": the target has ended the admin connection";
                }
            } catch (Violation violation) {
                link.terminate(violation);
                broken = name + ": the target broke the protocol of the admin connection: " + violation.getMessage();
            } catch (TerminatedException terminated) {
                broken = name + ": " + terminated.getMessage();
            }
            told = List.copyOf(ended);
            ended.clear();
        } finally {
            lock.unlock();
        }
        told.forEach(Runnable::run);
        if (broken != null) {
            breach(broken);
        }
        return told.size();
    }

    @Override
    public void completed(int slot, int cid, int status, long result) {
        var request = claim(cid);
        if (request == null) {
            throw new IllegalStateException(name + ": the link knows a command that is not in flight");
        }
        ended.add(() -> request.complete(status, result));
    }

    @Override
    public void close() {
        super.close();
        free.run();
    }
}
