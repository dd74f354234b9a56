package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Where connection managers tell what happens: struct {@code rdma_event_channel}. Ids are made by any thread; one thread takes the news, which it waits for
 * at {@link #fd}.
 *
 * <p>Closed after all its ids.
 */
public final class RdmaEventChannel extends RdmaObject {
    // struct rdma_cm_event of rdma/rdma_cma.h, rdma-core 44, x86-64.
    private static final long EVENT_BYTES = 80;
    private static final long ID = 0;
    private static final long LISTEN_ID = 8;
    private static final long TYPE = 16;
    private static final long STATUS = 20;
    private static final long DATA = 24;
    private static final long DATA_LENGTH = 32;
    private static final long RESPONDER_RESOURCES = 33;
    private static final long INITIATOR_DEPTH = 34;
    private static final long RETRY_COUNT = 36;
    private static final long RNR_RETRY_COUNT = 37;

    private static final int RDMA_PS_TCP = 0x106;

    private final ConcurrentHashMap<Long, RdmaId> ids = new ConcurrentHashMap<>();

    private RdmaEventChannel(long address) {
        super(address);
    }

    /** @throws PlatformException when a library is missing; ENODEV when there is no RDMA device */
    public static RdmaEventChannel open() {
        RdmaCore.require();
        var channel = new RdmaEventChannel(RdmaCalls.createEventChannel());
        try (var scratch = Arena.ofConfined()) {
            int set = Libc.setStatusFlags(scratch.allocate(Libc.ERRNO_STATE), channel.fd(), Libc.O_NONBLOCK);
            require("fcntl of an RDMA event channel", set);
            return channel;
        } catch (RuntimeException failed) {
            channel.close();
            throw failed;
        }
    }

    /** Readable while there are news. */
    public int fd() {
        return number(address(), 0);
    }

    /** An id for reliable connections in the port space of TCP. */
    public RdmaId createId() {
        try (var scratch = Arena.ofConfined()) {
            var made = scratch.allocate(JAVA_LONG);
            require("rdma_create_id", RdmaCalls.createId(address(), made, RDMA_PS_TCP));
            return adopt(made.get(JAVA_LONG, 0));
        }
    }

    private RdmaId adopt(long id) {
        var made = new RdmaId(this, id);
        ids.put(id, made);
        return made;
    }

    void forget(long id) {
        ids.remove(id);
    }

    /**
     * The next news, which are acknowledged then, so an id can be closed when this has returned. Null when there are none. What concerns an id that has been
     * closed meanwhile is dropped.
     */
    public RdmaEvent next() {
        try (var scratch = Arena.ofConfined()) {
            var place = scratch.allocate(JAVA_LONG);
            while (true) {
                int result = RdmaCalls.call(RdmaCalls.GET_CM_EVENT, address(), place);
                if (result == -Errno.EAGAIN) {
                    return null;
                }
                if (result == -Errno.EINTR) {
                    continue;
                }
                require("rdma_get_cm_event", result);
                long at = place.get(JAVA_LONG, 0);
                RdmaEvent event;
                try {
                    event = decode(at(at, 0, EVENT_BYTES));
                } finally {
                    RdmaCalls.call(RdmaCalls.ACK_CM_EVENT, at);
                }
                if (event.id() != null) {
                    return event;
                }
            }
        }
    }

    private RdmaEvent decode(MemorySegment event) {
        int type = event.get(JAVA_INT, TYPE);
        boolean request = type == RdmaEvent.CONNECT_REQUEST;
        long id = event.get(JAVA_LONG, ID);
        boolean parameters = request || type == RdmaEvent.CONNECT_RESPONSE || type == RdmaEvent.REJECTED;
        return new RdmaEvent(
                type,
                request ? adopt(id) : ids.get(id),
                request ? ids.get(event.get(JAVA_LONG, LISTEN_ID)) : null,
                event.get(JAVA_INT, STATUS),
                parameters ? data(event) : new byte[0],
                parameters ? Byte.toUnsignedInt(event.get(JAVA_BYTE, RESPONDER_RESOURCES)) : 0,
                parameters ? Byte.toUnsignedInt(event.get(JAVA_BYTE, INITIATOR_DEPTH)) : 0,
                parameters ? Byte.toUnsignedInt(event.get(JAVA_BYTE, RETRY_COUNT)) : 0,
                parameters ? Byte.toUnsignedInt(event.get(JAVA_BYTE, RNR_RETRY_COUNT)) : 0);
    }

    private static byte[] data(MemorySegment event) {
        int length = Byte.toUnsignedInt(event.get(JAVA_BYTE, DATA_LENGTH));
        long data = event.get(JAVA_LONG, DATA);
        return data == 0 ? new byte[0] : at(data, 0, length).toArray(JAVA_BYTE);
    }

    @Override
    void destroy(long at) {
        RdmaCalls.act(RdmaCalls.DESTROY_EVENT_CHANNEL, at);
    }
}
