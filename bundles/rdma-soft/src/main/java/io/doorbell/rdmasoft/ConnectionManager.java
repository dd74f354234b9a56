package io.doorbell.rdmasoft;

import io.doorbell.platform.EventFd;
import io.doorbell.rdmasoft.SoftConnection.State;
import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.ConnectHandler;
import io.doorbell.verbs.ConnectListener;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and ends connections: the communication manager of a device. IBTA vol. 1 release 1.4 §12 "Communication Management".
 *
 * <p>A thread of its own receives messages and looks at the clock; others come in under the lock, which nobody holds while he waits for a lane or a
 * listener. Lanes never take it: what they have to say is put into a queue.
 *
 * <p>A message that wants an answer is sent again at growing intervals until one comes, or it has been sent often enough.
 */
final class ConnectionManager implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConnectionManager.class);

    /** Connections of a device, those included that are made or remembered. */
    static final int MAX_CONNECTIONS = 8192;

    /** Requests that handlers have not decided. */
    static final int MAX_DECIDING = 256;

    private static final long FIRST_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final int REPLY_SENDS = 7;
    private static final int DISCONNECT_SENDS = 5;

    /** A handler that takes longer is as good as gone: the peer waits no longer either. */
    private static final long DECIDE_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** How long the ids of a connection that is over are remembered. */
    private static final long TIME_WAIT_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final long MAX_WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Of an MRA: 17 s. */
    private static final int WAIT_CODE = 22;

    private static final byte[] NOTHING = {};

    private final SoftDevice device;
    private final ManagementPort port;
    private final Random random;
    private final long guid;
    private final EventFd sign = EventFd.create();
    private final Thread thread;
    private final ConcurrentLinkedQueue<Runnable> notices = new ConcurrentLinkedQueue<>();

    // Guarded by this.
    private final Map<Integer, ConnectHandler> listeners = new HashMap<>();
    private final Map<Integer, SoftConnection> connections = new HashMap<>();
    private final Map<SoftConnection.Asker, SoftConnection> askers = new HashMap<>();
    /** The newest connection of each; one before it has ended. */
    private final Map<SoftConnection.Remote, SoftConnection> remotes = new HashMap<>();

    private final Set<SoftConnection> timed = new LinkedHashSet<>();
    private final Counters counters;
    private int nextId;
    private int deciding;
    private boolean closed;

    ConnectionManager(SoftDevice device, Wire wire, Counters counters, Random random) {
        this.device = device;
        this.random = random;
        this.counters = counters;
        port = new ManagementPort(device, wire, counters);
        // Chosen anew at each start, so that a peer does not take new connections for old ones: locally administered.
        guid = random.nextLong() & ~(3L << 56) | 2L << 56;
        nextId = random.nextInt();
        thread = Thread.ofPlatform()
                .name(device.name() + " connections")
                .daemon()
                .unstarted(this::run);
    }

    void start() {
        sign.alsoOn(port.descriptor());
        thread.start();
    }

    // The thread.

    private void run() {
        try {
            while (!isClosed()) {
                sign.await(untilDue());
                sign.drain();
                for (var notice = notices.poll(); notice != null; notice = notices.poll()) {
                    guard(notice);
                }
                receive();
                lookAtTheClock();
            }
        } catch (RuntimeException | LinkageError defect) {
            if (!isClosed()) {
                LOG.error("{} makes no more connections", device.name(), defect);
            }
        }
    }

    /** Runs what is not this class's to vouch for: whoever made or asked for a connection may be replaced meanwhile. */
    void guard(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException | LinkageError defect) {
            broken(defect);
        }
    }

    void broken(Throwable defect) {
        LOG.error("{}: a defect while a connection was made or ended", device.name(), defect);
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    private synchronized long untilDue() {
        long least = MAX_WAIT_NANOS;
        long now = System.nanoTime();
        for (var connection : timed) {
            least = Math.min(least, connection.dueNanos - now);
        }
        return Math.max(0, least);
    }

    private synchronized void receive() {
        while (!closed && port.receive((message, source) -> guard(() -> take(message, source))) > 0) {
            // Until nothing is there.
        }
    }

    private synchronized void lookAtTheClock() {
        long now = System.nanoTime();
        for (var connection : List.copyOf(timed)) {
            if (now - connection.dueNanos >= 0) {
                guard(() -> due(connection, now));
            }
        }
    }

    private void due(SoftConnection connection, long now) {
        if (connection.sendsLeft > 0) {
            connection.sendsLeft--;
            connection.intervalNanos *= 2;
            connection.dueNanos = now + connection.intervalNanos;
            port.send(connection.pending, connection.source);
            return;
        }
        stopTimer(connection);
        switch (connection.state) {
            case REQUESTED -> {
                // Whoever waits for the answer gives up by its own clock, at the latest now.
                connection.answer.cancel(false);
            }
            case DECIDING -> {
                deciding--;
                sendReject(connection, CmMessage.TIMEOUT, NOTHING);
                forgetSoon(connection);
            }
            case ACCEPTED -> end(connection, "the peer never said that it is ready");
            case DISCONNECTING -> forgetSoon(connection);
            case TIME_WAIT -> forget(connection);
            default -> LOG.debug("{} had a timer while {}", connection, connection.state);
        }
    }

    void sendUntilAnswered(SoftConnection connection, CmMessage message, int sends) {
        connection.pending = message;
        connection.sendsLeft = sends - 1;
        connection.intervalNanos = FIRST_INTERVAL_NANOS;
        startTimer(connection, FIRST_INTERVAL_NANOS);
        port.send(message, connection.source);
    }

    private void startTimer(SoftConnection connection, long nanos) {
        connection.dueNanos = System.nanoTime() + nanos;
        timed.add(connection);
        sign.signal();
    }

    void stopTimer(SoftConnection connection) {
        connection.sendsLeft = 0;
        timed.remove(connection);
    }

    // Messages.

    private void take(CmMessage message, ManagementPort.Source source) {
        switch (message.attribute()) {
            case CmMessage.REQ -> requested(message, source);
            case CmMessage.REP -> replied(message, source);
            case CmMessage.RTU -> ready(message, source);
            case CmMessage.REJ -> rejected(message, source);
            case CmMessage.MRA -> askedToWait(message, source);
            case CmMessage.DREQ -> disconnectRequested(message, source);
            case CmMessage.DREP -> disconnectAgreed(message, source);
            default -> counters.add(Count.DROP_CM_UNKNOWN_MESSAGE);
        }
    }

    /** The connection that a message is for, if it comes from its peer; null otherwise. */
    private SoftConnection find(CmMessage message, ManagementPort.Source source) {
        var connection = connections.get(message.remoteId());
        if (connection == null) {
            counters.add(Count.DROP_CM_NO_CONNECTION);
            return null;
        }
        boolean peers = connection.source.equals(source)
                && (connection.remoteId == 0 || message.localId() == 0 || connection.remoteId == message.localId());
        if (!peers) {
            counters.add(Count.DROP_CM_WRONG_PEER);
            return null;
        }
        return connection;
    }

    private void requested(CmMessage message, ManagementPort.Source source) {
        var terms = message.terms();
        var asker = new SoftConnection.Asker(source, terms.guid(), message.localId());
        var known = askers.get(asker);
        if (known != null) {
            askedAgain(known);
            return;
        }
        int reason = problem(message, terms);
        if (reason == 0 && isStale(source, terms)) {
            reason = CmMessage.STALE;
        }
        if (reason == 0 && (deciding >= MAX_DECIDING || connections.size() >= MAX_CONNECTIONS)) {
            counters.add(Count.DROP_CM_TOO_MANY);
            reason = CmMessage.NO_RESOURCES;
        }
        if (reason != 0) {
            LOG.debug("{}: a request of {} is rejected, reason {}", device.name(), source, reason);
            byte[] information = reason == CmMessage.INVALID_GID ? device.gid() : NOTHING;
            port.send(
                    CmMessage.reject(
                            message.transaction(),
                            0,
                            message.localId(),
                            CmMessage.ABOUT_REQ,
                            reason,
                            information,
                            NOTHING),
                    source);
            return;
        }
        var connection = new SoftConnection(
                this,
                State.DECIDING,
                newId(),
                source,
                new InetSocketAddress(
                        SoftDevice.address(source.addressHigh(), source.addressLow()), message.sourcePort()),
                new InetSocketAddress(device.address(), (int) (message.service() & 0xFFFF)));
        connection.remoteId = message.localId();
        know(connection, terms);
        connection.transaction = message.transaction();
        connection.asker = asker;
        connections.put(connection.localId, connection);
        askers.put(asker, connection);
        deciding++;
        startTimer(connection, DECIDE_NANOS);
        var handler = listeners.get(connection.local.getPort());
        var request = new IncomingRequest(device, connection, message);
        Thread.ofVirtual().name("connect of " + connection.peer).start(() -> decide(handler, request));
    }

    private int problem(CmMessage message, CmMessage.Terms terms) {
        if ((message.service() & ~0xFFFFL) != CmMessage.SERVICE
                || !listeners.containsKey((int) (message.service() & 0xFFFF))) {
            return CmMessage.INVALID_SERVICE;
        }
        if (message.transportType() != 0) {
            return CmMessage.INVALID_TRANSPORT;
        }
        if (!Arrays.equals(message.remoteGid(), device.gid())) {
            return CmMessage.INVALID_GID;
        }
        if (terms.mtuCode() < 1 || terms.mtuCode() > device.mtuCode()) {
            return CmMessage.INVALID_MTU;
        }
        // Numbers 0 and 1 are for management, the highest one is for multicast.
        boolean odd = terms.number() < 2 || terms.number() == 0xFF_FFFF || message.localId() == 0;
        return odd || !message.isRdmaCm(device.six()) ? CmMessage.CONSUMER : 0;
    }

    /** A queue pair that has a connection already: the peer has forgotten that, or this side has missed its end. */
    private boolean isStale(ManagementPort.Source source, CmMessage.Terms terms) {
        var connection = remotes.get(new SoftConnection.Remote(source, terms.guid(), terms.number()));
        if (connection == null || !connection.isLive()) {
            return false;
        }
        end(connection, "the peer connects its queue pair anew");
        return true;
    }

    /** The peer has said which queue pair it is. Under the lock. */
    void know(SoftConnection connection, CmMessage.Terms terms) {
        connection.remote = new SoftConnection.Remote(connection.source, terms.guid(), terms.number());
        remotes.put(connection.remote, connection);
    }

    /** The same request once more: the answer was lost, or is not there yet. */
    private void askedAgain(SoftConnection known) {
        switch (known.state) {
            case DECIDING ->
                port.send(
                        CmMessage.wait(
                                known.transaction, known.localId, known.remoteId, CmMessage.ABOUT_REQ, WAIT_CODE),
                        known.source);
            case ACCEPTED -> port.send(known.pending, known.source);
            default -> counters.add(Count.DROP_CM_WRONG_STATE);
        }
    }

    private void decide(ConnectHandler handler, IncomingRequest request) {
        guard(() -> handler.requested(request));
        synchronized (this) {
            if (request.connection.state == State.DECIDING) {
                reject(request, NOTHING);
            }
        }
    }

    private void replied(CmMessage message, ManagementPort.Source source) {
        var connection = find(message, source);
        if (connection == null) {
            return;
        }
        switch (connection.state) {
            case REQUESTED -> {
                stopTimer(connection);
                connection.state = State.AGREED;
                connection.remoteId = message.localId();
                connection.answer.complete(message);
            }
            // Once more: it has not heard that this side is ready.
            case ESTABLISHED -> {
                if (connection.asker == null) {
                    sendReady(connection);
                } else {
                    counters.add(Count.DROP_CM_WRONG_STATE);
                }
            }
            default -> counters.add(Count.DROP_CM_WRONG_STATE);
        }
    }

    void sendReady(SoftConnection connection) {
        port.send(
                CmMessage.readyToUse(connection.transaction, connection.localId, connection.remoteId),
                connection.source);
    }

    private void ready(CmMessage message, ManagementPort.Source source) {
        var connection = find(message, source);
        if (connection != null) {
            established(connection);
        }
    }

    private void established(SoftConnection connection) {
        if (connection.state == State.ACCEPTED) {
            stopTimer(connection);
            connection.state = State.ESTABLISHED;
            connection.tellEstablished();
        } else {
            counters.add(Count.DROP_CM_WRONG_STATE);
        }
    }

    private void rejected(CmMessage message, ManagementPort.Source source) {
        SoftConnection connection;
        if (message.reason() == CmMessage.TIMEOUT && message.remoteId() == 0) {
            // Who asked has given up without ever hearing from here.
            connection = askers.get(new SoftConnection.Asker(source, message.rejectedGuid(), message.localId()));
        } else {
            connection = find(message, source);
        }
        if (connection == null) {
            return;
        }
        switch (connection.state) {
            case REQUESTED -> {
                stopTimer(connection);
                connection.answer.complete(message);
            }
            case DECIDING -> {
                deciding--;
                stopTimer(connection);
                forgetSoon(connection);
            }
            case ACCEPTED, ESTABLISHED -> end(connection, "the peer rejects, reason " + message.reason());
            default -> counters.add(Count.DROP_CM_WRONG_STATE);
        }
    }

    private void askedToWait(CmMessage message, ManagementPort.Source source) {
        var connection = find(message, source);
        if (connection != null && (connection.state == State.REQUESTED || connection.state == State.ACCEPTED)) {
            // It was heard: no need to send it again, only to wait, and whoever waits here has a bound of its own.
            connection.sendsLeft = 0;
            startTimer(connection, DECIDE_NANOS);
        }
    }

    private void disconnectRequested(CmMessage message, ManagementPort.Source source) {
        var connection = connections.get(message.remoteId());
        boolean known =
                connection != null && connection.source.equals(source) && connection.remoteId == message.localId();
        if (known && connection.isLive()) {
            if (connection.pair != null && connection.pair.number() != message.disconnectedNumber()) {
                counters.add(Count.DROP_CM_WRONG_PEER);
                return;
            }
            end(connection, "the peer disconnects");
        }
        // Also to one that is not known, or not any more: what it asks for is so.
        port.send(CmMessage.disconnected(message), source);
        if (known) {
            stopTimer(connection);
            forgetSoon(connection);
        }
    }

    private void disconnectAgreed(CmMessage message, ManagementPort.Source source) {
        var connection = find(message, source);
        if (connection != null && connection.state == State.DISCONNECTING) {
            stopTimer(connection);
            forgetSoon(connection);
        }
    }

    // Ends.

    /** Ends it from this side, telling the peer where there is one that knows of it. */
    private void end(SoftConnection connection, String reason) {
        if (!connection.isLive() || connection.state == State.DISCONNECTING) {
            return;
        }
        stopTimer(connection);
        if (connection.state == State.DECIDING) {
            deciding--;
        }
        connection.tellDisconnected(reason);
        if (connection.pair != null) {
            connection.pair.onLaneLater(connection.pair::end);
        }
        if (connection.state == State.ESTABLISHED || connection.state == State.ACCEPTED) {
            connection.state = State.DISCONNECTING;
            long transaction = random.nextLong();
            sendUntilAnswered(
                    connection,
                    CmMessage.disconnect(
                            transaction, connection.localId, connection.remoteId, connection.remote.number()),
                    DISCONNECT_SENDS);
        } else {
            forgetSoon(connection);
        }
    }

    void forgetSoon(SoftConnection connection) {
        connection.state = State.TIME_WAIT;
        connection.sendsLeft = 0;
        startTimer(connection, TIME_WAIT_NANOS);
    }

    void forget(SoftConnection connection) {
        connection.state = State.GONE;
        stopTimer(connection);
        connections.remove(connection.localId);
        if (connection.asker != null) {
            askers.remove(connection.asker);
        }
        if (connection.remote != null) {
            remotes.remove(connection.remote, connection);
        }
    }

    private int newId() {
        int id;
        do {
            id = nextId++;
        } while (id == 0 || connections.containsKey(id));
        return id;
    }

    private void sendReject(SoftConnection connection, int reason, byte[] privateData) {
        port.send(
                CmMessage.reject(
                        connection.transaction,
                        connection.localId,
                        connection.remoteId,
                        connection.asker == null ? CmMessage.ABOUT_REP : CmMessage.ABOUT_REQ,
                        reason,
                        NOTHING,
                        privateData),
                connection.source);
    }

    // What others ask for.

    ConnectListener listen(int wanted, ConnectHandler handler) {
        if (wanted < 0 || wanted > 0xFFFF) {
            throw new IllegalArgumentException("port " + wanted + ": 0 to 65535");
        }
        int at = wanted;
        synchronized (this) {
            requireOpen();
            while (at == 0 || wanted == 0 && listeners.containsKey(at)) {
                at = 49152 + random.nextInt(65536 - 49152);
            }
            if (listeners.putIfAbsent(at, handler) != null) {
                throw new IllegalArgumentException("somebody listens at RDMA port " + at + " of " + device.name());
            }
        }
        var address = new InetSocketAddress(device.address(), at);
        return new ConnectListener() {
            @Override
            public InetSocketAddress address() {
                return address;
            }

            @Override
            public void close() {
                synchronized (ConnectionManager.this) {
                    listeners.remove(address.getPort(), handler);
                }
            }
        };
    }

    Connection accept(
            IncomingRequest request,
            SoftQueuePair pair,
            ConnectParameters parameters,
            byte[] privateData,
            ConnectionListener listener) {
        var connection = request.connection;
        var theirs = request.message.terms();
        int ownReads = Math.min(device.clipReads(parameters.initiatorDepth()), theirs.responderResources());
        int peerReads = device.clipReads(parameters.responderResources());
        int receivePsn = random.nextInt() & Psn.MASK;
        var reply = CmMessage.reply(
                request.message,
                connection.localId,
                new CmMessage.Terms(
                        guid, pair.number(), receivePsn, peerReads, ownReads, 0, parameters.rnrRetryCount(), 0),
                privateData);
        synchronized (this) {
            requireState(connection, State.DECIDING);
            claim(pair, connection);
            connection.listener(listener);
            connection.agreed = new ConnectParameters(peerReads, ownReads, theirs.retryCount(), theirs.rnrRetryCount());
        }
        var peer = new SoftQueuePair.Peer(
                connection.source.addressHigh(),
                connection.source.addressLow(),
                theirs.number(),
                theirs.psn(),
                receivePsn,
                SoftDevice.mtu(theirs.mtuCode()),
                ownReads,
                peerReads,
                theirs.retryCount(),
                theirs.rnrRetryCount());
        pair.onLane(() -> pair.connect(peer));
        synchronized (this) {
            requireStateOrEnd(connection, State.DECIDING, pair);
            deciding--;
            connection.state = State.ACCEPTED;
            sendUntilAnswered(connection, reply, REPLY_SENDS);
        }
        return connection;
    }

    /** As {@link #requireState}, for a queue pair that is connected already: it is not to be that with nobody behind it. */
    void requireStateOrEnd(SoftConnection connection, State wanted, SoftQueuePair pair) {
        try {
            requireState(connection, wanted);
        } catch (RuntimeException gone) {
            pair.onLaneLater(pair::end);
            throw gone;
        }
    }

    void requireState(SoftConnection connection, State wanted) {
        requireOpen();
        if (connection.state != wanted) {
            throw new ConnectException(
                    "the request of " + connection.peer + " is not there any more",
                    ConnectException.NO_ANSWER,
                    NOTHING);
        }
    }

    void claim(SoftQueuePair pair, SoftConnection connection) {
        if (!pair.isNew() || pair.connection != null) {
            throw new IllegalStateException(pair + " has a connection already, or had one");
        }
        pair.connection = connection;
        connection.pair = pair;
    }

    void requireOpen() {
        if (closed) {
            throw new IllegalStateException(device.name() + " is closed");
        }
    }

    synchronized void reject(IncomingRequest request, byte[] privateData) {
        var connection = request.connection;
        if (connection.state == State.DECIDING && !closed) {
            deciding--;
            stopTimer(connection);
            sendReject(connection, CmMessage.CONSUMER, privateData);
            forgetSoon(connection);
        }
    }

    /** Begins a connection that this side asks for: the first step of an {@link OutgoingRequest}. Under the lock. */
    SoftConnection begin(SoftQueuePair pair, InetSocketAddress to, int localPort) {
        requireOpen();
        if (connections.size() >= MAX_CONNECTIONS) {
            throw new IllegalStateException(MAX_CONNECTIONS + " connections of a device at most");
        }
        var connection = new SoftConnection(
                this,
                State.REQUESTED,
                newId(),
                SoftDevice.source(to.getAddress()),
                to,
                new InetSocketAddress(device.address(), localPort));
        claim(pair, connection);
        connection.transaction = random.nextLong();
        connections.put(connection.localId, connection);
        return connection;
    }

    long guid() {
        return guid;
    }

    Random random() {
        return random;
    }

    /** Sends once. Under the lock. */
    void send(CmMessage message, SoftConnection connection) {
        if (!closed) {
            port.send(message, connection.source);
        }
    }

    synchronized void disconnect(SoftConnection connection) {
        if (!closed) {
            end(connection, "this side disconnects");
        }
    }

    /** Connections, with those that are made or remembered. */
    synchronized int count() {
        return connections.size();
    }

    /** Queue pairs of connections, for tests. */
    synchronized List<SoftQueuePair> pairs() {
        return connections.values().stream()
                .map(connection -> connection.pair)
                .filter(java.util.Objects::nonNull)
                .toList();
    }

    // What lanes say.

    /** The first packet has come: the peer is ready, whatever became of its message. Does not block. */
    void heard(SoftQueuePair pair) {
        notice(pair, connection -> {
            if (connection.state == State.ACCEPTED) {
                established(connection);
            }
        });
    }

    /** The queue pair has failed. Does not block. */
    void failed(SoftQueuePair pair, String reason) {
        notice(pair, connection -> end(connection, reason));
    }

    private void notice(SoftQueuePair pair, java.util.function.Consumer<SoftConnection> what) {
        var connection = pair.connection;
        if (connection != null) {
            notices.add(() -> {
                synchronized (this) {
                    what.accept(connection);
                }
            });
            sign.signal();
        }
    }

    /** Tells all peers, and ends. */
    @Override
    public void close() {
        List<SoftConnection> ending;
        synchronized (this) {
            if (closed) {
                return;
            }
            listeners.clear();
            ending = new ArrayList<>(connections.values());
            ending.forEach(connection -> end(connection, "the device closes"));
            closed = true;
        }
        sign.signal();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(5));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            port.close();
            sign.close();
        }
    }
}
