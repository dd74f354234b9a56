package io.doorbell.subsystem;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;

/**
 * Asynchronous events of one controller: those that wait for a request, requests that wait for one, and which are masked
 * until the host has read the log page. NVMe Base 2.1 §5.1.2 "Asynchronous Event Request command".
 *
 * <p>Any thread raises; requests come and are completed on the admin path's thread.
 */
final class AsyncEvents {
    /** AERL + 1. */
    static final int MAX_REQUESTS = 4;

    /** Different events that wait at once; an equal one is no second event. */
    private static final int MAX_WAITING = 64;

    private final Runnable wake;

    // Guarded by this.
    private final ArrayDeque<NvmRequest> requests = new ArrayDeque<>(MAX_REQUESTS);
    /** With the number it was raised with last. */
    private final LinkedHashMap<Integer, Long> waiting = new LinkedHashMap<>();

    private long raised;
    private final LinkedHashSet<Integer> masked = new LinkedHashSet<>();

    // So that a poll costs a load when there is nothing.
    private volatile boolean deliverable;

    AsyncEvents(Runnable wake) {
        this.wake = wake;
    }

    void raise(AsyncEvent event) {
        synchronized (this) {
            boolean known = waiting.containsKey(event.dw0());
            if (!known && waiting.size() == MAX_WAITING) {
                return;
            }
            waiting.put(event.dw0(), ++raised);
            if (known) {
                return;
            }
            update();
        }
        wake.run();
    }

    /** Takes a request: answers with an event that waits, or keeps it. */
    synchronized int request(NvmRequest request) {
        Integer event = next();
        if (event != null) {
            request.result = Integer.toUnsignedLong(event);
            update();
            return Status.SUCCESS;
        }
        if (requests.size() == MAX_REQUESTS) {
            return Status.ASYNC_EVENT_REQUEST_LIMIT_EXCEEDED | Status.DNR;
        }
        requests.add(request);
        return NvmRequest.PENDING;
    }

    /** Completes requests for which there is an event. */
    int poll() {
        int completed = 0;
        while (deliverable) {
            NvmRequest request;
            synchronized (this) {
                Integer event = requests.isEmpty() ? null : next();
                update();
                if (event == null) {
                    break;
                }
                request = requests.remove();
                request.result = Integer.toUnsignedLong(event);
                update();
            }
            request.complete(Status.SUCCESS);
            completed++;
        }
        return completed;
    }

    synchronized boolean abort(NvmRequest request) {
        boolean was = requests.remove(request);
        update();
        return was;
    }

    /** To be asked before a log page is filled: what was raised until then is in it. */
    synchronized long raised() {
        return raised;
    }

    /**
     * The host read a log page and did not ask to retain the event: its events may come again.
     *
     * @param told what {@link #raised} was before the page was filled
     */
    synchronized void read(int lid, long told) {
        // What waits is told by the page that was just read. But what is about to complete a request does: a host waits
        // for
        // that, and may have read the page for another reason.
        waiting.entrySet()
                .removeIf(event -> new AsyncEvent(event.getKey()).lid() == lid
                        && event.getValue() <= told
                        && (requests.isEmpty() || masked.contains(key(event.getKey()))));
        masked.removeIf(key -> new AsyncEvent(key).lid() == lid);
        update();
    }

    synchronized void forgetRequests() {
        requests.clear();
        update();
    }

    synchronized void reset() {
        requests.clear();
        waiting.clear();
        masked.clear();
        update();
    }

    /** The first event that is not masked; it is masked from now on. */
    private Integer next() {
        for (Iterator<Integer> i = waiting.keySet().iterator(); i.hasNext(); ) {
            int event = i.next();
            if (masked.add(key(event))) {
                i.remove();
                return event;
            }
        }
        return null;
    }

    private void update() {
        boolean can = false;
        if (!requests.isEmpty()) {
            for (int event : waiting.keySet()) {
                can |= !masked.contains(key(event));
            }
        }
        deliverable = can;
    }

    /** Masked is what has the same type and log page; a host that has yet to read one page still hears of another. */
    private static int key(int dw0) {
        var event = new AsyncEvent(dw0);
        return AsyncEvent.dw0(event.type(), 0, event.lid());
    }
}
