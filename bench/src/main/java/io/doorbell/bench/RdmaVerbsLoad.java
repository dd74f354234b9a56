package io.doorbell.bench;

import io.doorbell.verbs.SendRequests;
import io.doorbell.verbs.VerbsQueuePair;

/**
 * Requests of RDMA in software between two ends, which run in turn on one thread: a batch is posted, and each end makes cycles until it has
 * completed.
 */
final class RdmaVerbsLoad implements AutoCloseable {
    private static final int REQUESTS = 16;
    private static final int MOST_BYTES = 128 << 10;

    /** What the longest path MTU carries. */
    private static final int PACKET_BYTES = 4096;

    private final RdmaEnd left = new RdmaEnd((long) REQUESTS * MOST_BYTES);
    private final RdmaEnd right = new RdmaEnd((long) REQUESTS * MOST_BYTES);
    private final VerbsQueuePair leftPair = left.pair();
    private final VerbsQueuePair rightPair = right.pair();
    private final String kind;
    private final int bytes;

    /** @param load kind of request, and its bytes: {@code send:64} */
    RdmaVerbsLoad(String load) throws Exception {
        kind = load.split(":")[0];
        bytes = Integer.parseInt(load.split(":")[1]);
        left.connect(leftPair, right.accept(rightPair), new byte[0], right.reactor::step);
    }

    /** Packets with data of one request. */
    int packets() {
        return Math.max(1, bytes / PACKET_BYTES);
    }

    @Override
    public void close() {
        left.close();
        right.close();
    }

    /** Returns how many requests. */
    int batch() {
        for (int i = 0; i < REQUESTS; i++) {
            long here = (long) i * MOST_BYTES;
            switch (kind) {
                case "send" -> {
                    right.receive(rightPair, i, here, bytes);
                    left.sends.send(i, SendRequests.SIGNALED);
                }
                case "write" -> left.sends.write(i, SendRequests.SIGNALED, right.at(here), right.region.remoteKey());
                default -> left.sends.read(i, SendRequests.SIGNALED, right.at(here), right.region.remoteKey());
            }
            left.sends.segment(left.at(here), bytes, left.region.localKey());
        }
        left.post(leftPair);
        int ended = 0;
        while (ended < REQUESTS) {
            left.reactor.step();
            right.reactor.step();
            ended += left.poll();
            right.poll();
        }
        return ended;
    }
}
