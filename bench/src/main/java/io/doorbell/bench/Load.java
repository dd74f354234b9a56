package io.doorbell.bench;

import java.time.Duration;

/**
 * What a program in the manner of SPDK's perf is to do.
 *
 * @param pattern {@code randread}, {@code randwrite}, {@code read} or {@code write}
 * @param bytes of a command
 * @param depth commands in flight, of all connections together
 * @param connections I/O queues; each is a connection where there are connections
 */
record Load(String pattern, int bytes, int depth, int connections, int warmUpSeconds, int seconds) {
    /** Beside the time it runs: to start, to connect, to end. */
    private static final Duration MOST_BESIDES = Duration.ofSeconds(60);

    Load {
        if (connections < 1 || depth < connections) {
            throw new IllegalArgumentException(depth + " commands on " + connections + " connections");
        }
    }

    Duration bound() {
        return Duration.ofSeconds((long) warmUpSeconds + seconds).plus(MOST_BESIDES);
    }

    boolean isRead() {
        return pattern.endsWith("read");
    }

    String size() {
        return bytes / 1024 + " KiB";
    }
}
