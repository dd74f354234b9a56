package io.doorbell.management;

import javax.management.InstanceAlreadyExistsException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An MBean that an MBean server knows until {@link #close}. */
final class Registration implements AutoCloseable {
    private static final String DOMAIN = "io.doorbell";

    private static final Logger LOG = LoggerFactory.getLogger(Registration.class);

    private final MBeanServer server;
    private final ObjectName name;

    private Registration(MBeanServer server, ObjectName name) {
        this.server = server;
        this.name = name;
    }

    /** @throws IllegalStateException where the server has an MBean of this name */
    static Registration of(MBeanServer server, ObjectName name, DescribedMBean<?> bean) {
        try {
            server.registerMBean(bean, name);
            return new Registration(server, name);
        } catch (InstanceAlreadyExistsException e) {
            throw new IllegalStateException("there is an MBean " + name + " already", e);
        } catch (JMException e) {
            throw new IllegalStateException("the MBean " + name + " cannot be registered", e);
        }
    }

    /** {@code io.doorbell:type=TYPE}. */
    static ObjectName name(String type) {
        return parsed("type=" + type);
    }

    /** {@code io.doorbell:type=TYPE,KEY="VALUE"}; quoted, so that the value may be any text. */
    static ObjectName name(String type, String key, String value) {
        return parsed("type=" + type + "," + key + "=" + ObjectName.quote(value));
    }

    private static ObjectName parsed(String keys) {
        try {
            return new ObjectName(DOMAIN + ":" + keys);
        } catch (MalformedObjectNameException e) {
            throw new IllegalArgumentException(keys, e);
        }
    }

    ObjectName name() {
        return name;
    }

    /** Idempotent. */
    @Override
    public void close() {
        try {
            server.unregisterMBean(name);
        } catch (InstanceNotFoundException e) {
            LOG.debug("{} is gone already", name);
        } catch (JMException e) {
            LOG.warn("{} cannot be unregistered", name, e);
        }
    }
}
