package io.doorbell.pcie;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps Asynchronous Event Requests with the controller and acts on what comes. Reading the log page an event names is what
 * lets the controller report the next of its kind. NVMe Base 2.1 §5.1.2 "Asynchronous Event Request command".
 */
final class AsyncEvents {
    private static final Logger LOG = LoggerFactory.getLogger(AsyncEvents.class);

    private static final int LOG_PAGE_BYTES = 512;

    private final String name;
    private final Duration bound;
    private final ControlThread control;
    private final Runnable namespacesChanged;

    AsyncEvents(String name, Duration bound, ControlThread control, Runnable namespacesChanged) {
        this.name = name;
        this.bound = bound;
        this.control = control;
        this.namespacesChanged = namespacesChanged;
    }

    void arm(BringUp.Running running) {
        for (int i = 0; i < running.eventRequests(); i++) {
            request(running.admin());
        }
    }

    private void request(AdminQueue admin) {
        var command = new NvmCommand().reset(AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, 0);
        admin.executeLater(command, (status, result) -> {
            if (status != Status.SUCCESS) {
                // Aborted with the queue, or more than the controller takes: one less, then.
                LOG.debug("{}: an event request ended with {}", name, new Status(status));
                return;
            }
            request(admin);
            var event = new AsyncEvent((int) result);
            if (!control.execute(() -> handle(admin, event))) {
                LOG.warn("{} reports {}, one of too many to follow", name, event);
            }
        });
    }

    private void handle(AdminQueue admin, AsyncEvent event) {
        try {
            if (event.type() == AsyncEvent.TYPE_NOTICE
                    && event.info() == AsyncEvent.NOTICE_ATTACHED_NAMESPACE_ATTRIBUTE_CHANGED) {
                // The page first: what changes after it was read is another event.
                page(admin, LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, NamespaceList.SIZE_BYTES);
                namespacesChanged.run();
            } else if (event.type() == AsyncEvent.TYPE_ERROR) {
                LOG.warn("{} reports {}{}", name, event, errorDetail(admin, event));
            } else if (event.type() == AsyncEvent.TYPE_SMART) {
                var page = page(admin, LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES);
                LOG.warn(
                        "{} reports {}: critical warning {}h, {} K, spare {} %, used {} %, {} media errors",
                        name,
                        event,
                        Integer.toHexString(SmartLog.CRITICAL_WARNING.get(page)),
                        SmartLog.COMPOSITE_TEMPERATURE.get(page),
                        SmartLog.AVAILABLE_SPARE.get(page),
                        SmartLog.PERCENTAGE_USED.get(page),
                        SmartLog.MEDIA_ERRORS.get(page));
            } else {
                LOG.info("{} reports {}", name, event);
                page(admin, event.lid(), LOG_PAGE_BYTES);
            }
        } catch (NvmeException e) {
            LOG.warn("{}: {}, while following {}", name, e.getMessage(), event);
        }
    }

    private String errorDetail(AdminQueue admin, AsyncEvent event) {
        if (event.lid() != LogPageId.ERROR_INFORMATION) {
            return "";
        }
        var page = page(admin, LogPageId.ERROR_INFORMATION, ErrorLogEntry.SIZE_BYTES);
        return ", error " + ErrorLogEntry.ERROR_COUNT.get(page) + " of queue " + ErrorLogEntry.SQID.get(page);
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
