package io.doorbell.host.admin;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SanitizeSettings;
import io.doorbell.nvme.SanitizeStatusLog;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * All data of an NVM subsystem made unreadable, on every namespace and for every host. NVMe Base 2.1 §5.1.22 "Sanitize
 * command", §8.1.24 "Sanitize Operations". Any thread. It goes on after the command has ended, over resets too, and until
 * it has ended the subsystem refuses I/O.
 */
public final class Sanitization {
    private static final long LOOK_NANOS = 10_000_000;
    private static final double WHOLE = 65_536;

    private final AdminCommands admin;

    /**
     * How far it is.
     *
     * @param state one of the states of {@link SanitizeStatusLog}
     * @param progress 0 to 1 while it is in progress, else 1
     * @param passesCompleted of an overwrite
     * @param globalDataErased nothing was written since it succeeded
     * @param settings dword 10 of the command that started it
     */
    public record Progress(int state, double progress, int passesCompleted, boolean globalDataErased, int settings) {
        static Progress of(MemorySegment page) {
            int sprog = SanitizeStatusLog.SPROG.get(page);
            int state = SanitizeStatusLog.state(page);
            return new Progress(
                    state,
                    state == SanitizeStatusLog.IN_PROGRESS ? sprog / WHOLE : 1,
                    SanitizeStatusLog.passesCompleted(page),
                    SanitizeStatusLog.globalDataErased(page),
                    SanitizeStatusLog.SCDW10.get(page));
        }

        public boolean inProgress() {
            return state == SanitizeStatusLog.IN_PROGRESS;
        }

        public boolean succeeded() {
            return state == SanitizeStatusLog.SUCCEEDED || state == SanitizeStatusLog.SUCCEEDED_DEALLOCATED;
        }
    }

    public Sanitization(AdminCommands admin) {
        this.admin = admin;
    }

    /** Starts it, or leaves the failure of the last one. Returns when the controller has begun. */
    public void start(SanitizeSettings settings) {
        var command = new NvmCommand().reset(AdminOpcode.SANITIZE, 0);
        command.cdw10 = settings.cdw10();
        command.cdw11 = settings.pattern();
        admin.raw(command, null);
    }

    public Progress progress() {
        return Progress.of(admin.sanitizeStatus());
    }

    /**
     * Waits for its end.
     *
     * @return the last progress, which says whether it succeeded
     * @throws NvmeException of kind {@code RETRY} when it goes on at the bound, or the thread is interrupted
     */
    public Progress await(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            var now = progress();
            if (!now.inProgress()) {
                return now;
            }
            if (System.nanoTime() - deadline >= 0 || Thread.currentThread().isInterrupted()) {
                throw new NvmeException(
                        NvmeException.Kind.RETRY,
                        admin.controller() + ", Sanitize",
                        String.format("goes on, %.1f %% are done", 100 * now.progress()));
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }
}
