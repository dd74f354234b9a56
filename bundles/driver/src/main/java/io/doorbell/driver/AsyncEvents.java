package io.doorbell.driver;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps Asynchronous Event Requests with the controller and acts on what comes. Reading the log page an event names is what
 * lets the controller report the next of its kind. NVMe Base 2.1 §5.1.2 "Asynchronous Event Request command".
 *
 * <p>Namespaces that changed are read anew. Firmware that is being activated is waited for: the controller has stopped
 * processing meanwhile (CSTS.PP), and is reset if it does not go on within what it promised (MTFA). Everything else is
 * logged, and all of it is told to listeners.
 */
final class AsyncEvents {
    private static final Logger LOG = LoggerFactory.getLogger(AsyncEvents.class);

    private static final int LOG_PAGE_BYTES = 512;
    private static final int RESERVATION_NOTIFICATION_BYTES = 64;

    /** How often an event is followed, if that fails. */
    private static final int TRIES = 4;

    private static final int MTFA_UNIT_MILLIS = 100;

    /** For a controller that does not say how long it takes to activate firmware. */
    private static final Duration LONGEST_ACTIVATION = Duration.ofSeconds(30);

    private static final MemorySegment NO_PAGE =
            MemorySegment.ofArray(new byte[0]).asReadOnly();

    /** What follows from events. Called on the control thread. */
    interface Follower {
        void namespacesChanged();

        /** Waits while the controller has stopped processing; returns whether it goes on. */
        boolean awaitProcessing(Duration bound);

        /** The controller runs other firmware, and may say other things of itself. */
        void firmwareActivated();

        /** The controller paused for an activation of firmware, and does not go on. */
        void stalled(String reason);

        void followed(AsyncEvent event, MemorySegment page);
    }

    private final String name;
    private final Duration bound;
    private final ControlThread control;
    private final Follower follower;

    AsyncEvents(String name, Duration bound, ControlThread control, Follower follower) {
        this.name = name;
        this.bound = bound;
        this.control = control;
        this.follower = follower;
    }

    void arm(RunningController running) {
        for (int i = 0; i < running.eventRequests(); i++) {
            request(running);
        }
    }

    private void request(RunningController running) {
        var command = new NvmCommand().reset(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0);
        running.admin().executeLater(command, (status, result) -> {
            if (status != Status.SUCCESS) {
                // Aborted with the queue, or more than the controller takes: one less, then.
                LOG.debug("{}: an event request ended with {}", name, new Status(status));
                return;
            }
            request(running);
            var event = new AsyncEvent((int) result);
            if (!control.execute(() -> handle(running, event, null, TRIES))) {
                LOG.warn("{} reports {}, one of too many to follow", name, event);
            }
        });
    }

    /** @param read the page of the event, if that has been read before */
    private void handle(RunningController running, AsyncEvent event, MemorySegment read, int triesLeft) {
        var page = read;
        try {
            if (page == null && isFirmwareActivation(event)) {
                awaitActivation(running, event);
            }
            // The page first: what changes after it was read is another event.
            if (page == null) {
                page = page(running.admin(), event);
                log(event, page);
            }
            if (isFirmwareActivation(event)) {
                follower.firmwareActivated();
            }
            if (event.type() == AsyncEvent.TYPE_NOTICE
                    && event.info() == AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED) {
                follower.namespacesChanged();
            }
        } catch (NvmeException e) {
            LOG.warn("{}: {}, while following {}", name, e.getMessage(), event);
            // The controller does not report again what was read, so it is followed again from where it failed.
            var had = page;
            if (triesLeft > 1 && control.execute(() -> handle(running, event, had, triesLeft - 1))) {
                return;
            }
        }
        follower.followed(event, page == null ? NO_PAGE : page);
    }

    private static boolean isFirmwareActivation(AsyncEvent event) {
        return event.type() == AsyncEvent.TYPE_NOTICE && event.info() == AsyncEvent.NOTICE_FIRMWARE_ACTIVATION_STARTING;
    }

    /** Commands may be submitted meanwhile: they wait in their queues. */
    private void awaitActivation(RunningController running, AsyncEvent event) {
        int mtfa =
                IdentifyController.MTFA.get(MemorySegment.ofArray(running.info().raw()));
        var promised = mtfa == 0 ? LONGEST_ACTIVATION : Duration.ofMillis((long) mtfa * MTFA_UNIT_MILLIS);
        LOG.info("{} reports {}: it activates firmware, within {} ms", name, event, promised.toMillis());
        if (!follower.awaitProcessing(promised)) {
            follower.stalled("firmware was not activated within " + promised.toMillis() + " ms, CSTS.PP is set");
        }
    }

    private void log(AsyncEvent event, MemorySegment page) {
        if (event.type() == AsyncEvent.TYPE_ERROR && page != NO_PAGE && event.lid() == LogPageId.ERROR_INFORMATION) {
            LOG.warn(
                    "{} reports {}, error {} of queue {}",
                    name,
                    event,
                    ErrorLogEntry.ERROR_COUNT.get(page),
                    ErrorLogEntry.SQID.get(page));
        } else if (event.type() == AsyncEvent.TYPE_SMART && event.lid() == LogPageId.SMART_HEALTH_INFORMATION) {
            LOG.warn(
                    "{} reports {}: critical warning {}h, {} K, spare {} %, used {} %, {} media errors",
                    name,
                    event,
                    Integer.toHexString(SmartLog.CRITICAL_WARNING.get(page)),
                    SmartLog.COMPOSITE_TEMPERATURE.get(page),
                    SmartLog.AVAILABLE_SPARE.get(page),
                    SmartLog.PERCENTAGE_USED.get(page),
                    SmartLog.MEDIA_ERRORS.get(page));
        } else if (event.type() == AsyncEvent.TYPE_ERROR || event.type() == AsyncEvent.TYPE_IMMEDIATE) {
            LOG.warn("{} reports {}", name, event);
        } else {
            LOG.info("{} reports {}", name, event);
        }
    }

    /**
     * The page that the event names. Of an Asynchronous Event Request no event says that there is none; those of the types
     * below come without.
     */
    private MemorySegment page(AdminQueue admin, AsyncEvent event) {
        if (event.type() == AsyncEvent.TYPE_IMMEDIATE || event.type() == AsyncEvent.TYPE_ONE_SHOT) {
            return NO_PAGE;
        }
        int bytes = switch (event.lid()) {
            case LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST -> NamespaceList.SIZE_BYTES;
            case LogPageId.ERROR_INFORMATION -> ErrorLogEntry.SIZE_BYTES;
            case LogPageId.RESERVATION_NOTIFICATION -> RESERVATION_NOTIFICATION_BYTES;
            case LogPageId.SANITIZE_STATUS -> SanitizeStatusLog.SIZE_BYTES;
            case LogPageId.SMART_HEALTH_INFORMATION -> SmartLog.SIZE_BYTES;
            default -> LOG_PAGE_BYTES;
        };
        return page(admin, event.lid(), bytes).asReadOnly();
    }

    /** NVMe Base 2.1 §5.1.12 "Get Log Page command": dwords to transfer, 0's based, in dwords 10 and 11. */
    private MemorySegment page(AdminQueue admin, int lid, int bytes) {
        var data = MemorySegment.ofArray(new byte[bytes]);
        int dwordsZeroBased = bytes / 4 - 1;
        var command = new NvmCommand().reset(AdminOpcode.GET_LOG_PAGE, NamespaceList.BROADCAST_NSID);
        command.cdw10 = lid | (dwordsZeroBased & 0xFFFF) << 16;
        command.cdw11 = dwordsZeroBased >>> 16;
        admin.execute(command, data, bound);
        return data;
    }
}
