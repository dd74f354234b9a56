package io.doorbell.rdmahost;

import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.NativeMemory;
import io.doorbell.reactor.Reactor;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.ConnectHandler;
import io.doorbell.verbs.ConnectListener;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ConnectRequest;
import io.doorbell.verbs.Connection;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.DeviceLimits;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.SharedReceiveQueue;
import io.doorbell.verbs.VerbsDevice;
import io.doorbell.verbs.VerbsQueuePair;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A device whose queue pairs send something else than they were told to: what a {@link Liar} makes of it. */
final class LyingDevice implements VerbsDevice {
    private static final int ANSWER_BYTES = 16;
    private static final int LIE_BYTES = 64;
    private static final int LIES = 256;

    /** Sends of a queue pair that its user does not know of. */
    private static final int MORE_SENDS = 64;

    /** Makes of a request of the target what is sent. On the target's reactor. */
    interface Liar {
        /** An answer: whole, with an invalidation where there is a key. */
        void answer(Mouth mouth, byte[] completion, int key, boolean invalidates);

        /** A transfer: a write to the host, or a read from there. */
        default void transfer(Mouth mouth, boolean write, long address, int key) {
            mouth.transfer(address, key);
        }
    }

    /** What a liar says. */
    interface Mouth {
        /** Sends so many bytes of an answer; invalidates a key where it is not 0. Once for each answer, and more often for more of them. */
        void say(byte[] bytes, int count, int key);

        /** Says nothing, and nobody of this side learns of it. */
        void silence();

        void transfer(long address, int key);
    }

    private final VerbsDevice real;
    private final Liar liar;

    LyingDevice(VerbsDevice real, Liar liar) {
        this.real = real;
        this.liar = liar;
    }

    private final class LyingPair implements VerbsQueuePair, Mouth {
        private final VerbsQueuePair pair;
        private final NativeMemory memory = NativeMemory.allocate((long) LIES * LIE_BYTES, MappingOptions.ORDINARY);
        private final MemoryRegion region;
        private final SendRequests said = new SendRequests(128, 32);
        private int next;

        // The request that is being lied about.
        private SendRequests told;
        private int which;
        private boolean spoken;

        private LyingPair(VerbsQueuePair pair, ProtectionDomain domain) {
            this.pair = pair;
            region = domain.register(memory.segment(), Access.LOCAL_WRITE);
        }

        @Override
        public int number() {
            return pair.number();
        }

        @Override
        public boolean isConnected() {
            return pair.isConnected();
        }

        @Override
        public int post(SendRequests requests) {
            said.clear();
            told = requests;
            for (which = 0; which < requests.count() && said.count() < 120; which++) {
                int opcode = requests.opcode(which);
                spoken = false;
                if (opcode == SendRequests.SEND || opcode == SendRequests.SEND_INVALIDATE) {
                    boolean invalidates = opcode == SendRequests.SEND_INVALIDATE;
                    liar.answer(this, completion(), invalidates ? requests.immediateOrKey(which) : 0, invalidates);
                } else {
                    boolean write = opcode == SendRequests.RDMA_WRITE;
                    liar.transfer(this, write, requests.remoteAddress(which), requests.remoteKey(which));
                }
            }
            int posted = pair.post(said);
            return posted < 0 ? posted : requests.count();
        }

        @SuppressWarnings("restricted")
        private byte[] completion() {
            return MemorySegment.ofAddress(told.segmentAddress(which, 0))
                    .reinterpret(ANSWER_BYTES)
                    .toArray(ValueLayout.JAVA_BYTE);
        }

        @Override
        public void say(byte[] bytes, int count, int key) {
            long at = (long) next++ % LIES * LIE_BYTES;
            MemorySegment.copy(
                    bytes, 0, memory.segment(), ValueLayout.JAVA_BYTE, at, Math.min(bytes.length, LIE_BYTES));
            int flags = spoken ? 0 : told.flags(which);
            if (key == 0) {
                said.send(told.id(which), flags);
            } else {
                said.sendInvalidate(told.id(which), flags, key);
            }
            said.segment(region.address() + at, count, region.localKey());
            spoken = true;
        }

        @Override
        public void silence() {
            // Of no length, it goes nowhere; its completion is the one that is waited for.
            said.write(told.id(which), told.flags(which), 0, 0);
        }

        @Override
        public void transfer(long address, int key) {
            if (told.opcode(which) == SendRequests.RDMA_WRITE) {
                said.write(told.id(which), told.flags(which), address, key);
            } else {
                said.read(told.id(which), told.flags(which), address, key);
            }
            for (int i = 0; i < told.segmentCount(which); i++) {
                said.segment(told.segmentAddress(which, i), told.segmentBytes(which, i), told.segmentKey(which, i));
            }
        }

        @Override
        public int postReceive(ReceiveRequests requests) {
            return pair.postReceive(requests);
        }

        @Override
        public void close() {
            pair.close();
            region.close();
            memory.close();
            said.close();
        }
    }

    @Override
    public VerbsQueuePair createQueuePair(QueuePairSetup setup) {
        var roomy = new QueuePairSetup(
                setup.domain(),
                setup.sendQueue(),
                setup.receiveQueue(),
                setup.shared(),
                setup.sendRequests() + MORE_SENDS,
                setup.receiveRequests(),
                setup.segments());
        return new LyingPair(real.createQueuePair(roomy), setup.domain());
    }

    @Override
    public ConnectListener listen(int port, ConnectHandler handler) {
        return real.listen(port, request -> handler.requested(new Honest(request)));
    }

    /** Lies begin later. */
    private record Honest(ConnectRequest request) implements ConnectRequest {
        @Override
        public VerbsDevice device() {
            return request.device();
        }

        @Override
        public InetSocketAddress peer() {
            return request.peer();
        }

        @Override
        public InetSocketAddress local() {
            return request.local();
        }

        @Override
        public byte[] privateData() {
            return request.privateData();
        }

        @Override
        public ConnectParameters offered() {
            return request.offered();
        }

        @Override
        public Connection accept(
                VerbsQueuePair queuePair,
                ConnectParameters parameters,
                byte[] privateData,
                ConnectionListener listener) {
            return request.accept(((LyingPair) queuePair).pair, parameters, privateData, listener);
        }

        @Override
        public void reject(byte[] privateData) {
            request.reject(privateData);
        }
    }

    @Override
    public String name() {
        return real.name();
    }

    @Override
    public DeviceLimits limits() {
        return real.limits();
    }

    @Override
    public List<InetAddress> addresses() {
        return real.addresses();
    }

    @Override
    public ProtectionDomain allocateProtectionDomain() {
        return real.allocateProtectionDomain();
    }

    @Override
    public CompletionQueue createCompletionQueue(Reactor owner, int entries) {
        return real.createCompletionQueue(owner, entries);
    }

    @Override
    public SharedReceiveQueue createSharedReceiveQueue(
            ProtectionDomain domain, Reactor owner, int entries, int segments) {
        return real.createSharedReceiveQueue(domain, owner, entries, segments);
    }

    @Override
    public Connection connect(
            VerbsQueuePair queuePair,
            InetSocketAddress peer,
            ConnectParameters parameters,
            byte[] privateData,
            ConnectionListener listener,
            Duration bound) {
        throw new UnsupportedOperationException("it is a target's");
    }

    @Override
    public Map<String, Long> counters() {
        return real.counters();
    }
}
