package io.doorbell.rdmasoft;

import io.doorbell.verbs.ReceiveRequests;

/** Receives in the order of posting, of one queue pair or of several. Owner: the lane. */
final class ReceiveQueue {
    /** A receive. It changes places with a spare one when it is taken, so that nothing is copied. */
    static final class Receive {
        final Segments segments;
        long id;

        Receive(int mostSegments) {
            segments = new Segments(mostSegments);
        }
    }

    private final SoftDomain domain;
    private final Receive[] ring;
    private final int size;
    private int head;
    private int count;

    ReceiveQueue(SoftDomain domain, int size, int mostSegments) {
        this.domain = domain;
        this.size = size;
        ring = new Receive[size];
        for (int i = 0; i < size; i++) {
            ring[i] = new Receive(mostSegments);
        }
    }

    int post(ReceiveRequests requests) {
        int posted = 0;
        while (posted < requests.count() && count < size) {
            int at = head + count;
            var receive = ring[at < size ? at : at - size];
            receive.id = requests.id(posted);
            receive.segments.take(domain, requests, posted);
            count++;
            posted++;
        }
        return posted;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** The first one, for which {@code spare} stays here; there must be one. */
    Receive take(Receive spare) {
        var taken = ring[head];
        ring[head] = spare;
        head = head + 1 == size ? 0 : head + 1;
        count--;
        return taken;
    }
}
