package io.doorbell.runtime;

import java.util.Collections;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.log.LogEntry;
import org.osgi.service.log.LogListener;
import org.osgi.service.log.LogReaderService;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Carries the OSGi log to SLF4J. Declarative Services, Config Admin and the framework report there and nowhere else:
 * without this a component that cannot be activated is invisible.
 */
final class LogBridge extends ServiceTracker<LogReaderService, LogReaderService> implements LogListener {

    LogBridge(BundleContext context) {
        super(context, LogReaderService.class, null);
    }

    @Override
    public LogReaderService addingService(ServiceReference<LogReaderService> reference) {
        var reader = super.addingService(reference);
        var past = Collections.list(reader.getLog());
        Collections.reverse(past);
        past.forEach(this::logged);
        reader.addLogListener(this);
        return reader;
    }

    @Override
    public void removedService(ServiceReference<LogReaderService> reference, LogReaderService reader) {
        reader.removeLogListener(this);
        super.removedService(reference, reader);
    }

    @Override
    public void logged(LogEntry entry) {
        var level = switch (entry.getLogLevel()) {
            case AUDIT, INFO -> Level.INFO;
            case ERROR -> Level.ERROR;
            case WARN -> Level.WARN;
            case DEBUG -> Level.DEBUG;
            case TRACE -> Level.TRACE;
        };
        // Each service that comes or goes is an event here; only the ones that report an error are of use.
        var event = entry.getLoggerName() != null && entry.getLoggerName().startsWith("Events.");
        if (event && level.toInt() < Level.WARN.toInt()) {
            level = Level.TRACE;
        }
        var bundle = entry.getBundle();
        var name = bundle == null || bundle.getSymbolicName() == null ? "framework" : bundle.getSymbolicName();
        LoggerFactory.getLogger("osgi." + name)
                .atLevel(level)
                .setCause(entry.getException())
                .log(entry.getMessage());
    }
}
