package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A completion queue with its channel: structs {@code ibv_cq} and {@code ibv_comp_channel}. Made and closed by any thread; one owner polls and arms. */
public final class IbvCq extends RdmaObject {
    /** struct ibv_wc. */
    private static final long COMPLETION_BYTES = 48;

    /** The descriptor of struct ibv_comp_channel. */
    private static final long FD = 8;

    private final long channel;
    private final int fd;
    private final MemorySegment poll;
    private final MemorySegment notify;

    // Where ibv_get_cq_event writes. The owner's.
    private final MemorySegment errno = Arena.ofAuto().allocate(Libc.ERRNO_STATE);
    private final MemorySegment signOf = Arena.ofAuto().allocate(JAVA_LONG);
    private final MemorySegment signContext = Arena.ofAuto().allocate(JAVA_LONG);

    private IbvCq(IbvContext context, long channel, long address) {
        super(address);
        this.channel = channel;
        fd = number(channel, FD);
        poll = context.function(IbvContext.POLL_CQ);
        notify = context.function(IbvContext.REQ_NOTIFY_CQ);
    }

    static IbvCq create(IbvContext context, int entries) {
        long channel = RdmaCalls.make(RdmaCalls.CREATE_COMP_CHANNEL, "ibv_create_comp_channel", context.address());
        try (var scratch = Arena.ofConfined()) {
            require(
                    "fcntl of a completion channel",
                    Libc.setStatusFlags(scratch.allocate(Libc.ERRNO_STATE), number(channel, FD), Libc.O_NONBLOCK));
            return new IbvCq(context, channel, RdmaCalls.createCompletionQueue(context.address(), entries, channel));
        } catch (RuntimeException failed) {
            RdmaCalls.call(RdmaCalls.DESTROY_COMP_CHANNEL, channel);
            throw failed;
        }
    }

    /**
     * Takes completions.
     *
     * @param completions room for {@code most} structs {@code ibv_wc}
     * @return how many
     * @throws PlatformException when the device is broken
     */
    public int poll(MemorySegment completions, int most) {
        if (most * COMPLETION_BYTES > completions.byteSize()) {
            throw new IllegalArgumentException("no room for " + most + " completions");
        }
        int taken = RdmaCalls.poll(poll, address(), most, completions);
        if (taken < 0) {
            throw new PlatformException("ibv_poll_cq", 5, "");
        }
        return taken;
    }

    /**
     * Forgets the sign that was given, and has the descriptor signal what completes from now on. There is one sign for each time; one that is given in
     * the middle of this call may remain beside the next, and ends a sleep for nothing.
     */
    public void arm() {
        if (RdmaCalls.completionEvent(errno, channel, signOf, signContext) == 0) {
            RdmaCalls.ackCompletionEvents(address(), 1);
        }
        int result = RdmaCalls.requestNotify(notify, address());
        require("ibv_req_notify_cq", -Math.abs(result));
    }

    public int fd() {
        return fd;
    }

    @Override
    void destroy(long at) {
        require("ibv_destroy_cq", RdmaCalls.call(RdmaCalls.DESTROY_CQ, at));
        require("ibv_destroy_comp_channel", RdmaCalls.call(RdmaCalls.DESTROY_COMP_CHANNEL, channel));
    }
}
