package io.doorbell.bench;

import io.doorbell.platform.NativeMemory;
import io.doorbell.rdmasoft.SoftDevice;
import io.doorbell.rdmasoft.SoftSettings;
import io.doorbell.verbs.Access;
import io.doorbell.verbs.CompletionQueue;
import io.doorbell.verbs.Completions;
import io.doorbell.verbs.ConnectParameters;
import io.doorbell.verbs.ConnectionListener;
import io.doorbell.verbs.MemoryRegion;
import io.doorbell.verbs.ProtectionDomain;
import io.doorbell.verbs.QueuePairSetup;
import io.doorbell.verbs.ReceiveRequests;
import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsQueuePair;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;

/** One end of RDMA connections, in software at an address of the loopback: its device, memory, and a reactor that is stepped. One thread. */
final class RdmaEnd implements AutoCloseable {
    static final int DEPTH = 64;
    private static final int READS = 16;
    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final ConnectionListener NOBODY = new ConnectionListener() {
        @Override
        public void disconnected(String reason) {
            // Whoever measures sees that nothing comes any more.
        }
    };

    final SteppedReactor reactor = new SteppedReactor();
    final SoftDevice device = SoftDevice.open(SoftSettings.of(address()));
    final ProtectionDomain domain = device.allocateProtectionDomain();
    final CompletionQueue queue = device.createCompletionQueue(reactor, 8 * DEPTH);
    final NativeMemory memory;
    final MemoryRegion region;
    final SendRequests sends = new SendRequests(DEPTH, 1);
    final ReceiveRequests receives = new ReceiveRequests(DEPTH, 1);
    final Completions completions = new Completions(DEPTH);
    private final List<VerbsQueuePair> pairs = new ArrayList<>();

    RdmaEnd(long memoryBytes) {
        memory = NativeMemory.allocate(memoryBytes);
        region = domain.register(memory.segment(), Access.LOCAL_WRITE | Access.REMOTE_READ | Access.REMOTE_WRITE);
    }

    /** All of 127.0.0.0/8 is this machine's, and everybody has the one port. */
    private static InetAddress address() {
        var random = ThreadLocalRandom.current();
        try {
            return InetAddress.getByAddress(
                    new byte[] {127, (byte) random.nextInt(2, 250), (byte) random.nextInt(250), 3});
        } catch (UnknownHostException impossible) {
            throw new AssertionError("4 bytes", impossible);
        }
    }

    long at(long offset) {
        return memory.segment().address() + offset;
    }

    VerbsQueuePair pair() {
        var pair = device.createQueuePair(new QueuePairSetup(domain, queue, queue, null, 2 * DEPTH, 2 * DEPTH, 1));
        pairs.add(pair);
        return pair;
    }

    void receive(VerbsQueuePair pair, long id, long offset, int bytes) {
        receives.clear();
        receives.receive(id);
        receives.segment(at(offset), bytes, region.localKey());
        pair.postReceive(receives);
    }

    /** Posts what is in {@link #sends}. */
    void post(VerbsQueuePair pair) {
        if (pair.post(sends) != sends.count()) {
            throw new IllegalStateException("the queue pair takes no more: " + device.counters());
        }
        sends.clear();
    }

    /** Takes completions. Returns how many. */
    int poll() {
        int count = queue.poll(completions);
        for (int i = 0; i < count; i++) {
            if (completions.status(i) != Completions.SUCCESS) {
                throw new IllegalStateException(Completions.describe(completions.status(i)) + device.counters());
            }
        }
        return count;
    }

    /** Connects, while {@code meanwhile} runs the other end. */
    void connect(VerbsQueuePair pair, InetSocketAddress to, byte[] privateData, Runnable meanwhile) throws Exception {
        var connecting = new CompletableFuture<Void>();
        Thread.ofVirtual().start(() -> {
            try {
                device.connect(pair, to, ConnectParameters.DEFAULT.withReads(READS, READS), privateData, NOBODY, BOUND);
                connecting.complete(null);
            } catch (RuntimeException failed) {
                connecting.completeExceptionally(failed);
            }
        });
        while (!connecting.isDone()) {
            reactor.step();
            meanwhile.run();
        }
        connecting.get();
    }

    /** Accepts the next who connects with this queue pair. Returns where. */
    InetSocketAddress accept(VerbsQueuePair pair) {
        return device.listen(
                        0,
                        request -> request.accept(
                                pair, ConnectParameters.DEFAULT.withReads(READS, READS), new byte[0], NOBODY))
                .address();
    }

    @Override
    public void close() {
        pairs.forEach(VerbsQueuePair::close);
        queue.close();
        region.close();
        domain.close();
        device.close();
        sends.close();
        receives.close();
        completions.close();
        memory.close();
        reactor.close();
    }
}
