package io.doorbell.rdmanic;

import com.ibm.disni.verbs.impl.NativeDispatcher;
import io.doorbell.platform.IbvCq;
import io.doorbell.platform.IbvQp;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * By DiSNI 2.1. Its stateful calls (SVCPostSend and their kin) write requests of one shape into memory once and repeat them; ours lie in memory already, in
 * any shape, so what those calls end in is called with the address. An object of DiSNI's ({@code NatObject.getObjId}) is the address of rdma-core's, as
 * ours is.
 *
 * <p>DiSNI says that a post failed, not at which request. So it is only given what there is room for.
 */
final class DisniPath implements DataPath {
    private static final int COMPLETION_BYTES = 48;

    private final NativeDispatcher dispatcher;

    private DisniPath(NativeDispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    /**
     * @throws LinkageError when libdisni.so, or DiSNI itself, is not there
     * @throws IllegalStateException when it is another version
     */
    static DisniPath load() {
        try {
            // By itself, so that what keeps the library from being loaded is thrown as it is.
            Class.forName(NativeDispatcher.class.getName(), true, NativeDispatcher.class.getClassLoader());
            // Package-private there: DiSNI gives it to nobody. It compares the sizes of structures.
            var constructor = NativeDispatcher.class.getDeclaredConstructor();
            constructor.setAccessible(true);
            return new DisniPath(constructor.newInstance());
        } catch (ReflectiveOperationException | RuntimeException unfit) {
            throw new IllegalStateException("DiSNI is of another version, or may not be used: " + unfit, unfit);
        }
    }

    @Override
    public String name() {
        return "DiSNI";
    }

    @Override
    public int postSend(IbvQp pair, MemorySegment requests, int count) {
        try {
            dispatcher._postSend(pair.address(), addressOf(requests));
            return count;
        } catch (IOException refused) {
            throw refused("a send", refused);
        }
    }

    @Override
    public int postReceive(IbvQp pair, MemorySegment requests, int count) {
        try {
            dispatcher._postRecv(pair.address(), addressOf(requests));
            return count;
        } catch (IOException refused) {
            throw refused("a receive", refused);
        }
    }

    @Override
    public int poll(IbvCq queue, MemorySegment completions, int most) {
        if ((long) most * COMPLETION_BYTES > completions.byteSize()) {
            throw new IllegalArgumentException("no room for " + most + " completions");
        }
        try {
            int taken = dispatcher._pollCQ(queue.address(), most, addressOf(completions));
            if (taken < 0) {
                throw new IllegalStateException("ibv_poll_cq failed");
            }
            return taken;
        } catch (IOException refused) {
            throw refused("a poll", refused);
        }
    }

    /** Throws when the memory is gone, which the native call would not know. */
    private static long addressOf(MemorySegment memory) {
        memory.get(ValueLayout.JAVA_BYTE, 0);
        return memory.address();
    }

    private static IllegalStateException refused(String what, IOException why) {
        return new IllegalStateException("the device refuses " + what + ": " + why.getMessage(), why);
    }
}
