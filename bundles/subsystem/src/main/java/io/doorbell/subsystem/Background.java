package io.doorbell.subsystem;

import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commands that take longer than a reactor has: each is executed on a virtual thread, and completed in {@link #poll} on the
 * path's. Owner: the path; {@link #done} alone is touched by others.
 */
final class Background {
    /** Commands at a time; a host that sends more is asked to come again. */
    static final int MAX_RUNNING = 256;

    private static final Logger LOG = LoggerFactory.getLogger(Background.class);

    /** May block. Must not touch the request: it may be another command's by now. */
    @FunctionalInterface
    interface Action {
        /** Returns the status. */
        int run(Job job);
    }

    /** One command that is under way. */
    static final class Job {
        private final NvmRequest request;
        private int status;

        /** Dwords 0 and 1 of the completion, for the action to set. */
        long result;

        private Job(NvmRequest request) {
            this.request = request;
        }
    }

    private final Runnable wake;
    private final Set<Job> running = new HashSet<>();
    private final ConcurrentLinkedQueue<Job> done = new ConcurrentLinkedQueue<>();

    /** @param wake makes the owner poll; any thread */
    Background(Runnable wake) {
        this.wake = wake;
    }

    int start(String name, NvmRequest request, Action action) {
        if (running.size() == MAX_RUNNING) {
            return Status.COMMAND_INTERRUPTED;
        }
        var job = new Job(request);
        running.add(job);
        Thread.ofVirtual().name(name).start(() -> {
            try {
                job.status = action.run(job);
            } catch (RuntimeException | Error defect) {
                // Whatever it was: a host waits for an answer.
                LOG.error("{} met a defect", name, defect);
                job.status = Status.INTERNAL_ERROR;
            }
            done.add(job);
            wake.run();
        });
        return NvmRequest.PENDING;
    }

    /** Completes what has ended. Returns how many. */
    int poll() {
        int completed = 0;
        if (!running.isEmpty()) {
            for (var job = done.poll(); job != null; job = done.poll()) {
                // Unless a reset has forgotten it.
                if (running.remove(job)) {
                    job.request.result = job.result;
                    job.request.complete(job.status);
                    completed++;
                }
            }
        }
        return completed;
    }

    int inFlight() {
        return running.size();
    }

    /** Nothing that is under way is completed any more; it is done to its end. */
    void forget() {
        running.clear();
    }
}
