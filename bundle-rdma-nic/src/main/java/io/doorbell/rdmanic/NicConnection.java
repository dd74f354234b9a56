package io.doorbell.rdmanic;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaEvent;
import io.doorbell.platform.RdmaId;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.News;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection. Its id lives until the peer has confirmed the end, or is given up by the kernel, so that the request to disconnect is sent again when it is
 * lost.
 */
final class NicConnection implements Connection {
    private static final Logger LOG = LoggerFactory.getLogger(NicConnection.class);

    private final NicDevice device;
    private final RdmaId id;
    private final NicQueuePair pair;
    private final InetSocketAddress peer;
    private final InetSocketAddress local;
    private final News news;

    private volatile ConnectParameters agreed = ConnectParameters.DEFAULT;
    private volatile byte[] privateData = new byte[0];

    // Guarded by this.
    private boolean over;
    private boolean idClosed;

    NicConnection(
            NicDevice device,
            RdmaId id,
            NicQueuePair pair,
            InetSocketAddress peer,
            InetSocketAddress local,
            ConnectionListener listener) {
        this.device = device;
        this.id = id;
        this.pair = pair;
        this.peer = peer;
        this.local = local;
        news = new News(
                listener, "connection of " + peer, broken -> LOG.error("the listener of {} has thrown", this, broken));
    }

    /** It has come about, as far as this side is concerned. */
    void agree(ConnectParameters parameters, byte[] data) {
        agreed = parameters;
        privateData = data;
    }

    /** On the thread of events. */
    void happened(RdmaEvent event) {
        switch (event.type()) {
            case RdmaEvent.ESTABLISHED -> established();
            case RdmaEvent.DISCONNECTED -> finishLater("the peer has disconnected, or is gone", true);
            case RdmaEvent.DEVICE_REMOVAL -> finishLater("the RDMA device is removed", true);
            case RdmaEvent.ADDRESS_CHANGE -> finishLater("the address has moved to another device", false);
            case RdmaEvent.REJECTED -> finishLater("the peer gave up, reason " + event.status(), true);
            case RdmaEvent.UNREACHABLE, RdmaEvent.CONNECT_ERROR ->
                finishLater("the peer does not answer, status " + event.status(), true);
            default -> LOG.debug("{}: event {}", this, event.type());
        }
    }

    private synchronized void established() {
        if (!over) {
            news.established();
            return;
        }
        // The end was asked for when the kernel could not tell the peer yet; nobody here hears of a beginning any more.
        Thread.ofVirtual().name("end of " + this).start(() -> {
            if (!part()) {
                closeId();
            }
        });
    }

    /** Something came before the peer's word that it is ready. */
    void heard() {
        Thread.ofVirtual().start(() -> {
            try {
                id.notifyEstablished();
            } catch (PlatformException | IllegalStateException late) {
                LOG.debug("{} is established already, or over", this, late);
            }
        });
    }

    /** Any thread, also that of a reactor. */
    void endLater(String reason) {
        finishLater(reason, false);
    }

    private void finishLater(String reason, boolean parted) {
        Thread.ofVirtual().name("end of " + this).start(() -> finish(reason, parted));
    }

    /** @param parted nothing more comes of the peer */
    private void finish(String reason, boolean parted) {
        boolean first;
        synchronized (this) {
            first = !over;
            over = true;
        }
        boolean gone = parted;
        if (first) {
            pair.end();
            news.disconnected(reason);
            gone |= !part();
        }
        if (gone) {
            closeId();
        }
    }

    /** Has the kernel ask the peer for the end. Returns false when they are not connected. */
    private boolean part() {
        try {
            id.disconnect();
            return true;
        } catch (PlatformException | IllegalStateException notConnected) {
            LOG.debug("{} was not connected any more", this, notConnected);
            return false;
        }
    }

    /** It has not come about, or the device goes: the peer is told by the kernel, if it can be. */
    void closeId() {
        synchronized (this) {
            if (idClosed) {
                return;
            }
            idClosed = true;
        }
        device.close(id);
        device.forget(this);
    }

    @Override
    public VerbsQueuePair queuePair() {
        return pair;
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
        return privateData.clone();
    }

    @Override
    public ConnectParameters agreed() {
        return agreed;
    }

    @Override
    public void disconnect() {
        finish("this side has disconnected", false);
    }

    @Override
    public void close() {
        disconnect();
    }

    @Override
    public String toString() {
        return "connection of " + peer;
    }
}
