package io.doorbell.backends;

import io.doorbell.host.QueuePairOptions;
import java.time.Duration;

/**
 * How namespaces on controllers are served.
 *
 * @param pause how long a command waits at most while there is no queue pair
 * @param queueEntries of each queue pair; the controller may have fewer
 * @param bufferBytes memory of each queue pair for data on their way
 * @param interrupts whether a reactor may sleep until completions interrupt, where the controller can; else it polls
 */
public record NvmeBackendOptions(Duration pause, int queueEntries, int bufferBytes, boolean interrupts) {
    static final int MIN_BUFFER_BYTES = 1 << 20;
    static final int MAX_BUFFER_BYTES = 1 << 30;
    private static final Duration LONGEST_PAUSE = Duration.ofHours(1);

    /**
     * Twenty seconds: a Linux host gives a connection up after thirty without an answer, and is better told that the path has
     * a problem.
     */
    public static final NvmeBackendOptions DEFAULT =
            new NvmeBackendOptions(Duration.ofSeconds(20), QueuePairOptions.DEFAULT_QUEUE_ENTRIES, 8 << 20, false);

    public NvmeBackendOptions {
        if (pause.isNegative() || pause.compareTo(LONGEST_PAUSE) > 0) {
            throw new IllegalArgumentException("a pause of " + pause + ": 0 to " + LONGEST_PAUSE);
        }
        // A fused pair is two commands.
        if (queueEntries < 4 || queueEntries > 65_536) {
            throw new IllegalArgumentException("queue pairs of " + queueEntries + " entries: 4 to 65536");
        }
        if (bufferBytes < MIN_BUFFER_BYTES || bufferBytes > MAX_BUFFER_BYTES) {
            throw new IllegalArgumentException(
                    "buffers of " + bufferBytes + " bytes: " + MIN_BUFFER_BYTES + " to " + MAX_BUFFER_BYTES);
        }
    }

    public NvmeBackendOptions withPause(Duration longest) {
        return new NvmeBackendOptions(longest, queueEntries, bufferBytes, interrupts);
    }
}
