package io.doorbell.subsystem;

import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.Status;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Format NVM: other blocks for a namespace, all zero. Control plane, blocks. */
final class NamespaceFormat {
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceFormat.class);

    /** How long commands that are in flight may keep it waiting. */
    private static final Duration IDLE_BOUND = Duration.ofSeconds(10);

    private final NvmSubsystem subsystem;
    private final SubsystemNamespace namespace;

    NamespaceFormat(NvmSubsystem subsystem, SubsystemNamespace namespace) {
        this.subsystem = subsystem;
        this.namespace = namespace;
    }

    /** Its I/O is refused meanwhile, and what is in flight ends before. Returns a status. */
    int to(BlockFormat format, boolean erase, NvmController cause) {
        if (!subsystem.withhold(namespace, Status.FORMAT_IN_PROGRESS)) {
            int withheld = namespace.withheld();
            return withheld != 0 ? withheld : Status.INVALID_FIELD | Status.DNR;
        }
        subsystem.selfTests().stop(namespace.nsid(), DeviceSelfTestLog.ABORTED_BY_FORMAT);
        boolean formatted = false;
        try {
            if (!namespace.useAlone(IDLE_BOUND)) {
                LOG.error("{} of {} is not formatted: its commands have not ended", namespace, subsystem);
                return Status.INTERNAL_ERROR;
            }
            try {
                // First: it says no before anything is lost, where it cannot be done.
                namespace.namespace().format(format);
                namespace.marks().clear(0, Long.MAX_VALUE);
                formatted = true;
                if (erase) {
                    namespace.namespace().erase(Namespace.Erasure.DISCARD, (done, of) -> true);
                }
            } finally {
                namespace.endUse();
            }
            LOG.info("{} of {}: a host formatted it with blocks of {}", namespace, subsystem, format);
            return Status.SUCCESS;
        } catch (IllegalArgumentException tooSmall) {
            return Status.INVALID_FORMAT | Status.DNR;
        } catch (UnsupportedOperationException never) {
            LOG.warn("{} of {}: a host may not format it: {}", namespace, subsystem, never.getMessage());
            return Status.OPERATION_DENIED | Status.DNR;
        } catch (UncheckedIOException failed) {
            LOG.error("{} of {} could not be formatted", namespace, subsystem, failed);
            return Status.WRITE_FAULT;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Status.INTERNAL_ERROR;
        } finally {
            subsystem.release(namespace, Status.FORMAT_IN_PROGRESS, formatted ? cause : null, formatted);
        }
    }
}
