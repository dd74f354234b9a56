package io.doorbell.rdmasoft;

import io.doorbell.rdmasoft.SoftConnection.State;
import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** This side's request for a connection, from the first message to the last: plain blocking code on the thread of who asks. */
final class OutgoingRequest {
    private static final int FIRST_PORT = 49152;
    private static final int PORTS = 65536 - FIRST_PORT;
    private static final int SENDS = 8;
    private static final byte[] NOTHING = {};

    private final SoftDevice device;
    private final ConnectionManager manager;
    private final SoftQueuePair pair;
    private final ConnectParameters parameters;
    private final ConnectionListener listener;
    private final int receivePsn;
    private SoftConnection connection;

    OutgoingRequest(SoftDevice device, SoftQueuePair pair, ConnectParameters parameters, ConnectionListener listener) {
        this.device = device;
        this.manager = device.connections();
        this.pair = pair;
        this.parameters = parameters;
        this.listener = listener;
        receivePsn = manager.random().nextInt() & Psn.MASK;
    }

    Connection connect(InetSocketAddress to, byte[] privateData, Duration bound) {
        ask(to, privateData);
        var answer = await(bound);
        if (answer.attribute() == CmMessage.REJ) {
            synchronized (manager) {
                manager.forget(connection);
            }
            pair.onLane(pair::end);
            throw new ConnectException(
                    to + " rejects, reason " + answer.reason(), answer.reason(), answer.rejectData());
        }
        return finish(answer);
    }

    private void ask(InetSocketAddress to, byte[] privateData) {
        int localPort = FIRST_PORT + manager.random().nextInt(PORTS);
        synchronized (manager) {
            connection = manager.begin(pair, to, localPort);
            var terms = new CmMessage.Terms(
                    manager.guid(),
                    pair.number(),
                    receivePsn,
                    device.clipReads(parameters.responderResources()),
                    device.clipReads(parameters.initiatorDepth()),
                    parameters.retryCount(),
                    parameters.rnrRetryCount(),
                    device.mtuCode());
            var request = CmMessage.request(
                    connection.transaction,
                    connection.localId,
                    terms,
                    localPort,
                    to.getPort(),
                    device.gid(),
                    SoftDevice.gid(to.getAddress()),
                    privateData);
            manager.sendUntilAnswered(connection, request, SENDS);
        }
    }

    private CmMessage await(Duration bound) {
        String problem;
        try {
            return connection.answer.get(bound.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | CancellationException late) {
            problem = "no answer of " + connection.peer;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            problem = "interrupted while connecting to " + connection.peer;
        } catch (ExecutionException impossible) {
            throw new AssertionError("an answer is completed with a message only", impossible);
        }
        synchronized (manager) {
            // The peer may be about to agree; it knows the request by what it says of its sender.
            var reject = CmMessage.reject(
                    connection.transaction,
                    connection.localId,
                    0,
                    CmMessage.ABOUT_OTHER,
                    CmMessage.TIMEOUT,
                    ByteBuffer.allocate(Long.BYTES).putLong(manager.guid()).array(),
                    NOTHING);
            manager.send(reject, connection);
            manager.stopTimer(connection);
            manager.forgetSoon(connection);
        }
        pair.onLane(pair::end);
        throw new ConnectException(problem, ConnectException.NO_ANSWER, NOTHING);
    }

    private Connection finish(CmMessage answer) {
        var theirs = answer.replyTerms();
        int ownReads = Math.min(device.clipReads(parameters.initiatorDepth()), theirs.responderResources());
        int peerReads = device.clipReads(parameters.responderResources());
        var peer = new SoftQueuePair.Peer(
                connection.source.addressHigh(),
                connection.source.addressLow(),
                theirs.number(),
                theirs.psn(),
                receivePsn,
                SoftDevice.mtu(device.mtuCode()),
                ownReads,
                peerReads,
                parameters.retryCount(),
                theirs.rnrRetryCount());
        pair.onLane(() -> pair.connect(peer));
        synchronized (manager) {
            manager.requireStateOrEnd(connection, State.AGREED, pair);
            manager.know(connection, theirs);
            connection.privateData = answer.replyData();
            connection.agreed =
                    new ConnectParameters(peerReads, ownReads, parameters.retryCount(), theirs.rnrRetryCount());
            connection.listener(listener);
            connection.state = State.ESTABLISHED;
            manager.sendReady(connection);
        }
        return connection;
    }
}
