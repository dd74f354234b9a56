package io.doorbell.resources.lease;

import io.doorbell.lease.LeaseEvent;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One line of the log per event, for whoever reads it at night. */
final class LeaseLog {
    private static final Logger LOG = LoggerFactory.getLogger("io.doorbell.lease");

    private LeaseLog() {}

    static void write(LeaseEvent event) {
        var line = line(event);
        switch (event.kind()) {
            case GRANTED, HANDED_OVER, REVOKING, RELEASED -> LOG.info(line);
            case REFUSED, FENCED, NOT_POLLED -> LOG.warn(line);
        }
    }

    static String line(LeaseEvent event) {
        var lease = event.lease();
        var line = new StringBuilder();
        if (event.kind() == LeaseEvent.Kind.REFUSED) {
            line.append("lease of ").append(lease.controller());
        } else {
            line.append("lease ").append(lease.id()).append(" of ").append(lease.controller());
            line.append(" queue ").append(lease.queueId()).append(" epoch ").append(lease.epoch());
        }
        line.append(", ")
                .append(lease.holder())
                .append(" [")
                .append(lease.label())
                .append("], owner ");
        line.append(lease.ownerThread()).append(": ").append(event.kind().name().toLowerCase(Locale.ROOT));
        if (event.reason() != null) {
            line.append(", ").append(event.reason());
        }
        switch (event.kind()) {
            case GRANTED -> line.append(", depth ").append(lease.depth());
            case REVOKING -> line.append(", ").append(event.inFlight()).append(" in flight");
            case NOT_POLLED -> {
                line.append(", ").append(event.inFlight()).append(" in flight, last poll ");
                millis(line, lease.lastPollNanos()).append(" ago");
            }
            case RELEASED, FENCED -> {
                line.append(", ").append(event.inFlight()).append(" in flight, ");
                line.append(event.aborted()).append(" aborted; drain ");
                millis(line, event.drainNanos()).append(", abort ");
                millis(line, event.abortNanos()).append(", delete ");
                millis(line, event.deleteNanos()).append(", close ");
                millis(line, event.closeNanos());
            }
            case REFUSED, HANDED_OVER -> {}
        }
        return line.toString();
    }

    private static StringBuilder millis(StringBuilder line, long nanos) {
        return line.append(String.format(Locale.ROOT, "%.2f ms", nanos / 1e6));
    }
}
