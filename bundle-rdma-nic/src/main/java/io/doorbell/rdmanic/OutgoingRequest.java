package io.doorbell.rdmanic;

import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaEvent;
import io.doorbell.platform.RdmaId;
import io.doorbell.verbs.ConnectException;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/** This side wants to connect: address, route, request, answer. One thread, and that of events. */
final class OutgoingRequest {
    private final NicDevice device;
    private final NicQueuePair pair;
    private final InetSocketAddress peer;
    private final ConnectParameters wanted;
    private final long deadlineNanos;

    // Guarded by this.
    private final ArrayDeque<RdmaEvent> news = new ArrayDeque<>();
    private NicConnection connection;

    OutgoingRequest(
            NicDevice device, NicQueuePair pair, InetSocketAddress peer, ConnectParameters wanted, Duration bound) {
        this.device = device;
        this.pair = pair;
        this.peer = peer;
        this.wanted = wanted.withReads(
                device.clipReads(wanted.responderResources()), device.clipReads(wanted.initiatorDepth()));
        deadlineNanos = System.nanoTime() + bound.toNanos();
    }

    private synchronized void happened(RdmaEvent event) {
        if (connection != null) {
            connection.happened(event);
        } else {
            news.add(event);
            notifyAll();
        }
    }

    /** What happens from now on is the connection's, and what has happened meanwhile. */
    private synchronized void handOver(NicConnection to) {
        connection = to;
        news.forEach(to::happened);
        news.clear();
    }

    private int millisLeft() {
        return (int) Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime()));
    }

    Connection connect(byte[] privateData, ConnectionListener listener) {
        var id = device.createId(this::happened);
        NicConnection made = null;
        try {
            id.resolveAddress(new InetSocketAddress(device.address(), 0), peer, millisLeft());
            await(RdmaEvent.ADDRESS_RESOLVED);
            id.resolveRoute(millisLeft());
            await(RdmaEvent.ROUTE_RESOLVED);
            made = new NicConnection(device, id, pair, peer, id.localAddress(), listener);
            pair.begin(made);
            device.remember(made);
            id.connect(new RdmaId.Parameters(
                    pair.pair(),
                    wanted.responderResources(),
                    wanted.initiatorDepth(),
                    wanted.retryCount(),
                    wanted.rnrRetryCount(),
                    privateData));
            answered(made, id, await(RdmaEvent.CONNECT_RESPONSE));
            return made;
        } catch (RuntimeException failed) {
            giveUp(id, made);
            throw failed instanceof PlatformException refused ? refused(refused.getMessage()) : failed;
        }
    }

    private void answered(NicConnection made, RdmaId id, RdmaEvent answer) {
        var agreed = wanted.withReads(
                Math.min(wanted.responderResources(), answer.responderResources()),
                Math.min(wanted.initiatorDepth(), answer.initiatorDepth()));
        made.agree(agreed, Arrays.copyOf(answer.data(), Connection.MAX_ACCEPT_BYTES));
        try {
            pair.connect(id, agreed.responderResources(), agreed.initiatorDepth());
            id.establish();
        } catch (PlatformException failed) {
            pair.end();
            throw failed;
        }
        handOver(made);
    }

    private void giveUp(RdmaId id, NicConnection made) {
        if (made == null) {
            device.close(id);
        } else {
            made.closeId();
            pair.forget(made);
        }
    }

    /** Waits for this. */
    private synchronized RdmaEvent await(int type) {
        while (true) {
            var event = news.poll();
            if (event != null && event.type() == type) {
                return event;
            }
            if (event != null) {
                throw failure(event);
            }
            long left = deadlineNanos - System.nanoTime();
            if (left <= 0) {
                throw refused("no answer in time");
            }
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw refused("interrupted");
            }
        }
    }

    private ConnectException refused(String why) {
        return new ConnectException(peer + ": " + why, ConnectException.NO_ANSWER, new byte[0]);
    }

    private ConnectException failure(RdmaEvent event) {
        return switch (event.type()) {
            case RdmaEvent.REJECTED -> {
                // A device of iWARP tells an errno.
                int reason = event.status() > 0 ? event.status() : ConnectException.REJECTED;
                yield new ConnectException(
                        peer + " rejects the connection, reason " + reason,
                        reason,
                        Arrays.copyOf(event.data(), Connection.MAX_REJECT_BYTES));
            }
            case RdmaEvent.ADDRESS_ERROR, RdmaEvent.ROUTE_ERROR ->
                refused("no way there: " + PlatformException.describe(-event.status()));
            case RdmaEvent.UNREACHABLE, RdmaEvent.CONNECT_ERROR ->
                refused("no answer: " + PlatformException.describe(-event.status()));
            default -> refused("event " + event.type() + " of the connection manager");
        };
    }
}
