package io.doorbell.platform;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;

/**
 * One end of a connection, or what listens: struct {@code rdma_cm_id}, in the manner of a socket: rdma_cm(7). Its queue pair is not librdmacm's:
 * {@link IbvQp#follow} moves it. Any thread, one at a time.
 *
 * <p>Calls throw {@link PlatformException} where librdmacm refuses, and {@link IllegalStateException} when it is closed. Closing waits for the news that
 * {@link RdmaEventChannel#next} has not acknowledged yet, which is a moment.
 */
public final class RdmaId extends RdmaObject {
    // struct rdma_cm_id of rdma/rdma_cma.h, rdma-core 44, x86-64.
    private static final long VERBS = 0;
    private static final long SOURCE = 32;
    private static final long DESTINATION = 160;
    private static final long PORT_NUMBER = 348;
    private static final long SOCKADDR_BYTES = 28;

    // struct rdma_conn_param.
    private static final long PARAMETERS_BYTES = 24;
    private static final long DATA = 0;
    private static final long DATA_LENGTH = 8;
    private static final long RESPONDER_RESOURCES = 9;
    private static final long INITIATOR_DEPTH = 10;
    private static final long FLOW_CONTROL = 11;
    private static final long RETRY_COUNT = 12;
    private static final long RNR_RETRY_COUNT = 13;
    private static final long SHARED_RECEIVES = 14;
    private static final long PAIR_NUMBER = 16;

    /** {@code IBV_EVENT_COMM_EST}. */
    private static final int COMMUNICATION_ESTABLISHED = 4;

    /**
     * What one side says of a connection.
     *
     * @param pair whose number and receives the peer is told
     * @param responderResources reads of the peer, {@code initiatorDepth} of this side; the device's limits hold
     */
    public record Parameters(
            IbvQp pair, int responderResources, int initiatorDepth, int retryCount, int rnrRetryCount, byte[] data) {}

    private final RdmaEventChannel channel;

    RdmaId(RdmaEventChannel channel, long address) {
        super(address);
        this.channel = channel;
    }

    /** Takes an address of this machine; port 0 takes a free one. Where it is an RDMA device's, {@link #context} is there from then on. */
    public synchronized void bind(InetSocketAddress address) {
        try (var scratch = Arena.ofConfined()) {
            require(
                    "rdma_bind_addr",
                    RdmaCalls.call(RdmaCalls.BIND_ADDR, address(), TcpSocket.sockaddr(address, scratch)));
        }
    }

    public synchronized void listen(int backlog) {
        require("rdma_listen", RdmaCalls.call(RdmaCalls.LISTEN, address(), backlog));
    }

    /** Begins; {@link RdmaEvent#ADDRESS_RESOLVED} follows, or an error. */
    public synchronized void resolveAddress(InetSocketAddress from, InetSocketAddress to, int timeoutMillis) {
        try (var scratch = Arena.ofConfined()) {
            require(
                    "rdma_resolve_addr",
                    RdmaCalls.resolveAddress(
                            address(),
                            TcpSocket.sockaddr(from, scratch),
                            TcpSocket.sockaddr(to, scratch),
                            timeoutMillis));
        }
    }

    public synchronized void resolveRoute(int timeoutMillis) {
        require("rdma_resolve_route", RdmaCalls.call(RdmaCalls.RESOLVE_ROUTE, address(), timeoutMillis));
    }

    /** Asks the peer; {@link RdmaEvent#CONNECT_RESPONSE} follows, {@link RdmaEvent#REJECTED} or an error. */
    public synchronized void connect(Parameters parameters) {
        try (var scratch = Arena.ofConfined()) {
            require("rdma_connect", RdmaCalls.call(RdmaCalls.CONNECT, address(), encode(parameters, scratch)));
        }
    }

    /** Tells the peer that has responded that this side is ready, once the queue pair is. */
    public synchronized void establish() {
        require("rdma_establish", RdmaCalls.call(RdmaCalls.ESTABLISH, address()));
    }

    /** The queue pair is ready to send. */
    public synchronized void accept(Parameters parameters) {
        try (var scratch = Arena.ofConfined()) {
            require("rdma_accept", RdmaCalls.call(RdmaCalls.ACCEPT, address(), encode(parameters, scratch)));
        }
    }

    public synchronized void reject(byte[] data) {
        try (var scratch = Arena.ofConfined()) {
            require("rdma_reject", RdmaCalls.reject(address(), scratch.allocateFrom(JAVA_BYTE, data)));
        }
    }

    public synchronized void disconnect() {
        require("rdma_disconnect", RdmaCalls.call(RdmaCalls.DISCONNECT, address()));
    }

    /** Something came for a connection whose peer has not said yet that it is ready. */
    public synchronized void notifyEstablished() {
        require("rdma_notify", RdmaCalls.call(RdmaCalls.NOTIFY, address(), COMMUNICATION_ESTABLISHED));
    }

    private static MemorySegment encode(Parameters parameters, Arena arena) {
        var segment = arena.allocate(PARAMETERS_BYTES, Long.BYTES);
        byte[] data = parameters.data();
        if (data.length > 0) {
            segment.set(JAVA_LONG, DATA, arena.allocateFrom(JAVA_BYTE, data).address());
        }
        segment.set(JAVA_BYTE, DATA_LENGTH, (byte) data.length);
        segment.set(JAVA_BYTE, RESPONDER_RESOURCES, (byte) parameters.responderResources());
        segment.set(JAVA_BYTE, INITIATOR_DEPTH, (byte) parameters.initiatorDepth());
        segment.set(JAVA_BYTE, FLOW_CONTROL, (byte) 1);
        segment.set(JAVA_BYTE, RETRY_COUNT, (byte) parameters.retryCount());
        segment.set(JAVA_BYTE, RNR_RETRY_COUNT, (byte) parameters.rnrRetryCount());
        segment.set(JAVA_BYTE, SHARED_RECEIVES, (byte) (parameters.pair().isShared() ? 1 : 0));
        segment.set(JAVA_INT, PAIR_NUMBER, parameters.pair().number());
        return segment;
    }

    /** Of struct {@code ibv_qp_attr}, what the connection says for a state, and which of it. */
    synchronized int attributes(MemorySegment attributes) {
        try (var scratch = Arena.ofConfined()) {
            var mask = scratch.allocate(JAVA_INT);
            require("rdma_init_qp_attr", RdmaCalls.call(RdmaCalls.INIT_QP_ATTR, address(), attributes, mask));
            return mask.get(JAVA_INT, 0);
        }
    }

    /** The device that it is bound to, as often as asked another view of it; null where there is none. */
    public synchronized IbvContext context() {
        long context = pointer(address(), VERBS);
        return context == 0
                ? null
                : new IbvContext(context, at(address(), PORT_NUMBER, 1).get(JAVA_BYTE, 0));
    }

    public synchronized InetSocketAddress localAddress() {
        return TcpSocket.address(at(address(), SOURCE, SOCKADDR_BYTES));
    }

    public synchronized InetSocketAddress peerAddress() {
        return TcpSocket.address(at(address(), DESTINATION, SOCKADDR_BYTES));
    }

    @Override
    void destroy(long at) {
        channel.forget(at);
        require("rdma_destroy_id", RdmaCalls.call(RdmaCalls.DESTROY_ID, at));
    }
}
