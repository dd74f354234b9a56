package io.doorbell.subsystem;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.SanitizeSettings;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.Status;
import io.doorbell.storage.Namespace.Erasure;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sanitize of a subsystem: the state of the last one, and the one that runs. NVMe Base 2.1 §8.1.24 "Sanitize Operations". Any
 * thread.
 *
 * <p>A block erase discards every block of every namespace; an overwrite writes its pattern over all of them first, as
 * often as it says, and forces each pass to the store. What is below the store (a file system's journal, a flash translation
 * layer) may still have old data, which is why there is no crypto erase: nothing here is encrypted. It is done in memory
 * of the node: one that the end of the node interrupts is not taken up again.
 */
final class SanitizeOperation {
    private static final Logger LOG = LoggerFactory.getLogger(SanitizeOperation.class);

    /** For commands that were in flight when it started. */
    private static final Duration IDLE_BOUND = Duration.ofSeconds(10);

    private static final int WHOLE = 65_536;

    private final NvmSubsystem subsystem;

    // Guarded by this.
    private int state = SanitizeStatusLog.NEVER;
    private SanitizeSettings settings;
    private int passesCompleted;
    /** The last one failed, and nobody has left that state yet. */
    private boolean failure;
    /** Write commands when it succeeded: while there are no more, everything is erased. */
    private long writesAtEnd = -1;

    private volatile int progress = SanitizeStatusLog.NO_PROGRESS;

    SanitizeOperation(NvmSubsystem subsystem) {
        this.subsystem = subsystem;
    }

    void writeTo(MemorySegment page) {
        long writes = subsystem.writeCommands();
        synchronized (this) {
            SanitizeStatusLog.SPROG.set(
                    page, state == SanitizeStatusLog.IN_PROGRESS ? progress : SanitizeStatusLog.NO_PROGRESS);
            SanitizeStatusLog.SSTAT.set(page, SanitizeStatusLog.sstat(state, passesCompleted, writes == writesAtEnd));
            SanitizeStatusLog.SCDW10.set(page, settings == null ? 0 : settings.cdw10());
        }
        SanitizeStatusLog.ETO.set(page, SanitizeStatusLog.NO_ESTIMATE);
        SanitizeStatusLog.ETBE.set(page, SanitizeStatusLog.NO_ESTIMATE);
        SanitizeStatusLog.ETCE.set(page, SanitizeStatusLog.NO_ESTIMATE);
        SanitizeStatusLog.ETOND.set(page, SanitizeStatusLog.NO_ESTIMATE);
        SanitizeStatusLog.ETBEND.set(page, SanitizeStatusLog.NO_ESTIMATE);
        SanitizeStatusLog.ETCEND.set(page, SanitizeStatusLog.NO_ESTIMATE);
    }

    /** What an admin command is refused with while one runs, or has failed; success for what is allowed then. */
    synchronized int refusal(int opc) {
        if (state != SanitizeStatusLog.IN_PROGRESS && !failure) {
            return Status.SUCCESS;
        }
        return switch (opc) {
            // Of all controllers of NVMe Base 2.1 §5 "Admin Command Set", "Sanitize Operations and … admin commands".
            case AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST,
                    AdminOpcode.GET_FEATURES,
                    AdminOpcode.GET_LOG_PAGE,
                    AdminOpcode.IDENTIFY,
                    AdminOpcode.KEEP_ALIVE,
                    AdminOpcode.SANITIZE,
                    AdminOpcode.SET_FEATURES -> Status.SUCCESS;
            default -> failure ? Status.SANITIZE_FAILED : Status.SANITIZE_IN_PROGRESS;
        };
    }

    /** Sanitize: a status; with success it has begun. */
    int start(int cdw10, int cdw11) {
        var wanted = SanitizeSettings.of(cdw10, cdw11);
        switch (wanted.action()) {
            case SanitizeSettings.EXIT_FAILURE_MODE -> {
                return leaveFailure();
            }
            case SanitizeSettings.BLOCK_ERASE, SanitizeSettings.OVERWRITE -> {}
            default -> {
                return Status.INVALID_FIELD | Status.DNR;
            }
        }
        if (wanted.noDeallocate()) {
            return Status.INVALID_FIELD | Status.DNR; // SANICAP.NDI, and the feature Sanitize Config is not there.
        }
        List<SubsystemNamespace> namespaces;
        synchronized (this) {
            if (state == SanitizeStatusLog.IN_PROGRESS) {
                return Status.SANITIZE_IN_PROGRESS;
            }
            if (failure && !settings.unrestricted() && wanted.unrestricted()) {
                return Status.SANITIZE_FAILED | Status.DNR;
            }
            var never = subsystem.notErasable();
            if (never != null) {
                // Before anything is lost: all of it, or nothing.
                LOG.warn("{}: a host may not sanitize it, since {} cannot be erased", subsystem, never);
                return Status.OPERATION_DENIED | Status.DNR;
            }
            namespaces = subsystem.withholdAll(Status.SANITIZE_IN_PROGRESS);
            if (namespaces == null) {
                return Status.FORMAT_IN_PROGRESS;
            }
            settings = wanted;
            state = SanitizeStatusLog.IN_PROGRESS;
            failure = false;
            passesCompleted = 0;
            progress = 0;
        }
        subsystem.selfTests().stop(SelfTests.ALL, DeviceSelfTestLog.ABORTED_BY_SANITIZE);
        LOG.info(
                "{}: {} of {} namespaces begins", subsystem, SanitizeSettings.name(wanted.action()), namespaces.size());
        // A platform thread: reading and writing files keeps it.
        Thread.ofPlatform().daemon().name("sanitize " + subsystem).start(() -> run(wanted, namespaces));
        return Status.SUCCESS;
    }

    private int leaveFailure() {
        synchronized (this) {
            if (state == SanitizeStatusLog.IN_PROGRESS) {
                return Status.SANITIZE_IN_PROGRESS;
            }
            if (!failure) {
                return Status.SUCCESS;
            }
            if (!settings.unrestricted()) {
                return Status.SANITIZE_FAILED | Status.DNR;
            }
            failure = false;
        }
        subsystem.releaseAll(Status.SANITIZE_FAILED);
        return Status.SUCCESS;
    }

    private void run(SanitizeSettings wanted, List<SubsystemNamespace> namespaces) {
        boolean erased = false;
        try {
            erased = erase(wanted, namespaces);
        } catch (RuntimeException | Error failed) {
            // Whatever it is: the end of this thread without a word would withhold every namespace for good.
            LOG.error("{}: {} failed", subsystem, SanitizeSettings.name(wanted.action()), failed);
        } catch (InterruptedException never) {
            Thread.currentThread().interrupt(); // Nobody knows this thread but us.
        }
        long writes = subsystem.writeCommands();
        synchronized (this) {
            state = erased ? SanitizeStatusLog.SUCCEEDED : SanitizeStatusLog.FAILED;
            failure = !erased;
            writesAtEnd = erased ? writes : -1;
            passesCompleted = erased && wanted.action() == SanitizeSettings.OVERWRITE ? wanted.overwritePasses() : 0;
        }
        if (erased) {
            subsystem.releaseAll(Status.SANITIZE_IN_PROGRESS);
        } else {
            subsystem.stillWithhold(Status.SANITIZE_IN_PROGRESS, Status.SANITIZE_FAILED);
        }
        LOG.info("{}: {} {}", subsystem, SanitizeSettings.name(wanted.action()), erased ? "is done" : "has failed");
        subsystem.sanitizeEnded();
    }

    private boolean erase(SanitizeSettings wanted, List<SubsystemNamespace> namespaces) throws InterruptedException {
        var how = wanted.action() == SanitizeSettings.OVERWRITE
                ? new Erasure(wanted.overwritePasses(), wanted.pattern(), wanted.invertPattern())
                : Erasure.DISCARD;
        for (int i = 0; i < namespaces.size(); i++) {
            var namespace = namespaces.get(i);
            if (!namespace.useAlone(IDLE_BOUND)) {
                if (namespace.isRemoved()) {
                    continue; // Its data is nobody's any more.
                }
                LOG.error("{}: commands to {} have not ended within {}", subsystem, namespace, IDLE_BOUND);
                return false;
            }
            try {
                int before = i;
                boolean done = namespace.namespace().erase(how, (bytes, of) -> {
                    progress = (int) Math.min(WHOLE - 1, (before + (double) bytes / of) * WHOLE / namespaces.size());
                    return !namespace.isRemoved();
                });
                if (!done && !namespace.isRemoved()) {
                    return false;
                }
                namespace.marks().clear(0, Long.MAX_VALUE);
            } finally {
                namespace.endUse();
            }
        }
        return true;
    }
}
