package io.doorbell.subsystem;

import io.doorbell.nvme.DeviceSelfTestLog;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Another size for a namespace that hosts use, without one of their commands failing that stays within it.
 *
 * <p>It grows at once, and then every path opens a session that knows. To shrink, hosts are first shown the smaller one: from then on
 * paths refuse what lies behind the new end, and when all have let go of the sessions that knew more, the store gives it up.
 *
 * <p>Control plane, blocks.
 */
final class NamespaceResize {
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceResize.class);

    /** How long commands that are in flight may keep it waiting. */
    private static final Duration TURN_BOUND = Duration.ofSeconds(10);

    private final NvmSubsystem subsystem;
    private final SubsystemNamespace namespace;

    NamespaceResize(NvmSubsystem subsystem, SubsystemNamespace namespace) {
        this.subsystem = subsystem;
        this.namespace = namespace;
    }

    /**
     * @throws IllegalArgumentException when it cannot have that size: what is allowed
     * @throws IllegalStateException when it is being worked on, or its commands have not ended in time
     * @throws java.io.UncheckedIOException when the store could not be resized
     */
    void to(long bytes) {
        if (!namespace.use()) {
            throw new IllegalStateException(
                    namespace + " of " + subsystem + " is being formatted, sanitized or removed. Resize it after that");
        }
        var before = namespace.shape();
        boolean done = false;
        try {
            var after = before.resized(bytes);
            if (after.blockCount() < before.blockCount()) {
                shrink(bytes);
            } else {
                namespace.namespace().resize(bytes);
            }
            done = true;
        } catch (UnsupportedOperationException never) {
            throw new IllegalArgumentException(namespace + " of " + subsystem + ": " + never.getMessage(), never);
        } finally {
            namespace.endUse();
            namespace.show(null);
            subsystem.refresh(namespace, done);
        }
        LOG.info("{} of {} has {} bytes, and had {}", namespace, subsystem, bytes, before.byteSize());
    }

    private void shrink(long bytes) {
        var smaller = namespace.shape().resized(bytes);
        namespace.show(smaller);
        subsystem.refresh(namespace, false);
        try {
            subsystem.selfTests().stop(namespace.nsid(), DeviceSelfTestLog.ABORTED_UNKNOWN);
            if (!namespace.awaitTurn(TURN_BOUND)) {
                throw new IllegalStateException(
                        "commands to " + namespace + " of " + subsystem + " have not ended within " + TURN_BOUND);
            }
            namespace.namespace().resize(bytes);
            namespace.marks().clear(smaller.blockCount(), Long.MAX_VALUE - smaller.blockCount());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + namespace + " of " + subsystem + " shrank", e);
        }
    }
}
