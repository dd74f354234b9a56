package io.doorbell.management.http;

import org.jolokia.server.core.request.JolokiaRequest;
import org.jolokia.server.core.service.request.AbstractRequestHandler;
import org.jolokia.server.core.util.RequestType;

/**
 * Refuses notification requests. The policy file cannot: Jolokia 2.6 asks it about every type of request but this one, and
 * each client that registers would stay in memory.
 */
final class NotificationRefusal extends AbstractRequestHandler {
    /** Before Jolokia's own handlers, which count from 0 up. */
    private static final int FIRST = -1;

    NotificationRefusal() {
        super("doorbell", FIRST);
    }

    @Override
    public boolean canHandle(JolokiaRequest request) {
        return request.getType() == RequestType.NOTIFICATION;
    }

    @Override
    public <R extends JolokiaRequest> Object handleRequest(R request, Object previousResult) {
        throw new SecurityException("Command notification is forbidden: poll the attribute History of Leases");
    }
}
