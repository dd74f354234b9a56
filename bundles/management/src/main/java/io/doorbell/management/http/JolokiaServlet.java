package io.doorbell.management.http;

import jakarta.servlet.ServletConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.jolokia.server.core.osgi.OsgiAgentServlet;
import org.jolokia.server.core.service.api.JolokiaServiceManager;
import org.osgi.framework.BundleContext;

/** Jolokia, with our policy. */
final class JolokiaServlet extends OsgiAgentServlet {
    private static final long serialVersionUID = 1L;

    private static final ScopedValue<Boolean> READING = ScopedValue.newInstance();

    private final transient JolokiaPolicy policy;
    private transient NotificationRequests notifications;

    JolokiaServlet(BundleContext context) {
        this(context, JolokiaPolicy.ofBundle());
    }

    private JolokiaServlet(BundleContext context, JolokiaPolicy policy) {
        super(context, policy);
        this.policy = policy;
    }

    @Override
    protected void initServices(ServletConfig config, JolokiaServiceManager services) {
        super.initServices(config, services);
        notifications = new NotificationRequests(policy);
        services.addService(notifications);
    }

    /** No request comes before this has returned. */
    @Override
    public void init(ServletConfig config) throws ServletException {
        super.init(config);
        notifications.lookAround();
    }

    /** Whether the request that this thread handles may only read: by whom it is, or as a GET. */
    static boolean reading() {
        return READING.isBound();
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (GuardedContext.isOperator(request)) {
            super.doPost(request, response);
        } else {
            ScopedValue.where(READING, true).<Void, IOException>call(() -> {
                super.doPost(request, response);
                return null;
            });
        }
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        ScopedValue.where(READING, true).<Void, IOException>call(() -> {
            super.doGet(request, response);
            return null;
        });
    }
}
