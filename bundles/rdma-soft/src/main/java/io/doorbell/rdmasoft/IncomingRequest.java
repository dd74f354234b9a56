package io.doorbell.rdmasoft;

import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsQueuePair;
import java.net.InetSocketAddress;

/** A peer's request, on its way through a handler. */
final class IncomingRequest implements ConnectRequest {
    final SoftConnection connection;
    final CmMessage message;
    private final SoftDevice device;

    IncomingRequest(SoftDevice device, SoftConnection connection, CmMessage message) {
        this.device = device;
        this.connection = connection;
        this.message = message;
    }

    @Override
    public VerbsDevice device() {
        return device;
    }

    @Override
    public InetSocketAddress peer() {
        return connection.peer;
    }

    @Override
    public InetSocketAddress local() {
        return connection.local;
    }

    @Override
    public byte[] privateData() {
        return message.requestData();
    }

    @Override
    public ConnectParameters offered() {
        var terms = message.terms();
        return new ConnectParameters(
                terms.initiatorDepth(), terms.responderResources(), terms.retryCount(), terms.rnrRetryCount());
    }

    @Override
    public Connection accept(
            VerbsQueuePair queuePair, ConnectParameters parameters, byte[] privateData, ConnectionListener listener) {
        return connection.manager.accept(this, (SoftQueuePair) queuePair, parameters, privateData, listener);
    }

    @Override
    public void reject(byte[] privateData) {
        connection.manager.reject(this, privateData);
    }
}
