package io.doorbell.rdmahost;

import io.doorbell.driver.AdminRequest;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Commands one at a time, over a connection that is no queue, or no more. Blocks. One thread at a time. */
final class Exchange implements RdmaLink.User, AutoCloseable {
    /** Most data of one command. */
    static final int DATA_BYTES = 16 * 1024;

    private static final int SLOT = 0;
    private static final long LOOK_NANOS = 50_000;
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final String name;
    private final RdmaLink link;
    private final Arena arena = Arena.ofShared();
    private final RegisteredMemory.Block data;
    private int cid;
    private AdminRequest.Answer answer;

    Exchange(String name, RdmaPort port) {
        this.name = name;
        data = port.registered().allocate(DATA_BYTES, arena);
        link = port.ownLink(null);
    }

    AdminRequest.Answer execute(NvmCommand command, MemorySegment bytes, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        int count = bytes == null ? 0 : (int) bytes.byteSize();
        if (count > DATA_BYTES) {
            throw new IllegalArgumentException(name + ": " + count + " bytes of data: at most " + DATA_BYTES);
        }
        boolean toController = FabricsCommand.isToController(command.opc, command.nsid);
        if (toController && count > 0) {
            MemorySegment.copy(bytes, 0, data.view, 0, count);
        }
        cid = cid + link.slots() & 0xFFFF;
        link.describe(SLOT, data.iova(), count);
        encode(command);
        link.seal(SLOT, toController);
        link.stage(SLOT, cid);
        answer = null;
        link.publish();
        await(command, deadline);
        if (!toController && count > 0) {
            MemorySegment.copy(data.view, 0, bytes, 0, count);
        }
        return answer;
    }

    private void encode(NvmCommand command) {
        SubmissionEntry.encode(
                link.memory,
                link.entry(SLOT),
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
    }

    private void await(NvmCommand command, long deadline) {
        while (true) {
            var gone = link.port().broken();
            link.poll(this, 1);
            if (answer != null) {
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

    private NvmeException failed(NvmCommand command, String why) {
        var what = command.opc == AdminOpcode.FABRICS
                ? FabricsCommand.name(FabricsCommand.type(command.nsid))
                : AdminOpcode.name(command.opc);
        return new NvmeException(NvmeException.Kind.RETRY, name + ", " + what, why);
    }

    @Override
    public void completed(int slot, int id, int status, long result) {
        answer = new AdminRequest.Answer(status, result);
    }

    /** When nothing of it is in flight, or the connection is shut down. */
    @Override
    public void close() {
        MemoryView.close(arena, CLOSE_BOUND);
        data.close();
    }
}
