package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/**
 * An RDMA device that librdmacm has opened, and one port of it: struct {@code ibv_context}. Lives as long as an {@link RdmaId} that is bound to it. Any
 * thread.
 */
public final class IbvContext {
    // struct ibv_context of infiniband/verbs.h, rdma-core 44, x86-64.
    private static final long DEVICE = 0;
    static final long ALLOC_MW = 64;
    static final long DEALLOC_MW = 80;
    static final long POLL_CQ = 96;
    static final long REQ_NOTIFY_CQ = 104;
    static final long POST_SRQ_RECV = 168;
    static final long POST_SEND = 208;
    static final long POST_RECV = 216;
    private static final long ASYNC_FD = 268;

    private static final long DEVICE_ATTRIBUTES_BYTES = 232;
    private static final long PORT_ATTRIBUTES_BYTES = 64;
    private static final int MAX_NAME_BYTES = 64;

    /**
     * What the device and the port take.
     *
     * @param flags of {@link RdmaCore}
     * @param maxReads outstanding at a peer, and of a peer, whichever is less
     */
    public record Attributes(
            int flags,
            int maxQueuePairs,
            int maxRequests,
            int maxSharedRequests,
            int maxSegments,
            int maxCompletions,
            long maxRegionBytes,
            long maxMessageBytes,
            int maxReads) {}

    /**
     * News of a device.
     *
     * @param type of the constants here
     * @param address of the queue pair or the completion queue that it concerns
     */
    public record AsyncEvent(int type, long address) {
        // Numbers of enum ibv_event_type.
        public static final int QUEUE_OVERRUN = 0;
        public static final int PAIR_FATAL = 1;
        public static final int PAIR_REQUEST_ERROR = 2;
        public static final int PAIR_ACCESS_ERROR = 3;
        public static final int COMMUNICATION_ESTABLISHED = 4;
        public static final int DEVICE_FATAL = 8;
    }

    private final long address;
    private final int port;

    IbvContext(long address, int port) {
        this.address = address;
        this.port = port;
    }

    /** Two views of one device are the same device. */
    public long address() {
        return address;
    }

    /** 1 and up. */
    public int port() {
        return port;
    }

    /** As the kernel names it. */
    public String name() {
        long name;
        name = RdmaCalls.make(RdmaCalls.GET_DEVICE_NAME, "ibv_get_device_name", RdmaObject.pointer(address, DEVICE));
        return RdmaObject.at(name, 0, MAX_NAME_BYTES).getString(0);
    }

    MemorySegment function(long offset) {
        return MemorySegment.ofAddress(RdmaObject.pointer(address, offset));
    }

    public Attributes attributes() {
        try (var scratch = Arena.ofConfined()) {
            var device = scratch.allocate(DEVICE_ATTRIBUTES_BYTES, Long.BYTES);
            RdmaObject.require("ibv_query_device", RdmaCalls.call(RdmaCalls.QUERY_DEVICE, address, device));
            var ports = scratch.allocate(PORT_ATTRIBUTES_BYTES, Long.BYTES);
            RdmaObject.require("ibv_query_port", RdmaCalls.queryPort(address, port, ports));
            return attributes(device, ports);
        }
    }

    /** Structs {@code ibv_device_attr} and {@code ibv_port_attr}. */
    static Attributes attributes(MemorySegment device, MemorySegment port) {
        int segments = device.get(JAVA_INT, 120);
        int segmentsOfReads = device.get(JAVA_INT, 124);
        long region = device.get(JAVA_LONG, 80);
        return new Attributes(
                device.get(JAVA_INT, 116),
                device.get(JAVA_INT, 108),
                device.get(JAVA_INT, 112),
                device.get(JAVA_INT, 216),
                segmentsOfReads > 0 ? Math.min(segments, segmentsOfReads) : segments,
                device.get(JAVA_INT, 132),
                region < 0 ? Long.MAX_VALUE : region,
                Integer.toUnsignedLong(port.get(JAVA_INT, 20)),
                Math.min(device.get(JAVA_INT, 144), device.get(JAVA_INT, 156)));
    }

    /** Whether it is InfiniBand, and not Ethernet. */
    boolean isInfiniBand() {
        try (var scratch = Arena.ofConfined()) {
            var attributes = scratch.allocate(PORT_ATTRIBUTES_BYTES, Long.BYTES);
            RdmaObject.require("ibv_query_port", RdmaCalls.queryPort(address, port, attributes));
            return attributes.get(JAVA_BYTE, 46) == 1;
        }
    }

    public IbvPd allocateDomain() {
        return new IbvPd(this, RdmaCalls.make(RdmaCalls.ALLOC_PD, "ibv_alloc_pd", address));
    }

    /** With a channel of its own, whose descriptor is readable when something has completed since {@link IbvCq#arm}. */
    public IbvCq createCompletionQueue(int entries) {
        return IbvCq.create(this, entries);
    }

    /** Readable while there are news of the device; from now on reading it does not wait. */
    public int eventFd() {
        int fd = RdmaObject.number(address, ASYNC_FD);
        try (var scratch = Arena.ofConfined()) {
            RdmaObject.require(
                    "fcntl of an RDMA device",
                    Libc.setStatusFlags(scratch.allocate(Libc.ERRNO_STATE), fd, Libc.O_NONBLOCK));
        }
        return fd;
    }

    /**
     * Hands the next news on. They are acknowledged after that: until then what they concern is not destroyed, and nothing new has its address. One thread.
     *
     * @param to waits for nothing, above all not for the end of what the news concern
     * @return false when there are none
     */
    public boolean nextEvent(Consumer<AsyncEvent> to) {
        try (var scratch = Arena.ofConfined()) {
            var event = scratch.allocate(16, Long.BYTES);
            int result = RdmaCalls.call(RdmaCalls.GET_ASYNC_EVENT, address, event);
            if (result < 0) {
                if (result == -Errno.EAGAIN || result == -Errno.EINTR) {
                    return false;
                }
                throw new PlatformException("ibv_get_async_event", -result, "");
            }
            try {
                to.accept(new AsyncEvent(event.get(JAVA_INT, 8), event.get(JAVA_LONG, 0)));
            } finally {
                RdmaCalls.ackAsyncEvent(event);
            }
            return true;
        }
    }
}
