package io.doorbell.management.http;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.management.HealthMXBean;
import io.doorbell.management.HealthManagement;
import jakarta.servlet.Servlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.LinkedHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.servlet.whiteboard.propertytypes.HttpWhiteboardContextSelect;
import org.osgi.service.servlet.whiteboard.propertytypes.HttpWhiteboardServletName;
import org.osgi.service.servlet.whiteboard.propertytypes.HttpWhiteboardServletPattern;

/**
 * {@code /health}: all checks, and 200 while the node is live and ready, else 503. {@code /health/live} and {@code /health/ready} ask for
 * one of the two.
 */
@Component(service = Servlet.class)
@HttpWhiteboardContextSelect("(osgi.http.whiteboard.context.name=" + GuardedContext.NAME + ")")
@HttpWhiteboardServletName("health")
@HttpWhiteboardServletPattern({"/health", "/health/live", "/health/ready"})
public final class HealthServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;

    private final transient HealthManagement health;

    @Activate
    public HealthServlet(@Reference HealthManagement health) {
        this.health = health;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        var now = health.health();
        boolean good = switch (request.getRequestURI()) {
            case "/health/live" -> now.isLive();
            case "/health/ready" -> now.isReady();
            default -> now.isLive() && now.isReady();
        };
        response.setStatus(good ? HttpServletResponse.SC_OK : HttpServletResponse.SC_SERVICE_UNAVAILABLE);
        response.setContentType("application/json; charset=utf-8");
        response.getWriter().println(JSON.std.asString(document(now)));
    }

    private static LinkedHashMap<String, Object> document(HealthMXBean now) {
        var checks = new LinkedHashMap<String, Object>();
        now.getChecks().forEach((name, check) -> {
            var fields = new LinkedHashMap<String, Object>();
            fields.put("status", check.status());
            fields.put("message", check.message());
            fields.put("tags", check.tags());
            fields.put("sinceMillis", check.sinceMillis());
            checks.put(name, fields);
        });
        var document = new LinkedHashMap<String, Object>();
        document.put("live", now.isLive());
        document.put("ready", now.isReady());
        document.put("checks", checks);
        return document;
    }
}
