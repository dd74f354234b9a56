package io.doorbell.deployment;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One key that a component understands: an Attribute Definition (OSGi Compendium 8 §105.8.4 "Attribute Definition").
 *
 * @param cardinality 0 one value, positive an array of at most so many, negative a list of at most so many
 * @param min null where there is no lower bound, as with {@code max}
 * @param defaultValue as it would stand in a file; null where there is none
 * @param allowed the only values allowed; empty where any is
 */
record Option(
        String key,
        Type type,
        int cardinality,
        BigDecimal min,
        BigDecimal max,
        String defaultValue,
        boolean required,
        List<String> allowed,
        String description) {

    enum Type {
        STRING(String.class, "a text"),
        PASSWORD(String.class, "a text"),
        BOOLEAN(Boolean.class, "true or false"),
        CHARACTER(Character.class, "one character"),
        BYTE(Byte.class, "a whole number"),
        SHORT(Short.class, "a whole number"),
        INTEGER(Integer.class, "a whole number"),
        LONG(Long.class, "a whole number"),
        FLOAT(Float.class, "a number"),
        DOUBLE(Double.class, "a number");

        private final Class<?> valueClass;
        private final String words;

        Type(Class<?> valueClass, String words) {
            this.valueClass = valueClass;
            this.words = words;
        }
    }

    boolean scalar() {
        return cardinality == 0;
    }

    /** Secret: neither the log nor a message may show it. */
    boolean secret() {
        return type == Type.PASSWORD;
    }

    /** What may stand behind the key, in words, with the default. */
    String whatIsAllowed() {
        var words = new StringBuilder();
        if (!scalar()) {
            words.append("a list with commas between");
            var most = Math.abs((long) cardinality);
            if (most < Integer.MAX_VALUE) {
                words.append(" (at most ").append(most).append(')');
            }
            words.append(", each ");
        }
        if (!allowed.isEmpty()) {
            words.append("one of ").append(String.join(", ", allowed));
        } else {
            words.append(type.words).append(range());
        }
        if (defaultValue != null && !secret()) {
            words.append(" (default ")
                    .append(defaultValue.isEmpty() ? "empty" : defaultValue)
                    .append(')');
        }
        return words.toString();
    }

    private String range() {
        var text = type == Type.STRING || type == Type.PASSWORD;
        var unit = text ? " characters" : "";
        if (min != null && max != null) {
            return (text ? " of " : " from ") + min.toPlainString() + " to " + max.toPlainString() + unit;
        }
        if (min != null) {
            return " of at least " + min.toPlainString() + unit;
        }
        return max == null ? "" : " of at most " + max.toPlainString() + unit;
    }

    /** The typed value for Config Admin; empty where the text is none that is allowed. */
    Optional<Object> parse(String text) {
        if (scalar()) {
            return element(text);
        }
        var elements = split(text);
        if (elements.size() > Math.abs((long) cardinality)) {
            return Optional.empty();
        }
        var values = new ArrayList<>();
        for (var each : elements) {
            var value = element(each);
            if (value.isEmpty()) {
                return Optional.empty();
            }
            values.add(value.get());
        }
        return Optional.of(cardinality < 0 ? values : values.toArray(size -> array(size)));
    }

    private Object[] array(int size) {
        return (Object[]) Array.newInstance(type.valueClass, size);
    }

    private Optional<Object> element(String text) {
        if (!allowed.isEmpty() && !allowed.contains(text)) {
            return Optional.empty();
        }
        try {
            return switch (type) {
                case STRING, PASSWORD -> inRange(BigDecimal.valueOf(text.length()), text);
                case BOOLEAN ->
                    text.equals("true") || text.equals("false") ? Optional.of(Boolean.valueOf(text)) : Optional.empty();
                case CHARACTER -> text.length() == 1 ? Optional.of(text.charAt(0)) : Optional.empty();
                case BYTE -> inRange(new BigDecimal(text), Byte.valueOf(text));
                case SHORT -> inRange(new BigDecimal(text), Short.valueOf(text));
                case INTEGER -> inRange(new BigDecimal(text), Integer.valueOf(text));
                case LONG -> inRange(new BigDecimal(text), Long.valueOf(text));
                case FLOAT -> inRange(new BigDecimal(text), Float.valueOf(text));
                case DOUBLE -> inRange(new BigDecimal(text), Double.valueOf(text));
            };
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private Optional<Object> inRange(BigDecimal measure, Object value) {
        var low = min != null && measure.compareTo(min) < 0;
        var high = max != null && measure.compareTo(max) > 0;
        return low || high ? Optional.empty() : Optional.of(value);
    }

    /** Commas part the elements; {@code \,} is a comma and {@code \\} a backslash within one. */
    static List<String> split(String text) {
        if (text.isBlank()) {
            return List.of();
        }
        var elements = new ArrayList<String>();
        var element = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            var c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length() && ",\\".indexOf(text.charAt(i + 1)) >= 0) {
                element.append(text.charAt(++i));
            } else if (c == ',') {
                elements.add(element.toString().strip());
                element.setLength(0);
            } else {
                element.append(c);
            }
        }
        elements.add(element.toString().strip());
        return elements;
    }
}
