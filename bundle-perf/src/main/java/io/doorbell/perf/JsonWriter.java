package io.doorbell.perf;

import java.util.Collection;
import java.util.Map;

/** Maps, collections, text, numbers, booleans and null as JSON (RFC 8259), on one line. */
final class JsonWriter {
    private final StringBuilder text = new StringBuilder();

    private JsonWriter() {}

    /** @throws IllegalArgumentException for other values, and for numbers JSON does not have */
    static String write(Object value) {
        var writer = new JsonWriter();
        writer.value(value);
        return writer.text.toString();
    }

    private void value(Object value) {
        switch (value) {
            case null -> text.append("null");
            case Map<?, ?> map -> object(map);
            case Collection<?> values -> array(values);
            case CharSequence characters -> string(characters);
            case Double number
            when !Double.isFinite(number) -> throw new IllegalArgumentException(number + " is no number in JSON");
            case Number number -> text.append(number);
            case Boolean bool -> text.append(bool);
            default -> throw new IllegalArgumentException("no JSON form of " + value.getClass());
        }
    }

    private void object(Map<?, ?> map) {
        var separator = "{";
        for (var entry : map.entrySet()) {
            text.append(separator);
            string((CharSequence) entry.getKey());
            text.append(':');
            value(entry.getValue());
            separator = ",";
        }
        text.append(map.isEmpty() ? "{}" : "}");
    }

    private void array(Collection<?> values) {
        var separator = "[";
        for (var value : values) {
            text.append(separator);
            value(value);
            separator = ",";
        }
        text.append(values.isEmpty() ? "[]" : "]");
    }

    private void string(CharSequence characters) {
        text.append('"');
        characters.chars().forEach(c -> {
            switch (c) {
                case '"', '\\' -> text.append('\\').append((char) c);
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                default -> {
                    // Controls must be escaped; lone surrogates would not survive the encoding of a file.
                    if (c < 0x20 || Character.isSurrogate((char) c)) {
                        text.append(String.format("\\u%04x", c));
                    } else {
                        text.append((char) c);
                    }
                }
            }
        });
        text.append('"');
    }
}
