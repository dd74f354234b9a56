package io.doorbell.runtime.remote;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows under headings, each column as wide as its widest cell. A heading that begins with {@code >} is of a column of figures, which end at its right. */
final class Table {
    private static final String GAP = "  ";
    private static final String NOTHING = "-";

    private final String[] headings;
    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    Table(String... headings) {
        this.headings = Arrays.stream(headings)
                .map(heading -> heading.startsWith(">") ? heading.substring(1) : heading)
                .toArray(String[]::new);
        this.right = new boolean[headings.length];
        for (int i = 0; i < right.length; i++) {
            right[i] = headings[i].startsWith(">");
        }
    }

    Table row(Object... cells) {
        if (cells.length != headings.length) {
            throw new IllegalArgumentException(cells.length + " cells under " + headings.length + " headings");
        }
        rows.add(Arrays.stream(cells).map(Table::cell).toArray(String[]::new));
        return this;
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    private static String cell(Object value) {
        var text = value == null ? "" : printable(value.toString());
        return text.isEmpty() ? NOTHING : text;
    }

    /** What a peer calls itself could otherwise steer the terminal. */
    static String printable(String text) {
        var printable = new StringBuilder(text.length());
        text.codePoints()
                .map(point ->
                        Character.isISOControl(point) || Character.getType(point) == Character.FORMAT ? '?' : point)
                .forEach(printable::appendCodePoint);
        return printable.toString();
    }

    void print(PrintWriter out) {
        var widths = new int[headings.length];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            widths[i] =
                    rows.stream().mapToInt(row -> row[column].length()).reduce(headings[column].length(), Math::max);
        }
        out.println(line(headings, widths));
        rows.forEach(row -> out.println(line(row, widths)));
    }

    private String line(String[] cells, int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < cells.length; i++) {
            var blanks = " ".repeat(widths[i] - cells[i].length());
            line.append(i == 0 ? "" : GAP).append(right[i] ? blanks + cells[i] : cells[i] + blanks);
        }
        return line.toString().stripTrailing();
    }
}
