package io.doorbell.verbs;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.platform.NativeMemory;
import io.doorbell.reactor.HandReactor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** One end of connections in a test: a device, memory, and a reactor whose cycles the test runs by hand, on its own thread. */
public final class VerbsPeer implements AutoCloseable {
    private static final int COMPLETIONS = 4096;
    private static final int MAX_SEGMENTS = 4;

    /** A completion. */
    public record Done(long id, int status, int opcode, int bytes, int flags, int value, int pair) {
        public boolean isReceive() {
            return (opcode & Completions.RECEIVE) != 0;
        }
    }

    public final VerbsDevice device;
    public final HandReactor reactor = HandReactor.byHand("peer");
    public final ProtectionDomain domain;
    public final CompletionQueue queue;
    public final NativeMemory memory;
    public final MemoryRegion region;
    public final SendRequests sends = new SendRequests(64, MAX_SEGMENTS);
    public final ReceiveRequests receives = new ReceiveRequests(64, MAX_SEGMENTS);
    public final List<String> ends = new CopyOnWriteArrayList<>();
    public volatile int established;
    private final Completions completions = new Completions(64);
    private final ArrayDeque<Done> done = new ArrayDeque<>();
    private final List<Runnable> made = new ArrayList<>();

    public final ConnectionListener listener = new ConnectionListener() {
        @Override
        public void established() {
            established++;
        }

        @Override
        public void disconnected(String reason) {
            ends.add(reason);
        }
    };

    public VerbsPeer(VerbsDevice device, int bytes) {
        this.device = device;
        domain = device.allocateProtectionDomain();
        queue = device.createCompletionQueue(reactor, COMPLETIONS);
        memory = NativeMemory.allocate(bytes);
        region = domain.register(
                memory.segment(), Access.LOCAL_WRITE | Access.REMOTE_WRITE | Access.REMOTE_READ | Access.WINDOW_BIND);
    }

    public QueuePairSetup setup() {
        return new QueuePairSetup(domain, queue, queue, null, 64, 64, MAX_SEGMENTS);
    }

    public VerbsQueuePair pair() {
        return pair(setup());
    }

    public VerbsQueuePair pair(QueuePairSetup setup) {
        var pair = device.createQueuePair(setup);
        made.add(pair::close);
        return pair;
    }

    /** Does this when it is closed, before what was made earlier is. */
    public void closing(Runnable end) {
        made.add(end);
    }

    public long at(long offset) {
        return memory.segment().address() + offset;
    }

    public byte[] bytes(long offset, int count) {
        return memory.segment().asSlice(offset, count).toArray(ValueLayout.JAVA_BYTE);
    }

    public void bytes(long offset, byte[] content) {
        java.lang.foreign.MemorySegment.copy(
                content, 0, memory.segment(), ValueLayout.JAVA_BYTE, offset, content.length);
    }

    /** Adds a piece of this memory to the last send request. */
    public void piece(long offset, int bytes) {
        sends.segment(at(offset), bytes, region.localKey());
    }

    /** Posts what is in {@link #sends}, all of it. */
    public void post(VerbsQueuePair pair) {
        assertThat(pair.post(sends)).isEqualTo(sends.count());
        sends.clear();
    }

    public void receive(VerbsQueuePair pair, long id, long offset, int bytes) {
        receives.clear();
        receives.receive(id);
        if (bytes > 0) {
            receives.segment(at(offset), bytes, region.localKey());
        }
        assertThat(pair.postReceive(receives)).isEqualTo(1);
    }

    /** One cycle, with its completions. */
    public int cycle() {
        int work = reactor.cycle();
        int count = queue.poll(completions);
        for (int i = 0; i < count; i++) {
            boolean immediate = (completions.flags(i) & Completions.WITH_IMMEDIATE) != 0;
            done.add(new Done(
                    completions.id(i),
                    completions.status(i),
                    completions.opcode(i),
                    completions.bytes(i),
                    completions.flags(i),
                    immediate ? completions.immediate(i) : completions.invalidatedKey(i),
                    completions.queuePair(i)));
        }
        return work + count;
    }

    /** Whether nothing has completed: without taking it, and without garbage. */
    public boolean queueIsEmpty() {
        return queue.readyToPark();
    }

    /** Takes what has completed, and forgets it. */
    public int discard() {
        return queue.poll(completions);
    }

    /** Completions that nobody has taken. */
    public int pending() {
        return done.size();
    }

    public Done take() {
        return done.remove();
    }

    public void forget() {
        done.clear();
    }

    @Override
    public void close() {
        made.reversed().forEach(Runnable::run);
        sends.close();
        receives.close();
        completions.close();
        queue.close();
        region.close();
        domain.close();
        memory.close();
        reactor.close();
    }
}
