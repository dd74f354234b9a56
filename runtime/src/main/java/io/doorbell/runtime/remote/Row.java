package io.doorbell.runtime.remote;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A composite of JMX as JSON has it, or nothing: a field that is not there is empty, or 0. */
record Row(Map<String, Object> fields) {
    Row(Object value) {
        this(map(value));
    }

    private static Map<String, Object> map(Object value) {
        var map = new java.util.LinkedHashMap<String, Object>();
        if (value instanceof Map<?, ?> found) {
            found.forEach((key, each) -> map.put(String.valueOf(key), each));
        }
        return map;
    }

    boolean has(String name) {
        return fields.get(name) != null;
    }

    String text(String name) {
        var value = fields.get(name);
        return value == null ? "" : value.toString();
    }

    long number(String name) {
        return fields.get(name) instanceof Number number ? number.longValue() : 0;
    }

    double real(String name) {
        return fields.get(name) instanceof Number number ? number.doubleValue() : 0;
    }

    boolean flag(String name) {
        return Boolean.TRUE.equals(fields.get(name));
    }

    Row row(String name) {
        return new Row(fields.get(name));
    }

    /** Of a list, or of a table by key. */
    List<Row> rows(String name) {
        return of(fields.get(name));
    }

    static List<Row> of(Object value) {
        return switch (value) {
            case Map<?, ?> table -> table.values().stream().map(Row::new).toList();
            case List<?> list -> list.stream().map(Row::new).toList();
            case null, default -> List.of();
        };
    }

    /** A list of texts. */
    List<String> texts(String name) {
        return (fields.get(name) instanceof List<?> list ? list.stream() : Stream.empty())
                .map(String::valueOf)
                .toList();
    }
}
