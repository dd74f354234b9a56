package io.doorbell.admin;

import java.util.ArrayList;
import java.util.List;

/**
 * What is to be said, in order, for people and for programs alike.
 *
 * @param trid whose report it is
 */
record Report(String trid, List<Section> sections) {

    /**
     * @param key in JSON
     * @param title for people
     */
    record Section(String key, String title, List<Item> items) {}

    sealed interface Item {}

    /**
     * One thing.
     *
     * @param key in JSON
     * @param label for people
     * @param abbreviation the specification's, or empty
     * @param value for programs: a number, a text, a truth
     * @param text for people
     */
    record Value(String key, String label, String abbreviation, Object value, String text) implements Item {}

    /**
     * A field of bits.
     *
     * @param digits of its hexadecimal form
     * @param set what those say that are set
     */
    record Flags(String key, String label, String abbreviation, long raw, int digits, List<String> set)
            implements Item {}

    /**
     * Rows of the same kind.
     *
     * @param keys of the columns in JSON
     * @param heads of the columns for people
     */
    record Table(String key, List<String> keys, List<String> heads, List<List<Cell>> rows) implements Item {}

    record Cell(Object value, String text) {
        static Cell of(Object value) {
            return new Cell(value, String.valueOf(value));
        }
    }

    /** Collects the items of a section. */
    static final class Builder {
        private final String key;
        private final String title;
        private final List<Item> items = new ArrayList<>();

        Builder(String key, String title) {
            this.key = key;
            this.title = title;
        }

        Builder value(String key, String label, String abbreviation, Object value, String text) {
            items.add(new Value(key, label, abbreviation, value, text));
            return this;
        }

        Builder value(String key, String label, String abbreviation, Object value) {
            return value(key, label, abbreviation, value, String.valueOf(value));
        }

        Builder text(String key, String label, String abbreviation, String text) {
            return value(key, label, abbreviation, text, text.isEmpty() ? "-" : text);
        }

        Builder flags(String key, String label, String abbreviation, long raw, int digits, Bits names) {
            items.add(new Flags(key, label, abbreviation, raw, digits, names.of(raw)));
            return this;
        }

        Builder table(Table table) {
            items.add(table);
            return this;
        }

        Section build() {
            return new Section(key, title, List.copyOf(items));
        }
    }
}
