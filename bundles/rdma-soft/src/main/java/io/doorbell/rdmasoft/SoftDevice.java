package io.doorbell.rdmasoft;

import io.doorbell.platform.DatagramBatch;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.UdpSocket;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.ConnectHandler;
import io.doorbell.verbs.ConnectListener;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.DeviceLimits;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.SharedReceiveQueue;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.Checks;
import io.doorbell.verbs.provider.Users;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A RoCEv2 device at one IP address, over UDP sockets.
 *
 * <p>The sockets are a group at one port: the first is the connection manager's, each other one a {@link Lane}'s, which is one reactor's. The lower
 * bits of a queue pair's number are the index of its lane's socket, and the kernel steers packets by them, so no packet crosses threads.
 */
public final class SoftDevice implements VerbsDevice, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SoftDevice.class);

    /** As Linux's software device has it. */
    static final int MAX_MESSAGE_BYTES = 8 << 20;

    /** Index 0 is the connection manager's; the last one stays free, so that no number is the one of multicast. */
    static final int MAX_LANES = (1 << Lane.LANE_BITS) - 2;

    private static final int MAX_READS = 16;
    private static final int GENERATIONS = 1 << 10;
    private static final int GENERATION_SHIFT = 14;

    /** What UDP, IP, Ethernet with tags and RoCE add to a piece, as Linux reckons it for the path of a connection. */
    private static final int OVERHEAD_BYTES = 96;

    private static final DeviceLimits LIMITS = new DeviceLimits(
            MAX_LANES * Lane.MAX_PAIRS, 1 << 14, 1 << 15, 32, 1 << 17, 1L << 40, MAX_MESSAGE_BYTES, MAX_READS);

    private final SoftSettings settings;
    private final UnaryOperator<Wire> seam;
    private final InetSocketAddress bound;
    private final ManagementPort.Source self;
    private final int mtuCode;
    private final Random random = new SecureRandom();
    private final ConnectionManager connections;
    private final Counters managementCounters = new Counters();
    final KeyTable keys = new KeyTable(random);

    // Guarded by this.
    private final List<Lane> lanes = new ArrayList<>();
    private final List<Integer> users = new ArrayList<>();
    private boolean closed;

    /** Of each lane. A lock of its own, of the generations too: a reactor that ends a queue pair must not wait for one that gets a lane. */
    private final List<ArrayDeque<Integer>> freePlaces = new ArrayList<>();

    // Guarded by freePlaces.
    private final int[] generations = new int[(MAX_LANES + 1) * Lane.MAX_PAIRS];

    private SoftDevice(SoftSettings settings, UnaryOperator<Wire> seam) {
        this.settings = settings;
        this.seam = seam;
        self = source(settings.address());
        mtuCode = mtuCode(settings);
        requireFree(settings);
        var first = socket(new InetSocketAddress(settings.address(), settings.udpPort()));
        try {
            first.steer(Headers.DESTINATION_WORD, 0xFF_FFFF, ManagementPort.NUMBER, (1 << Lane.LANE_BITS) - 1);
            bound = first.localAddress();
            connections = new ConnectionManager(this, seam.apply(Wire.of(first)), managementCounters, random);
        } catch (RuntimeException failed) {
            first.close();
            throw failed;
        }
        for (int i = 0; i < generations.length; i++) {
            generations[i] = random.nextInt(GENERATIONS - 1);
        }
    }

    /**
     * Opens a device.
     *
     * @throws PlatformException when the address is not this machine's, or somebody has the port; a kernel with rdma_rxe has it in the first network
     *     namespace
     */
    public static SoftDevice open(SoftSettings settings) {
        return open(settings, UnaryOperator.identity());
    }

    /** @param seam what is put around each wire */
    static SoftDevice open(SoftSettings settings, UnaryOperator<Wire> seam) {
        var device = new SoftDevice(settings, seam);
        device.connections.start();
        return device;
    }

    /** Sockets that share a port would share it with those of another device too, and each would get half of the other's packets. */
    private static void requireFree(SoftSettings settings) {
        try (var probe = UdpSocket.bind(new InetSocketAddress(settings.address(), settings.udpPort()), false)) {
            LOG.debug("{} is free", probe.localAddress());
        }
    }

    private UdpSocket socket(InetSocketAddress address) {
        var socket = UdpSocket.bind(address, true);
        try {
            socket.neverFragment();
            socket.withoutChecksum();
            int bytes = socket.receiveBufferBytes(settings.socketBufferBytes());
            socket.sendBufferBytes(settings.socketBufferBytes());
            if (bytes < settings.socketBufferBytes()) {
                LOG.info(
                        "{}: a socket buffer has {} of {} bytes, as net.core.rmem_max says; CAP_NET_ADMIN would give"
                                + " all",
                        settings.name(),
                        bytes,
                        settings.socketBufferBytes());
            }
            return socket;
        } catch (RuntimeException failed) {
            socket.close();
            throw failed;
        }
    }

    // Addresses.

    static ManagementPort.Source source(InetAddress address) {
        var bytes = ByteBuffer.wrap(gid(address));
        return new ManagementPort.Source(bytes.getLong(), bytes.getLong());
    }

    /** The address as 16 bytes: RoCEv2's GID. */
    static byte[] gid(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length == 16) {
            return bytes;
        }
        return ByteBuffer.allocate(16)
                .putLong(0)
                .putInt((int) (DatagramBatch.MAPPED >>> 32))
                .put(bytes)
                .array();
    }

    static InetAddress address(long high, long low) {
        var bytes = ByteBuffer.allocate(16).putLong(high).putLong(low).array();
        try {
            // Of a mapped address it makes one of IPv4.
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new AssertionError("16 bytes", impossible);
        }
    }

    private static int mtuCode(SoftSettings settings) {
        int most = settings.maxPathMtu();
        try {
            var network = NetworkInterface.getByInetAddress(settings.address());
            // An address that no interface names is still the loopback's, as all of 127.0.0.0/8 are.
            if (network != null && !settings.address().isLoopbackAddress()) {
                most = Math.min(most, network.getMTU() - OVERHEAD_BYTES);
            }
        } catch (SocketException unknown) {
            LOG.warn("{}: the MTU is not known, so 1024 is used", settings.name(), unknown);
            most = 1024;
        }
        for (int code = 5; code > 1; code--) {
            if (mtu(code) <= most) {
                return code;
            }
        }
        return 1;
    }

    /** Bytes, by the code of the specification. */
    static int mtu(int code) {
        return 128 << code;
    }

    boolean six() {
        return settings.address().getAddress().length == 16;
    }

    InetAddress address() {
        return settings.address();
    }

    byte[] gid() {
        return gid(settings.address());
    }

    long addressHigh() {
        return self.addressHigh();
    }

    long addressLow() {
        return self.addressLow();
    }

    /** The same at both ends. */
    int udpPort() {
        return bound.getPort();
    }

    int mtuCode() {
        return mtuCode;
    }

    int clipReads(int wanted) {
        return Math.min(wanted, MAX_READS);
    }

    ConnectionManager connections() {
        return connections;
    }

    // Lanes.

    /** The lane of a reactor, for one more user. */
    private synchronized Lane lane(Reactor owner) {
        requireOpen();
        int free = -1;
        for (int i = 0; i < lanes.size(); i++) {
            if (lanes.get(i).reactor() == owner) {
                users.set(i, users.get(i) + 1);
                return lanes.get(i);
            }
            if (lanes.get(i).reactor() == null) {
                free = i;
            }
        }
        if (free < 0) {
            free = openLane();
        }
        lanes.get(free).attach(owner);
        users.set(free, 1);
        return lanes.get(free);
    }

    private int openLane() {
        int index = lanes.size();
        if (index == MAX_LANES) {
            throw new IllegalStateException(name() + " has " + MAX_LANES + " reactors, and no more");
        }
        var socket = socket(bound);
        int bufferBytes = socket.receiveBufferBytes(settings.socketBufferBytes());
        // What the kernel reckons for a packet is about twice its bytes. Half of the buffer is for what nobody asked
        // for.
        int packets = bufferBytes / 2 / (2 * mtu(mtuCode) + 1024);
        lanes.add(new Lane(this, index + 1, seam.apply(Wire.of(socket)), packets));
        users.add(0);
        var places = new ArrayDeque<Integer>();
        for (int place = 0; place < Lane.MAX_PAIRS; place++) {
            places.add(place);
        }
        synchronized (freePlaces) {
            freePlaces.add(places);
        }
        return index;
    }

    /** A user of a lane goes; without one it is no reactor's. Its socket stays, since the indexes of the others hang on it. */
    synchronized void release(Lane lane) {
        int index = lane.index() - 1;
        if (users.get(index) == 1 && !closed) {
            // First: where the reactor does not come round the user is still one, and goes another time.
            lane.detach();
        }
        users.set(index, users.get(index) - 1);
    }

    private int newNumber(Lane lane) {
        synchronized (freePlaces) {
            var place = freePlaces.get(lane.index() - 1).poll();
            if (place == null) {
                throw new IllegalStateException(Lane.MAX_PAIRS + " queue pairs of one reactor at most");
            }
            int at = lane.index() * Lane.MAX_PAIRS + place;
            // Never 0, so that no number is one of management.
            generations[at] = generations[at] % (GENERATIONS - 1) + 1;
            return generations[at] << GENERATION_SHIFT | place << Lane.LANE_BITS | lane.index();
        }
    }

    /** The place is used again last of all, and then under another number. */
    void freeNumber(int number) {
        int lane = number & (1 << Lane.LANE_BITS) - 1;
        synchronized (freePlaces) {
            freePlaces.get(lane - 1).add(number >>> Lane.LANE_BITS & Lane.MAX_PAIRS - 1);
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException(name() + " is closed");
        }
    }

    // The contract.

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public DeviceLimits limits() {
        return LIMITS;
    }

    @Override
    public List<InetAddress> addresses() {
        return List.of(settings.address());
    }

    @Override
    public ProtectionDomain allocateProtectionDomain() {
        return new SoftDomain(this);
    }

    @Override
    public CompletionQueue createCompletionQueue(Reactor owner, int entries) {
        Checks.within("entries of a completion queue", entries, LIMITS.maxCompletions());
        return new SoftCompletionQueue(this, lane(owner), entries);
    }

    @Override
    public SharedReceiveQueue createSharedReceiveQueue(
            ProtectionDomain domain, Reactor owner, int entries, int segments) {
        Checks.within("receives", entries, LIMITS.maxReceiveRequests());
        Checks.within("segments", segments, LIMITS.maxSegments());
        var own = own(domain);
        own.users.retain();
        try {
            return new SoftSharedReceiveQueue(own, lane(owner), entries, segments);
        } catch (RuntimeException none) {
            own.users.release();
            throw none;
        }
    }

    private SoftDomain own(ProtectionDomain domain) {
        if (domain instanceof SoftDomain soft && soft.device == this) {
            return soft;
        }
        throw new IllegalArgumentException("the protection domain is another device's");
    }

    @Override
    public VerbsQueuePair createQueuePair(QueuePairSetup setup) {
        Checks.queuePair(setup, LIMITS);
        var domain = own(setup.domain());
        var sends = (SoftCompletionQueue) setup.sendQueue();
        var receives = (SoftCompletionQueue) setup.receiveQueue();
        var shared = (SoftSharedReceiveQueue) setup.shared();
        if (shared != null && shared.domain != domain) {
            throw new IllegalArgumentException("the shared receive queue is of another protection domain");
        }
        var lane = sends.lane;
        var used = Users.retain(domain.users, sends.users, receives.users, shared == null ? null : shared.users);
        try {
            return new SoftQueuePair(domain, lane, newNumber(lane), setup, used);
        } catch (RuntimeException none) {
            Users.release(used);
            throw none;
        }
    }

    @Override
    public ConnectListener listen(int port, ConnectHandler handler) {
        return connections.listen(port, handler);
    }

    @Override
    public Connection connect(
            VerbsQueuePair queuePair,
            InetSocketAddress peer,
            ConnectParameters parameters,
            byte[] privateData,
            ConnectionListener listener,
            Duration bound) {
        Checks.sameFamily(peer, settings.address());
        return new OutgoingRequest(this, (SoftQueuePair) queuePair, parameters, listener)
                .connect(peer, privateData, bound);
    }

    @Override
    public synchronized Map<String, Long> counters() {
        var all = new ArrayList<Counters>();
        all.add(managementCounters);
        lanes.forEach(lane -> all.add(lane.counters));
        return Counters.sum(all);
    }

    /**
     * Ends all connections. Queue pairs are of no use after; whoever made them closes them.
     *
     * @throws IllegalStateException when a reactor does not come round: what is its is still there, and to close again goes on with that
     */
    @Override
    public void close() {
        connections.close();
        synchronized (this) {
            closed = true;
            RuntimeException late = null;
            for (var lane : lanes) {
                try {
                    lane.close();
                } catch (RuntimeException notNow) {
                    late = notNow;
                }
            }
            if (late != null) {
                throw late;
            }
        }
    }

    @Override
    public String toString() {
        return name();
    }
}
