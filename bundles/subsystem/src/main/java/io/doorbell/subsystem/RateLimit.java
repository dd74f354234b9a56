package io.doorbell.subsystem;

import io.doorbell.target.IoLimits;
import java.util.concurrent.atomic.AtomicInteger;

/** Limits of a host or of a namespace, which all paths share that they concern. Any thread. */
final class RateLimit {
    private final IoLimits limits;
    /** Null where it is not limited. */
    final RateBucket commands;

    final RateBucket bytes;
    private final AtomicInteger sharers = new AtomicInteger();

    RateLimit(IoLimits limits) {
        this.limits = limits;
        commands = limits.iops() == 0 ? null : new RateBucket(limits.iops());
        bytes = limits.bytesPerSecond() == 0 ? null : new RateBucket(limits.bytesPerSecond());
    }

    IoLimits limits() {
        return limits;
    }

    int sharers() {
        return sharers.get();
    }

    /** Of one path, which leaves it too. */
    Share join() {
        sharers.incrementAndGet();
        return new Share(this);
    }

    /** What one path has taken and not used yet. Owner: the path's reactor. */
    static final class Share {
        private final RateLimit limit;
        private long commands;
        private long bytes;

        private Share(RateLimit limit) {
            this.limit = limit;
        }

        RateLimit limit() {
            return limit;
        }

        /** Sees to it that so much can be spent. Returns 0, or how long it cannot, in nanoseconds. */
        long provide(int commandCount, long byteCount) {
            if (limit.commands != null && commands < commandCount) {
                long batch = Math.max(commandCount - commands, limit.commands.batch(limit.sharers()));
                long wait = limit.commands.take(batch);
                if (wait != 0) {
                    return wait;
                }
                commands += batch;
            }
            if (limit.bytes != null && bytes < byteCount) {
                long batch = Math.max(byteCount - bytes, limit.bytes.batch(limit.sharers()));
                long wait = limit.bytes.take(batch);
                if (wait != 0) {
                    return wait;
                }
                bytes += batch;
            }
            return 0;
        }

        /** What was provided; below 0 where it is not limited, which nobody looks at. */
        void spend(int commandCount, long byteCount) {
            commands -= commandCount;
            bytes -= byteCount;
        }

        void leave() {
            limit.sharers.decrementAndGet();
        }
    }
}
