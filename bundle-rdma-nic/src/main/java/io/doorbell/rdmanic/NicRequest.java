package io.doorbell.rdmanic;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaEvent;
import io.doorbell.platform.RdmaId;
import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.Checks;
import java.net.InetSocketAddress;
import java.util.Arrays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A peer that wants to connect. */
final class NicRequest implements ConnectRequest {
    private static final Logger LOG = LoggerFactory.getLogger(NicRequest.class);

    private final NicDevice device;
    private final RdmaId id;
    private final RdmaEvent event;
    private final InetSocketAddress peer;
    private final InetSocketAddress local;

    // Guarded by this.
    private boolean decided;

    NicRequest(NicDevice device, RdmaEvent event) {
        this.device = device;
        this.event = event;
        id = event.id();
        peer = id.peerAddress();
        local = id.localAddress();
    }

    @Override
    public VerbsDevice device() {
        return device;
    }

    @Override
    public InetSocketAddress peer() {
        return peer;
    }

    @Override
    public InetSocketAddress local() {
        return local;
    }

    @Override
    public byte[] privateData() {
        return Arrays.copyOf(event.data(), Connection.MAX_CONNECT_BYTES);
    }

    @Override
    public ConnectParameters offered() {
        return new ConnectParameters(
                event.responderResources(), event.initiatorDepth(), event.retryCount() & 7, event.rnrRetryCount() & 7);
    }

    private synchronized boolean decide() {
        boolean first = !decided;
        decided = true;
        return first;
    }

    private void requireUndecided() {
        if (!decide()) {
            throw new IllegalStateException("this request is decided already");
        }
    }

    @Override
    public Connection accept(
            VerbsQueuePair queuePair, ConnectParameters parameters, byte[] privateData, ConnectionListener listener) {
        Checks.privateData(privateData, Connection.MAX_ACCEPT_BYTES);
        var pair = device.own(queuePair);
        requireUndecided();
        var connection = new NicConnection(device, id, pair, peer, local, listener);
        try {
            pair.begin(connection);
        } catch (IllegalStateException used) {
            device.close(id);
            throw used;
        }
        device.remember(connection);
        var agreed = parameters.withReads(
                device.clipReads(Math.min(parameters.responderResources(), event.responderResources())),
                device.clipReads(Math.min(parameters.initiatorDepth(), event.initiatorDepth())));
        connection.agree(agreed, new byte[0]);
        try {
            pair.connect(id, agreed.responderResources(), agreed.initiatorDepth());
            device.events().handle(id, connection::happened);
            id.accept(new RdmaId.Parameters(
                    pair.pair(),
                    agreed.responderResources(),
                    agreed.initiatorDepth(),
                    parameters.retryCount(),
                    parameters.rnrRetryCount(),
                    privateData));
            return connection;
        } catch (PlatformException | IllegalStateException gone) {
            pair.end();
            connection.closeId();
            throw new ConnectException(
                    peer + " could not be accepted: " + gone.getMessage(), ConnectException.NO_ANSWER, new byte[0]);
        }
    }

    @Override
    public void reject(byte[] privateData) {
        Checks.privateData(privateData, Connection.MAX_REJECT_BYTES);
        requireUndecided();
        rejectNow(privateData);
    }

    /** Nobody has decided. */
    void rejectUndecided() {
        if (decide()) {
            rejectNow(new byte[0]);
        }
    }

    private void rejectNow(byte[] privateData) {
        try {
            id.reject(privateData);
        } catch (PlatformException gone) {
            LOG.debug("{} has given up already", peer, gone);
        }
        device.close(id);
    }

    @Override
    public String toString() {
        return "request of " + peer;
    }
}
