package io.doorbell.fabrics.host;

import io.doorbell.driver.AdminRequest;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FabricsCommand;
import io.doorbell.nvme.NvmeException;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Commands one at a time, over a connection that is no queue, or no more. Blocks. One thread at a time. */
public abstract class HostExchange<L extends HostLink> implements HostLink.User, AutoCloseable {
    /** Most data of one command. */
    public static final int DATA_BYTES = 16 * 1024;

    private static final int SLOT = 0;
    private static final Duration CLOSE_BOUND = Duration.ofSeconds(2);

    private final String name;
    protected final L link;
    private final Arena arena;
    private final MemorySegment data;
    private final long iova;
    private final Runnable free;
    private int cid;
    private AdminRequest.Answer answer;

    /**
     * @param arena of all that it uses; closed with this
     * @param data {@link #DATA_BYTES} of memory
     * @param iova where the target finds them
     * @param free gives the memory back
     */
    protected HostExchange(String name, L link, Arena arena, MemorySegment data, long iova, Runnable free) {
        this.name = name;
        this.link = link;
        this.arena = arena;
        this.data = data;
        this.iova = iova;
        this.free = free;
    }

    /** As {@link HostConnection#execute}. */
    public final AdminRequest.Answer execute(NvmCommand command, MemorySegment bytes, Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        int count = bytes == null ? 0 : (int) bytes.byteSize();
        if (count > DATA_BYTES) {
            throw new IllegalArgumentException(name + ": " + count + " bytes of data: at most " + DATA_BYTES);
        }
        boolean toController = FabricsCommand.isToController(command.opc, command.nsid);
        if (toController && count > 0) {
            MemorySegment.copy(bytes, 0, data, 0, count);
        }
        cid = cid + link.slots() & 0xFFFF;
        link.describe(SLOT, iova, count);
        link.encode(SLOT, cid, command);
        link.seal(SLOT, toController);
        link.stage(SLOT, cid);
        answer = null;
        await(command, deadline);
        if (!toController && count > 0) {
            MemorySegment.copy(data, 0, bytes, 0, count);
        }
        return answer;
    }

    /**
     * Has what is staged sent, and waits.
     *
     * @throws NvmeException made by {@link #failed} when it does not come
     */
    protected abstract void await(NvmCommand command, long deadline);

    protected final boolean isAnswered() {
        return answer != null;
    }

    protected final NvmeException failed(NvmCommand command, String why) {
        var what = command.opc == AdminOpcode.FABRICS
                ? FabricsCommand.name(FabricsCommand.type(command.nsid))
                : AdminOpcode.name(command.opc);
        return new NvmeException(NvmeException.Kind.RETRY, name + ", " + what, why);
    }

    @Override
    public final void completed(int slot, int id, int status, long result) {
        answer = new AdminRequest.Answer(status, result);
    }

    /** When nothing of it is in flight, or the connection is shut down. */
    @Override
    public final void close() {
        MemoryView.close(arena, CLOSE_BOUND);
        free.run();
    }
}
