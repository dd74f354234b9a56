package io.doorbell.management;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Optional;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanParameterInfo;
import javax.management.NotificationEmitter;
import javax.management.StandardEmitterMBean;

/** An MXBean that takes its descriptions from the {@link Description}s of its interface. */
final class DescribedMBean<T> extends StandardEmitterMBean {
    private final Class<T> described;

    /** @param type the MXBean interface */
    DescribedMBean(T bean, Class<T> type, NotificationEmitter emitter) {
        super(bean, type, true, emitter);
        this.described = type;
    }

    @Override
    protected String getDescription(MBeanInfo info) {
        return text(described.getAnnotation(Description.class), super.getDescription(info));
    }

    @Override
    protected String getDescription(MBeanAttributeInfo attribute) {
        var getter = (attribute.isIs() ? "is" : "get") + attribute.getName();
        return method(getter, 0)
                .map(method -> text(method.getAnnotation(Description.class), super.getDescription(attribute)))
                .orElseGet(() -> super.getDescription(attribute));
    }

    @Override
    protected String getDescription(MBeanOperationInfo operation) {
        return method(operation)
                .map(method -> text(method.getAnnotation(Description.class), super.getDescription(operation)))
                .orElseGet(() -> super.getDescription(operation));
    }

    @Override
    protected String getDescription(MBeanOperationInfo operation, MBeanParameterInfo parameter, int sequence) {
        return method(operation)
                .map(method -> text(
                        method.getParameters()[sequence].getAnnotation(Description.class),
                        super.getDescription(operation, parameter, sequence)))
                .orElseGet(() -> super.getDescription(operation, parameter, sequence));
    }

    @Override
    protected String getParameterName(MBeanOperationInfo operation, MBeanParameterInfo parameter, int sequence) {
        return method(operation)
                .map(method -> method.getParameters()[sequence].getName())
                .orElseGet(() -> super.getParameterName(operation, parameter, sequence));
    }

    /** What only reads is an attribute here; every operation changes something. */
    @Override
    protected int getImpact(MBeanOperationInfo operation) {
        return MBeanOperationInfo.ACTION;
    }

    private Optional<Method> method(MBeanOperationInfo operation) {
        return method(operation.getName(), operation.getSignature().length);
    }

    private Optional<Method> method(String name, int parameters) {
        return Arrays.stream(described.getMethods())
                .filter(method -> method.getName().equals(name) && method.getParameterCount() == parameters)
                .findAny();
    }

    private static String text(Description description, String otherwise) {
        return description == null ? otherwise : description.value();
    }
}
