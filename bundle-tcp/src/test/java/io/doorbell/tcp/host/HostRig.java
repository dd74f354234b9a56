package io.doorbell.tcp.host;

import io.doorbell.fabrics.host.FabricController;
import io.doorbell.fabrics.host.FabricHostOptions;
import io.doorbell.host.CompletionHandler;
import io.doorbell.host.DmaAllocation;
import io.doorbell.host.DmaMemory;
import io.doorbell.host.PathOptions;
import io.doorbell.host.QueuePair;
import io.doorbell.host.QueuePairControl;
import io.doorbell.host.QueuePairOptions;
import io.doorbell.nvme.TransportId;
import io.doorbell.platform.MemoryView;
import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.UUID;
import java.util.function.BooleanSupplier;

/** A controller of ours, and queue pairs that the test thread owns. */
final class HostRig implements AutoCloseable {
    static final UUID HOST_ID = UUID.fromString("1c7e6f40-1f37-4cc5-8a4e-5a3f0a3f0001");

    static final FabricHostOptions OPTIONS = FabricHostOptions.of(HOST_ID)
            .withTimes(Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofMillis(20), Duration.ofSeconds(20));

    final TcpHostTransport transport;
    final FabricController controller;
    volatile boolean given;

    HostRig(InetSocketAddress address, String subnqn, FabricHostOptions options, TcpHostSettings settings) {
        var id = id(address, subnqn);
        var keys = options.keys();
        transport = new TcpHostTransport(
                id, settings, keys.tlsKey() == null ? null : new TcpHostTransport.Tls(keys, options.hostNqn(), subnqn));
        controller = FabricController.open(transport, id, options, () -> given = true);
    }

    static TransportId id(InetSocketAddress address, String subnqn) {
        return new TransportId(
                TransportId.Type.TCP,
                address.getAddress().getHostAddress(),
                Integer.toString(address.getPort()),
                subnqn,
                0);
    }

    /** A queue pair with memory, owned by the thread that makes it. */
    static final class Held implements AutoCloseable {
        final Arena arena = Arena.ofShared();
        final QueuePairControl control;
        final QueuePair pair;
        final DmaAllocation allocation;
        final DmaMemory data;
        private boolean fenced;

        Held(FabricController controller, int entries, long dataBytes, CompletionHandler handler, PathOptions path) {
            control = controller.createQueuePair(new QueuePairOptions(entries, handler, "test", path), arena);
            pair = control.queuePair();
            control.own(Thread.currentThread());
            allocation = controller.allocateDma(dataBytes, arena);
            data = allocation.memory();
        }

        void fence() {
            if (!fenced) {
                fenced = true;
                control.stopSubmissions();
                control.delete(Duration.ofSeconds(5));
                MemoryView.close(arena, Duration.ofSeconds(2));
                control.fenced("test");
                allocation.close();
            }
        }

        @Override
        public void close() {
            fence();
        }
    }

    /** Polls until it is so. */
    static void awaitEnds(QueuePair pair, BooleanSupplier ended) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!ended.getAsBoolean()) {
            pair.poll(64);
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not within 20 s, " + pair.inFlight() + " in flight");
            }
        }
    }

    Held hold(int entries, long dataBytes, CompletionHandler handler) {
        return new Held(controller, entries, dataBytes, handler, PathOptions.DEFAULTS);
    }

    @Override
    public void close() {
        controller.close();
    }
}
