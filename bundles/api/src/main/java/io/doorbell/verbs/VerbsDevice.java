package io.doorbell.verbs;

import io.doorbell.reactor.Reactor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * An RDMA device with one port. Everything here is control path: any thread, may block for a moment. What is made of a device is closed by whoever
 * made it, queue pairs before what they use.
 */
public interface VerbsDevice {

    String name();

    DeviceLimits limits();

    /** By which peers reach it. */
    List<InetAddress> addresses();

    ProtectionDomain allocateProtectionDomain();

    /**
     * A completion queue of {@code entries}. All requests that complete there at once must find room: too few is the caller's mistake, and ends the
     * queue pairs that meet it.
     *
     * @param owner whose thread polls it, and posts to what completes there
     * @throws IllegalArgumentException for more than the device takes
     */
    CompletionQueue createCompletionQueue(Reactor owner, int entries);

    /**
     * A queue that several queue pairs of one owner receive from.
     *
     * @throws IllegalArgumentException for more than the device takes
     */
    SharedReceiveQueue createSharedReceiveQueue(ProtectionDomain domain, Reactor owner, int entries, int segments);

    /**
     * A queue pair that is connected to nobody yet; receives can be posted to it.
     *
     * @throws IllegalArgumentException for more than the device takes, or for parts that do not belong together
     * @throws IllegalStateException when the device has no more
     */
    VerbsQueuePair createQueuePair(QueuePairSetup setup);

    /**
     * Takes connections at an address of this device, until the listener is closed.
     *
     * @param port the port of RDMA_PS_TCP; 0 takes a free one
     * @throws IllegalArgumentException when somebody listens there already
     */
    ConnectListener listen(int port, ConnectHandler handler);

    /**
     * Connects a queue pair, and waits until it is connected.
     *
     * @param privateData up to {@link Connection#MAX_CONNECT_BYTES}
     * @throws ConnectException when the peer refuses, or does not answer
     */
    Connection connect(
            VerbsQueuePair queuePair,
            InetSocketAddress peer,
            ConnectParameters parameters,
            byte[] privateData,
            ConnectionListener listener,
            Duration bound);

    /** What the device has counted, by name: packets, and every reason for which one was dropped. */
    Map<String, Long> counters();
}
