package io.doorbell.bench;

import io.doorbell.host.DmaMemory;
import io.doorbell.host.QueuePair;
import io.doorbell.lease.LeaseEvent;
import io.doorbell.lease.LeaseRequest;
import io.doorbell.lease.QueuePairLease;
import io.doorbell.reactor.Poller;
import io.doorbell.reactor.Reactor;
import io.doorbell.reactor.Reactors;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** How long it takes to take a lease back from a holder that keeps its queue pair busy until it is told to stop. */
final class RevocationMeasurement {
    private static final int DEPTH = 32;
    private static final int BLOCK_BYTES = 4096;

    private RevocationMeasurement() {}

    static List<Figure> run(int rounds) throws InterruptedException {
        var total = new Histogram(3);
        var close = new Histogram(3);
        var delete = new Histogram(3);
        try (var node = new PlainNode("null:1TiB:4096")) {
            var resources = node.resourceManager("busy");
            try (Reactor reactor = resources.reactors().open("busy", Reactors.Role.HOST, Reactors.ANY_CPU)) {
                for (int i = 0; i < rounds; i++) {
                    var event = round(node, resources, reactor);
                    total.recordValue(
                            event.drainNanos() + event.abortNanos() + event.deleteNanos() + event.closeNanos());
                    close.recordValue(event.closeNanos());
                    delete.recordValue(event.deleteNanos());
                }
            }
        }
        var figures = new ArrayList<Figure>();
        add(figures, "whole, busy holder", total);
        add(figures, "deleting the queues", delete);
        add(figures, "closing the arena: the fence", close);
        return figures;
    }

    private static LeaseEvent round(PlainNode node, io.doorbell.lease.ResourceManager resources, Reactor reactor)
            throws InterruptedException {
        var busy = new Busy();
        var lease = resources.lease(
                LeaseRequest.of(node.controller.transportId(), reactor.thread(), busy::complete, "busy"));
        busy.start(lease);
        reactor.add(busy);
        while (busy.completed < 100_000) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        var event = node.registry().revoke(lease.id());
        reactor.remove(busy);
        return event;
    }

    private static void add(List<Figure> figures, String name, Histogram nanos) {
        for (double percentile : new double[] {50, 99}) {
            figures.add(Figure.of(
                    "revocation",
                    name + ", p" + (int) percentile,
                    nanos.getValueAtPercentile(percentile) / 1000.0,
                    "us"));
        }
    }

    /** Reads without a pause until it is refused. */
    private static final class Busy implements Poller {
        private QueuePair queuePair;
        private DmaMemory data;
        private long slba;
        private boolean begun;
        private boolean refused;
        volatile long completed;

        void start(QueuePairLease lease) {
            queuePair = lease.queuePair();
            data = lease.allocate((long) DEPTH * BLOCK_BYTES);
        }

        private void read(long slot) {
            refused |= queuePair.read(1, slba++ & 0xFFFF, 1, data, slot * BLOCK_BYTES, 0, slot) < 0;
        }

        void complete(long token, int status, long result) {
            if (!refused) {
                read(token);
            }
        }

        @Override
        public int poll(long nowNanos) {
            if (refused && queuePair.inFlight() == 0) {
                return 0;
            }
            if (!begun) {
                begun = true;
                for (int i = 0; i < DEPTH; i++) {
                    read(i);
                }
                queuePair.commit();
            }
            int count = queuePair.poll(DEPTH);
            completed += count;
            return count;
        }

        @Override
        public boolean readyToPark() {
            // Only at rest: nobody wakes us for a completion.
            return refused && queuePair.inFlight() == 0;
        }
    }
}
