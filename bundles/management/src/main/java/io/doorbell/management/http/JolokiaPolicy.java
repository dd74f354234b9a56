package io.doorbell.management.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import javax.management.ObjectName;
import org.jolokia.server.core.restrictor.policy.PolicyRestrictor;

/** What may be done through Jolokia: {@code jolokia-policy.xml} says it, and what is not said there is denied. */
final class JolokiaPolicy extends PolicyRestrictor {
    private static final String ANY_ATTRIBUTE = "any";

    private JolokiaPolicy(InputStream policy) {
        super(policy);
    }

    static JolokiaPolicy ofBundle() {
        try (var policy = JolokiaPolicy.class.getResourceAsStream("jolokia-policy.xml")) {
            return new JolokiaPolicy(policy);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A GET only reads: a link or a picture in some page must not change anything. So does who may only look, in whatever way; and who
     * hears of notifications gets them by an operation.
     */
    @Override
    public boolean isOperationAllowed(ObjectName name, String operation) {
        if (name.equals(NotificationRequests.STORE)) {
            return operation.equals(NotificationRequests.PULL) || operation.startsWith(NotificationRequests.PULL + "(");
        }
        return !JolokiaServlet.reading() && super.isOperationAllowed(name, operation);
    }

    /** What cannot be read is not listed either. */
    @Override
    public boolean isObjectNameHidden(ObjectName name) {
        return !isAttributeReadAllowed(name, ANY_ATTRIBUTE);
    }

    /**
     * The {@link Gate} has seen to the origin of each request. Asked for the headers that open an answer to other sites,
     * this says no: there are no such sites.
     */
    @Override
    public boolean isOriginAllowed(String origin, boolean onlyWhenStrict) {
        return onlyWhenStrict;
    }
}
