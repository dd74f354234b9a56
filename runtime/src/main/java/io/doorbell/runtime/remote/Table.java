package io.doorbell.runtime.remote;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Rows under headings, each column as wide as its widest cell. A heading that begins with {@code >} is of a column of figures, which end at its right.
 * Where a terminal has not room for all, columns that {@link #dispensable} names are left out.
 */
final class Table {
    private static final String GAP = "  ";
    private static final String NOTHING = "-";

    /** In the place of a column's width. */
    private static final int LEFT_OUT = -1;

    private final String[] headings;
    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();
    private List<String> dispensable = List.of();

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

    /** @param inOrder headings, of which the first is left out first */
    Table dispensable(String... inOrder) {
        if (!Set.of(headings).containsAll(List.of(inOrder))) {
            throw new IllegalArgumentException(List.of(inOrder) + " under " + List.of(headings));
        }
        dispensable = List.of(inOrder);
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

    /** @param columns of the terminal; {@link Integer#MAX_VALUE} for all that there is */
    void print(PrintWriter out, int columns) {
        var widths = widths();
        var leftOut = new ArrayList<String>();
        for (var heading : dispensable) {
            if (line(headings, widths).length() <= columns
                    && rows.stream().allMatch(row -> line(row, widths).length() <= columns)) {
                break;
            }
            widths[List.of(headings).indexOf(heading)] = LEFT_OUT;
            leftOut.add(heading);
        }
        out.println(line(headings, widths));
        rows.forEach(row -> out.println(line(row, widths)));
        if (!leftOut.isEmpty()) {
            out.println("(without " + String.join(", ", leftOut) + ": a wider terminal, a pipe and --json have them)");
        }
    }

    private int[] widths() {
        var widths = new int[headings.length];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            widths[i] =
                    rows.stream().mapToInt(row -> row[column].length()).reduce(headings[column].length(), Math::max);
        }
        return widths;
    }

    private String line(String[] cells, int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < cells.length; i++) {
            if (widths[i] == LEFT_OUT) {
                continue;
            }
            var blanks = " ".repeat(widths[i] - cells[i].length());
            line.append(line.isEmpty() ? "" : GAP).append(right[i] ? blanks + cells[i] : cells[i] + blanks);
        }
        return line.toString().stripTrailing();
    }
}
