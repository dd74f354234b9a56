package io.doorbell.rdmanic;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.doorbell.platform.IbvContext.AsyncEvent;
import io.doorbell.platform.IbvQp;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.RdmaId;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsQueuePair;
import io.doorbell.verbs.provider.OwnerThread;
import io.doorbell.verbs.provider.Users;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue pair of the device. It counts what is posted and has completed, since a device may have room for more than was asked for, and tells only at a
 * signaled request that those before it are done.
 *
 * <p>Owner: that of its completion queues; states are changed by any thread.
 */
final class NicQueuePair implements VerbsQueuePair {
    private static final Logger LOG = LoggerFactory.getLogger(NicQueuePair.class);

    // Of struct ibv_send_wr and ibv_recv_wr: infiniband/verbs.h.
    private static final long NEXT = 8;
    private static final long OPCODE = 28;

    private enum State {
        NEW,
        CONNECTED,
        FAILED,
        CLOSED
    }

    private final NicDomain domain;
    private final List<Users> used;
    private final NicCompletionQueue sendQueue;
    private final NicCompletionQueue receiveQueue;
    private final NicSharedReceiveQueue shared;
    private final IbvQp pair;
    private final DataPath path;
    private final int maxSends;
    private final int maxReceives;
    private final boolean invalidates;
    private final int number;

    // The owner's: how many there have been, and how many there had been at each signaled request that is not done.
    private long posted;
    private long done;
    private int receives;
    private final long[] signaled;
    private int signaledFirst;
    private int signaledCount;

    private volatile State state = State.NEW;

    /** Whom the end of it concerns. */
    private volatile NicConnection connection;

    /** Held by whoever closes it. */
    private final Object closing = new Object();

    // Guarded by closing.
    private boolean closed;

    /** @param used to be released when it is closed */
    NicQueuePair(NicDomain domain, QueuePairSetup setup, List<Users> used, IbvQp pair) {
        this.domain = domain;
        this.used = used;
        this.pair = pair;
        sendQueue = (NicCompletionQueue) setup.sendQueue();
        receiveQueue = (NicCompletionQueue) setup.receiveQueue();
        shared = (NicSharedReceiveQueue) setup.shared();
        maxSends = setup.sendRequests();
        maxReceives = setup.receiveRequests();
        signaled = new long[maxSends];
        invalidates = domain.device.invalidates();
        number = pair.number();
        path = domain.device.path();
        domain.device.events().handle(pair.address(), this::happened);
    }

    /** News of the device, on the thread of events. */
    private void happened(AsyncEvent event) {
        var held = connection;
        if (held == null) {
            return;
        }
        switch (event.type()) {
            case AsyncEvent.COMMUNICATION_ESTABLISHED -> held.heard();
            case AsyncEvent.PAIR_FATAL, AsyncEvent.PAIR_REQUEST_ERROR, AsyncEvent.PAIR_ACCESS_ERROR ->
                held.endLater("the queue pair failed: event " + event.type() + " of the device");
            default -> LOG.debug("{}: event {}", this, event.type());
        }
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public boolean isConnected() {
        return state == State.CONNECTED;
    }

    IbvQp pair() {
        return pair;
    }

    NicDevice device() {
        return domain.device;
    }

    // What the connection does. Any thread.

    /** @throws IllegalStateException when it has been connected before */
    synchronized void begin(NicConnection with) {
        if (state != State.NEW || connection != null) {
            throw new IllegalStateException("this queue pair is connected already, or was");
        }
        connection = with;
    }

    /** The connection has not come about: as before. */
    synchronized void forget(NicConnection with) {
        if (connection == with && state == State.NEW) {
            connection = null;
        }
    }

    /** Follows its connection; the owner may post from now on. */
    synchronized void connect(RdmaId id, int peerReads, int ownReads) {
        if (state != State.NEW) {
            throw new IllegalStateException("this queue pair is " + state);
        }
        pair.follow(id, peerReads, ownReads);
        state = State.CONNECTED;
    }

    /** The connection has ended: everything in flight is flushed. */
    synchronized void end() {
        if (state == State.CLOSED) {
            return;
        }
        state = State.FAILED;
        try {
            pair.fail();
        } catch (PlatformException | IllegalStateException gone) {
            LOG.debug("{} is gone already", this, gone);
        }
    }

    // The owner.

    @Override
    public int post(SendRequests requests) {
        sendQueue.requireOwner();
        if (state != State.CONNECTED) {
            return NOT_CONNECTED;
        }
        int count = Math.min(requests.count(), maxSends - (int) (posted - done));
        if (count == 0) {
            return 0;
        }
        var memory = requests.first();
        if (!invalidates) {
            sendPlainly(requests, count);
        }
        long next = cut(memory, IbvQp.SEND_BYTES, count, requests.count());
        int taken = path.postSend(pair, memory, count);
        mend(memory, IbvQp.SEND_BYTES, count, next);
        for (int i = 0; i < taken; i++) {
            posted++;
            if ((requests.flags(i) & SendRequests.SIGNALED) != 0) {
                int at = signaledFirst + signaledCount++;
                signaled[at < maxSends ? at : at - maxSends] = posted;
            }
            if (requests.opcode(i) == SendRequests.BIND_WINDOW) {
                IbvQp.bound(memory, (long) IbvQp.SEND_BYTES * i);
            }
        }
        return taken;
    }

    /** Of a device that invalidates nothing: the peer does it itself, as it has to when it is not done for it. */
    private static void sendPlainly(SendRequests requests, int count) {
        for (int i = 0; i < count; i++) {
            if (requests.opcode(i) == SendRequests.SEND_INVALIDATE) {
                requests.first().set(JAVA_INT, (long) IbvQp.SEND_BYTES * i + OPCODE, SendRequests.SEND);
            }
        }
    }

    /** Ends a list early. Returns what {@link #mend} puts back. */
    private static long cut(MemorySegment memory, int bytes, int count, int of) {
        long at = (long) bytes * (count - 1) + NEXT;
        long next = memory.get(JAVA_LONG, at);
        if (count < of) {
            memory.set(JAVA_LONG, at, 0);
        }
        return next;
    }

    private static void mend(MemorySegment memory, int bytes, int count, long next) {
        memory.set(JAVA_LONG, (long) bytes * (count - 1) + NEXT, next);
    }

    @Override
    public int postReceive(ReceiveRequests requests) {
        receiveQueue.requireOwner();
        if (shared != null) {
            throw new IllegalStateException("this queue pair receives from a shared queue");
        }
        var now = state;
        if (now != State.CONNECTED && now != State.NEW) {
            return NOT_CONNECTED;
        }
        int count = Math.min(requests.count(), maxReceives - receives);
        if (count == 0) {
            return 0;
        }
        var memory = requests.first();
        long next = cut(memory, IbvQp.RECEIVE_BYTES, count, requests.count());
        int taken = path.postReceive(pair, memory, count);
        mend(memory, IbvQp.RECEIVE_BYTES, count, next);
        receives += taken;
        return taken;
    }

    /** A request of it has completed. Of one that failed nothing else is known, and nothing is posted behind it any more. */
    void completed(int status, int opcode) {
        if (status != Completions.SUCCESS) {
            if (state == State.CONNECTED) {
                broken(status);
            }
        } else if ((opcode & Completions.RECEIVE) != 0) {
            receives--;
        } else if (signaledCount > 0) {
            done = signaled[signaledFirst];
            signaledFirst = signaledFirst + 1 == maxSends ? 0 : signaledFirst + 1;
            signaledCount--;
        }
    }

    private void broken(int status) {
        state = State.FAILED;
        var held = connection;
        if (held != null) {
            held.endLater("a request failed: " + Completions.describe(status));
        }
    }

    /** Each step can be done again: an owner that does not come round in time leaves it open, and the next close goes on. */
    @Override
    public void close() {
        synchronized (closing) {
            if (!closed) {
                closeNow();
                closed = true;
            }
        }
    }

    private void closeNow() {
        var held = connection;
        if (held != null) {
            held.disconnect();
        }
        end();
        OwnerThread.run(sendQueue.owner(), () -> {
            state = State.CLOSED;
            sendQueue.remove(this);
            receiveQueue.remove(this);
        });
        domain.device.events().forget(pair.address());
        pair.close();
        Users.release(used);
    }

    @Override
    public String toString() {
        return "queue pair 0x" + Integer.toHexString(number);
    }
}
