package io.doorbell.driver;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Sends Keep Alive at half of its timeout. NVMe Base 2.1 §3.9 "Keep Alive". Not while there are other commands, where the controller takes
 * them for as good (§3.9.3 "Traffic Based Keep Alive"). Owner: the admin thread, once started.
 */
final class KeepAlive {
    private final String name;
    private RunningController running;
    private long intervalNanos;
    private long sentNanos;
    private boolean answered;
    private LongSupplier traffic;
    private long seen;

    KeepAlive(String name) {
        this.name = name;
    }

    /** @param commands that have ended on other queues; a number that falls means nothing */
    synchronized void start(RunningController now, LongSupplier commands) {
        running = now;
        traffic = now.trafficKeepsAlive() ? commands : null;
        seen = 0;
        intervalNanos = now.keepAlive().toNanos();
        sentNanos = System.nanoTime();
        answered = true;
    }

    /** @param requestReset told why, when the last one was not answered */
    synchronized void look(Consumer<String> requestReset) {
        long nowNanos = System.nanoTime();
        if (traffic != null && answered && flowed()) {
            sentNanos = nowNanos;
        }
        if (intervalNanos == 0 || nowNanos - sentNanos < intervalNanos) {
            return;
        }
        if (!answered) {
            requestReset.accept(name + ": Keep Alive was not answered within " + intervalNanos / 1_000_000 + " ms");
            return;
        }
        sentNanos = nowNanos;
        answered = false;
        running.admin().executeLater(new NvmCommand().reset(AdminOpcode.KEEP_ALIVE, 0), (status, result) -> ended());
    }

    private boolean flowed() {
        long before = seen;
        seen = traffic.getAsLong();
        return seen > before;
    }

    private synchronized void ended() {
        answered = true;
    }
}
