package io.doorbell.management;

import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Map;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.CompositeDataSupport;
import javax.management.openmbean.CompositeType;
import javax.management.openmbean.OpenDataException;
import javax.management.openmbean.OpenType;
import javax.management.openmbean.SimpleType;

/**
 * A record as JMX's open data, the way an MXBean's attributes are mapped. Notifications are not: what travels in them has
 * to be made here, so that whoever hears one needs no class of ours.
 */
final class OpenRecords {
    private static final Map<Class<?>, SimpleType<?>> SIMPLE = Map.of(
            boolean.class, SimpleType.BOOLEAN,
            int.class, SimpleType.INTEGER,
            long.class, SimpleType.LONG,
            double.class, SimpleType.DOUBLE,
            String.class, SimpleType.STRING);

    private OpenRecords() {}

    /** @throws IllegalArgumentException where a component is neither simple, nor an enum, nor such a record */
    static CompositeData composite(Record value) {
        var components = value.getClass().getRecordComponents();
        var values = Arrays.stream(components)
                .map(component -> open(component(value, component)))
                .toArray();
        try {
            return new CompositeDataSupport(compositeType(value.getClass()), names(components), values);
        } catch (OpenDataException e) {
            throw new IllegalArgumentException(value.getClass().getName(), e);
        }
    }

    private static CompositeType compositeType(Class<?> type) throws OpenDataException {
        var components = type.getRecordComponents();
        var types = new OpenType<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            types[i] = openType(components[i].getType());
        }
        return new CompositeType(type.getName(), type.getName(), names(components), names(components), types);
    }

    private static OpenType<?> openType(Class<?> type) throws OpenDataException {
        if (type.isEnum()) {
            return SimpleType.STRING;
        }
        if (type.isRecord()) {
            return compositeType(type);
        }
        var simple = SIMPLE.get(type);
        if (simple == null) {
            throw new IllegalArgumentException("no open type for " + type.getName());
        }
        return simple;
    }

    private static Object open(Object value) {
        return switch (value) {
            case Enum<?> constant -> constant.name();
            case Record nested -> composite(nested);
            case null, default -> value;
        };
    }

    private static Object component(Record value, RecordComponent component) {
        try {
            return component.getAccessor().invoke(value);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException(component.toString(), e);
        }
    }

    private static String[] names(RecordComponent[] components) {
        return Arrays.stream(components).map(RecordComponent::getName).toArray(String[]::new);
    }
}
