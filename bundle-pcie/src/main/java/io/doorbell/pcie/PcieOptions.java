package io.doorbell.pcie;

import io.doorbell.driver.AdminQueue;
import io.doorbell.nvme.Registers;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * How a controller is driven. Start from {@link #DEFAULTS}.
 *
 * @param adminTimeout an admin command that takes longer is aborted, and if that does not help the controller is reset
 * @param ioTimeout the same for I/O commands; zero waits for ever
 * @param readyTimeout longest wait for a controller to become ready, or to stop being it, however long it says it takes
 * @param adminQueueEntries entries of the admin queues, at least {@link AdminQueue#MIN_ENTRIES}
 * @param shadowDoorbells whether Doorbell Buffer Config is used where a controller offers it
 * @param maxTransferBytes longest command, where the controller does not set a lower limit
 * @param maxQueuePairs queue pairs asked for; the controller may grant fewer
 * @param maxDmaBytes most memory for data at once, over all leases of a controller
 * @param keepAlive Keep Alive Timeout asked for where the controller has the feature; zero for none
 * @param hostId names this host to the controllers that share a subsystem (reservations), where they have the feature
 * @param adminInterrupts whether the admin queue is waited for by its interrupt, where there is one, instead of polling
 * @param sglFromBytes data in one piece, so long or longer, is described by an SGL where a controller has them; 0 for none
 * @param retries times that a command is given to the controller again which says that this may help
 */
public record PcieOptions(
        Duration adminTimeout,
        Duration ioTimeout,
        Duration readyTimeout,
        int adminQueueEntries,
        boolean shadowDoorbells,
        int maxTransferBytes,
        int maxQueuePairs,
        long maxDmaBytes,
        Duration keepAlive,
        Optional<UUID> hostId,
        boolean adminInterrupts,
        int sglFromBytes,
        int retries) {

    public static final PcieOptions DEFAULTS = new PcieOptions(
            Duration.ofSeconds(10),
            Duration.ofSeconds(30),
            Duration.ofSeconds(120),
            64,
            true,
            PrpLists.MAX_TRANSFER_BYTES,
            128,
            4L << 30,
            Duration.ZERO,
            Optional.empty(),
            false,
            32 * 1024,
            4);

    /** Number of Queues counts to this. */
    private static final int MAX_QUEUE_PAIRS = 65_534;

    private static final int MIN_TRANSFER_BYTES = 4096;

    public PcieOptions {
        Objects.requireNonNull(hostId, "hostId");
        if (adminTimeout.isNegative() || adminTimeout.isZero()) {
            throw new IllegalArgumentException("admin timeout " + adminTimeout + ": must be positive");
        }
        if (readyTimeout.isNegative() || readyTimeout.isZero()) {
            throw new IllegalArgumentException("ready timeout " + readyTimeout + ": must be positive");
        }
        if (ioTimeout.isNegative() || keepAlive.isNegative()) {
            throw new IllegalArgumentException(
                    "I/O timeout " + ioTimeout + ", keep alive " + keepAlive + ": must not be negative");
        }
        if (adminQueueEntries < AdminQueue.MIN_ENTRIES || adminQueueEntries > Registers.MAX_ADMIN_QUEUE_ENTRIES) {
            throw new IllegalArgumentException("admin queue entries " + adminQueueEntries + ": "
                    + AdminQueue.MIN_ENTRIES + " to " + Registers.MAX_ADMIN_QUEUE_ENTRIES);
        }
        if (maxTransferBytes < MIN_TRANSFER_BYTES || maxTransferBytes > PrpLists.MAX_TRANSFER_BYTES) {
            throw new IllegalArgumentException("max transfer " + maxTransferBytes + " bytes: " + MIN_TRANSFER_BYTES
                    + " to " + PrpLists.MAX_TRANSFER_BYTES);
        }
        if (maxQueuePairs < 1 || maxQueuePairs > MAX_QUEUE_PAIRS) {
            throw new IllegalArgumentException("max queue pairs " + maxQueuePairs + ": 1 to " + MAX_QUEUE_PAIRS);
        }
        if (maxDmaBytes < 0) {
            throw new IllegalArgumentException("max DMA memory " + maxDmaBytes + " bytes: must not be negative");
        }
    }

    public PcieOptions withTimeouts(Duration admin, Duration io) {
        return with(draft -> {
            draft.adminTimeout = admin;
            draft.ioTimeout = io;
        });
    }

    public PcieOptions withReadyTimeout(Duration ready) {
        return with(draft -> draft.readyTimeout = ready);
    }

    public PcieOptions withShadowDoorbells(boolean used) {
        return with(draft -> draft.shadowDoorbells = used);
    }

    public PcieOptions withMaxTransferBytes(int bytes) {
        return with(draft -> draft.maxTransferBytes = bytes);
    }

    public PcieOptions withMaxDmaBytes(long bytes) {
        return with(draft -> draft.maxDmaBytes = bytes);
    }

    public PcieOptions withKeepAlive(Duration timeout) {
        return with(draft -> draft.keepAlive = timeout);
    }

    public PcieOptions withHostId(UUID id) {
        return with(draft -> draft.hostId = Optional.of(id));
    }

    public PcieOptions withAdminInterrupts(boolean wanted) {
        return with(draft -> draft.adminInterrupts = wanted);
    }

    public PcieOptions withSglFromBytes(int wanted) {
        return with(draft -> draft.sglFromBytes = wanted);
    }

    public PcieOptions withRetries(int wanted) {
        return with(draft -> draft.retries = wanted);
    }

    private PcieOptions with(Consumer<Draft> change) {
        var draft = new Draft(this);
        change.accept(draft);
        return new PcieOptions(
                draft.adminTimeout,
                draft.ioTimeout,
                draft.readyTimeout,
                adminQueueEntries,
                draft.shadowDoorbells,
                draft.maxTransferBytes,
                maxQueuePairs,
                draft.maxDmaBytes,
                draft.keepAlive,
                draft.hostId,
                draft.adminInterrupts,
                draft.sglFromBytes,
                draft.retries);
    }

    /** What may be changed, in a form that can be. */
    private static final class Draft {
        private Duration adminTimeout;
        private Duration ioTimeout;
        private Duration readyTimeout;
        private boolean shadowDoorbells;
        private int maxTransferBytes;
        private long maxDmaBytes;
        private Duration keepAlive;
        private Optional<UUID> hostId;
        private boolean adminInterrupts;
        private int sglFromBytes;
        private int retries;

        Draft(PcieOptions options) {
            adminTimeout = options.adminTimeout;
            ioTimeout = options.ioTimeout;
            readyTimeout = options.readyTimeout;
            shadowDoorbells = options.shadowDoorbells;
            maxTransferBytes = options.maxTransferBytes;
            maxDmaBytes = options.maxDmaBytes;
            keepAlive = options.keepAlive;
            hostId = options.hostId;
            adminInterrupts = options.adminInterrupts;
            sglFromBytes = options.sglFromBytes;
            retries = options.retries;
        }
    }
}
