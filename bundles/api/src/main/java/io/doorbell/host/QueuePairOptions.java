package io.doorbell.host;

import java.util.Objects;

/**
 * How a queue pair is to be made.
 *
 * @param queueEntries entries of the submission queue; the depth is one less. 2 to the limit of the controller
 * @param handler what happens with completions
 * @param label who it is for, in messages
 * @param path what else is wanted
 */
public record QueuePairOptions(int queueEntries, CompletionHandler handler, String label, PathOptions path) {
    public static final int DEFAULT_QUEUE_ENTRIES = 256;

    public QueuePairOptions {
        Objects.requireNonNull(handler, "handler");
        Objects.requireNonNull(label, "label");
        Objects.requireNonNull(path, "path");
        if (queueEntries < 2 || queueEntries > 65_536) {
            throw new IllegalArgumentException("queue entries " + queueEntries + " of " + label + ": 2 to 65536");
        }
    }

    public QueuePairOptions(int queueEntries, CompletionHandler handler, String label) {
        this(queueEntries, handler, label, PathOptions.DEFAULTS);
    }
}
