package io.doorbell.runtime.remote;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A composite of JMX as JSON has it, or nothing: a field that is not there is empty, or 0. */
record Row(Map<String, Object> fields) {
    private static final Pattern NUMBER = Pattern.compile("\\d+");

    /** Of the longest number that is sorted by its value. */
    private static final int DIGITS = 20;

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

    /** Of a list, or of a table in the order of its keys. */
    static List<Row> of(Object value) {
        return switch (value) {
            case Map<?, ?> table ->
                table.entrySet().stream()
                        .sorted(Comparator.comparing(
                                each -> sortable(each.getKey().toString())))
                        .map(each -> new Row(each.getValue()))
                        .toList();
            case List<?> list -> list.stream().map(Row::new).toList();
            case null, default -> List.of();
        };
    }

    /** So that 10 comes behind 9: JSON has no order, and an operator looks for names and numbers where they were a moment ago. */
    private static String sortable(String key) {
        return NUMBER.matcher(key)
                .replaceAll(number ->
                        "0".repeat(Math.max(0, DIGITS - number.group().length())) + number.group());
    }

    /** A list of texts. */
    List<String> texts(String name) {
        return texts(fields.get(name));
    }

    static List<String> texts(Object value) {
        return (value instanceof List<?> list ? list.stream() : Stream.empty())
                .map(String::valueOf)
                .toList();
    }
}
