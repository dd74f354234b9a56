package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The calls of librdmacm and libibverbs. Objects of theirs are addresses to us, passed as {@code long}; memory of ours is passed as a segment, so that
 * its arena cannot close during the call. What libibverbs has as inline functions goes through the function pointers of the device's context
 * ({@link #POST} and the others): those handles take the function's address first.
 *
 * <p>A call answers 0, or a negative errno, whether the function says it by -1 and errno, or returns it.
 *
 * <p>No downcall is {@code critical}: providers that have no mapped queues make a system call even for a post or a poll.
 *
 * <p>Callers go through {@link RdmaCore#require()} before this class is first touched. Prototypes: the manual pages of rdma-core 44, sections 3 and 7.
 */
final class RdmaCalls {
    private static final SymbolLookup LIBRARIES = libraries();

    static final MethodHandle CREATE_EVENT_CHANNEL = call("rdma_create_event_channel", JAVA_LONG);
    static final MethodHandle DESTROY_EVENT_CHANNEL = action("rdma_destroy_event_channel", JAVA_LONG);
    static final MethodHandle GET_CM_EVENT = call("rdma_get_cm_event", JAVA_INT, JAVA_LONG, ADDRESS);
    static final MethodHandle ACK_CM_EVENT = call("rdma_ack_cm_event", JAVA_INT, JAVA_LONG);
    static final MethodHandle CREATE_ID = call("rdma_create_id", JAVA_INT, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT);
    static final MethodHandle DESTROY_ID = call("rdma_destroy_id", JAVA_INT, JAVA_LONG);
    static final MethodHandle BIND_ADDR = call("rdma_bind_addr", JAVA_INT, JAVA_LONG, ADDRESS);
    static final MethodHandle LISTEN = call("rdma_listen", JAVA_INT, JAVA_LONG, JAVA_INT);
    static final MethodHandle RESOLVE_ADDR = call("rdma_resolve_addr", JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS, JAVA_INT);
    static final MethodHandle RESOLVE_ROUTE = call("rdma_resolve_route", JAVA_INT, JAVA_LONG, JAVA_INT);
    static final MethodHandle CONNECT = call("rdma_connect", JAVA_INT, JAVA_LONG, ADDRESS);
    static final MethodHandle ESTABLISH = call("rdma_establish", JAVA_INT, JAVA_LONG);
    static final MethodHandle ACCEPT = call("rdma_accept", JAVA_INT, JAVA_LONG, ADDRESS);
    static final MethodHandle REJECT = call("rdma_reject", JAVA_INT, JAVA_LONG, ADDRESS, JAVA_BYTE);
    static final MethodHandle DISCONNECT = call("rdma_disconnect", JAVA_INT, JAVA_LONG);
    static final MethodHandle NOTIFY = call("rdma_notify", JAVA_INT, JAVA_LONG, JAVA_INT);
    static final MethodHandle INIT_QP_ATTR = call("rdma_init_qp_attr", JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS);

    static final MethodHandle GET_DEVICE_NAME = call("ibv_get_device_name", JAVA_LONG, JAVA_LONG);
    static final MethodHandle QUERY_DEVICE = call("ibv_query_device", JAVA_INT, JAVA_LONG, ADDRESS);
    static final MethodHandle QUERY_PORT = call("ibv_query_port", JAVA_INT, JAVA_LONG, JAVA_BYTE, ADDRESS);
    static final MethodHandle GET_ASYNC_EVENT = call("ibv_get_async_event", JAVA_INT, JAVA_LONG, ADDRESS);
    static final MethodHandle ACK_ASYNC_EVENT = action("ibv_ack_async_event", ADDRESS);
    static final MethodHandle ALLOC_PD = call("ibv_alloc_pd", JAVA_LONG, JAVA_LONG);
    static final MethodHandle DEALLOC_PD = call("ibv_dealloc_pd", JAVA_INT, JAVA_LONG);
    static final MethodHandle REG_MR = call("ibv_reg_mr", JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT);
    static final MethodHandle DEREG_MR = call("ibv_dereg_mr", JAVA_INT, JAVA_LONG);
    static final MethodHandle CREATE_COMP_CHANNEL = call("ibv_create_comp_channel", JAVA_LONG, JAVA_LONG);
    static final MethodHandle DESTROY_COMP_CHANNEL = call("ibv_destroy_comp_channel", JAVA_INT, JAVA_LONG);
    static final MethodHandle CREATE_CQ =
            call("ibv_create_cq", JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    static final MethodHandle DESTROY_CQ = call("ibv_destroy_cq", JAVA_INT, JAVA_LONG);
    static final MethodHandle GET_CQ_EVENT = call("ibv_get_cq_event", JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS);
    static final MethodHandle ACK_CQ_EVENTS = action("ibv_ack_cq_events", JAVA_LONG, JAVA_INT);
    static final MethodHandle CREATE_QP = call("ibv_create_qp", JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle MODIFY_QP = call("ibv_modify_qp", JAVA_INT, JAVA_LONG, ADDRESS, JAVA_INT);
    static final MethodHandle DESTROY_QP = call("ibv_destroy_qp", JAVA_INT, JAVA_LONG);
    static final MethodHandle CREATE_SRQ = call("ibv_create_srq", JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DESTROY_SRQ = call("ibv_destroy_srq", JAVA_INT, JAVA_LONG);

    // Of struct ibv_context_ops, which infiniband/verbs.h calls inline.

    /** {@code post_send}, {@code post_recv} and {@code post_srq_recv}: function, queue, first request, where the one that failed is told. */
    private static final MethodHandle POST = function(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS));

    private static final MethodHandle POLL_CQ = function(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
    private static final MethodHandle REQ_NOTIFY_CQ = function(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle ALLOC_MW = function(FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle DEALLOC_MW = function(FunctionDescriptor.of(JAVA_INT, JAVA_LONG));

    private RdmaCalls() {}

    @SuppressWarnings("restricted")
    private static SymbolLookup libraries() {
        // Safety: see RdmaCore.missing.
        return SymbolLookup.libraryLookup(RdmaCore.CM, Arena.global())
                .or(SymbolLookup.libraryLookup(RdmaCore.VERBS, Arena.global()));
    }

    private static MethodHandle call(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), Linker.Option.captureCallState("errno"));
    }

    private static MethodHandle action(String name, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.ofVoid(arguments));
    }

    @SuppressWarnings("restricted")
    private static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        var symbol = LIBRARIES
                .find(name)
                .orElseThrow(() -> new PlatformException("This machine's rdma-core has no " + name + "."));
        // Safety: the descriptors above are the prototypes of the manual pages on x86-64.
        return Linker.nativeLinker().downcallHandle(symbol, descriptor, options);
    }

    @SuppressWarnings("restricted")
    private static MethodHandle function(FunctionDescriptor descriptor, Linker.Option... options) {
        // Safety: called with addresses only that a struct ibv_context_ops has in the place of a function of that
        // prototype.
        return Linker.nativeLinker().downcallHandle(descriptor, options);
    }

    // Control path: by the shape of the function.

    private static int answer(MemorySegment errno, int result) {
        return result < 0 ? -Libc.errno(errno) : -result;
    }

    static int call(MethodHandle handle, long object) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            // Safety: here and below, the callers pass objects that rdma-core made and that are not destroyed yet.
            return answer(errno, (int) handle.invokeExact(errno, object));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int call(MethodHandle handle, long object, int argument) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) handle.invokeExact(errno, object, argument));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int call(MethodHandle handle, long object, MemorySegment argument) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) handle.invokeExact(errno, object, argument));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int call(MethodHandle handle, long object, MemorySegment first, MemorySegment second) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) handle.invokeExact(errno, object, first, second));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int createId(long channel, MemorySegment id, int portSpace) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) CREATE_ID.invokeExact(errno, channel, id, 0L, portSpace));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int resolveAddress(long id, MemorySegment source, MemorySegment destination, int timeoutMillis) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) RESOLVE_ADDR.invokeExact(errno, id, source, destination, timeoutMillis));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int reject(long id, MemorySegment data) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) REJECT.invokeExact(errno, id, data, (byte) data.byteSize()));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int queryPort(long context, int port, MemorySegment attributes) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) QUERY_PORT.invokeExact(errno, context, (byte) port, attributes));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int modifyQueuePair(long pair, MemorySegment attributes, int mask) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return answer(errno, (int) MODIFY_QP.invokeExact(errno, pair, attributes, mask));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static void act(MethodHandle handle, long object) {
        try {
            handle.invokeExact(object);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** Of a channel that does not block. On a path that sleeps often, so with an errno of the caller's. */
    static int completionEvent(MemorySegment errno, long channel, MemorySegment queue, MemorySegment context) {
        try {
            // Safety: the two have room for a pointer each.
            return answer(errno, (int) GET_CQ_EVENT.invokeExact(errno, channel, queue, context));
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static void ackCompletionEvents(long queue, int count) {
        try {
            ACK_CQ_EVENTS.invokeExact(queue, count);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static void ackAsyncEvent(MemorySegment event) {
        try {
            ACK_ASYNC_EVENT.invokeExact(event);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    // What makes an object: its address.

    private static long made(MemorySegment errno, long address, String name, String detail) {
        if (address == 0) {
            throw new PlatformException(name, Libc.errno(errno), detail);
        }
        return address;
    }

    static long createEventChannel() {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return made(errno, (long) CREATE_EVENT_CHANNEL.invokeExact(errno), "rdma_create_event_channel", "");
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long make(MethodHandle handle, String name, long from) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return made(errno, (long) handle.invokeExact(errno, from), name, "");
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long make(MethodHandle handle, String name, long from, MemorySegment attributes) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return made(errno, (long) handle.invokeExact(errno, from, attributes), name, "");
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long registerMemory(long domain, MemorySegment memory, int access) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return made(
                    errno,
                    (long) REG_MR.invokeExact(errno, domain, memory, memory.byteSize(), access),
                    "ibv_reg_mr of " + memory.byteSize() + " bytes",
                    Libc.errno(errno) == Errno.ENOMEM
                            ? "Registered memory is locked: raise the limit (ulimit -l, LimitMEMLOCK= of a unit)"
                            : "");
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long createCompletionQueue(long context, int entries, long channel) {
        try (var scratch = Arena.ofConfined()) {
            var errno = scratch.allocate(Libc.ERRNO_STATE);
            return made(
                    errno, (long) CREATE_CQ.invokeExact(errno, context, entries, 0L, channel, 0), "ibv_create_cq", "");
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static long allocateWindow(MemorySegment function, long domain, int type) {
        long made;
        try {
            made = (long) ALLOC_MW.invokeExact(function, domain, type);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
        if (made == 0) {
            throw new PlatformException("ibv_alloc_mw", Errno.ENOMEM, "The device has no more memory windows");
        }
        return made;
    }

    static int deallocateWindow(MemorySegment function, long window) {
        try {
            return -(int) DEALLOC_MW.invokeExact(function, window);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    // Hot path.

    /** Returns 0, or the errno. */
    static int post(MemorySegment function, long queue, MemorySegment requests, MemorySegment bad) {
        try {
            // Safety: requests leads to all others by addresses in the same mapping, and bad has room for an address.
            return (int) POST.invokeExact(function, queue, requests, bad);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    /** Returns how many, or something negative. */
    static int poll(MemorySegment function, long queue, int most, MemorySegment completions) {
        try {
            // Safety: the caller has compared most with the size of completions.
            return (int) POLL_CQ.invokeExact(function, queue, most, completions);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }

    static int requestNotify(MemorySegment function, long queue) {
        try {
            return (int) REQ_NOTIFY_CQ.invokeExact(function, queue, 0);
        } catch (Throwable thrown) {
            throw Libc.unchecked(thrown);
        }
    }
}
