package io.doorbell.runtime.remote;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Rows under headings, each column as wide as its widest cell. A heading that begins with {@code >} is of a column of figures, which end at its right.
 * Where a terminal has not room for all, texts are shortened, and then columns that {@link #dispensable} names are left out.
 */
final class Table {
    private static final String GAP = "  ";
    private static final String NOTHING = "-";
    private static final String CUT = "..";

    /** No text is shortened further. */
    private static final int LEAST_TEXT = 16;

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
        int leftOut = 0;
        var widths = fitted(leftOut, columns);
        while (width(widths) > columns && leftOut < dispensable.size()) {
            widths = fitted(++leftOut, columns);
        }
        out.println(line(headings, widths));
        for (var row : rows) {
            out.println(line(row, widths));
        }
        if (leftOut > 0) {
            out.println("(a wider terminal shows " + String.join(", ", dispensable.subList(0, leftOut)) + ")");
        }
    }

    /** Widths without the first of what is dispensable, with texts that are shortened as far as they have to be and can. */
    private int[] fitted(int leftOut, int columns) {
        var widths = new int[headings.length];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            widths[i] = dispensable.subList(0, leftOut).contains(headings[i])
                    ? LEFT_OUT
                    : rows.stream().mapToInt(row -> row[column].length()).reduce(headings[column].length(), Math::max);
        }
        for (int widest = widest(widths); widest >= 0 && width(widths) > columns; widest = widest(widths)) {
            widths[widest]--;
        }
        return widths;
    }

    /** The widest column of texts that can be shortened; -1 for none. */
    private int widest(int[] widths) {
        int widest = -1;
        for (int i = 0; i < widths.length; i++) {
            boolean candidate = !right[i] && widths[i] > Math.max(LEAST_TEXT, headings[i].length());
            if (candidate && (widest < 0 || widths[i] > widths[widest])) {
                widest = i;
            }
        }
        return widest;
    }

    private static int width(int[] widths) {
        return Arrays.stream(widths)
                        .filter(width -> width != LEFT_OUT)
                        .map(width -> width + GAP.length())
                        .sum()
                - GAP.length();
    }

    /** What tells names and paths from each other is at their end. */
    private static String shortened(String text, int width) {
        return text.length() <= width ? text : CUT + text.substring(text.length() - width + CUT.length());
    }

    private String line(String[] cells, int[] widths) {
        var line = new StringBuilder();
        for (int i = 0; i < cells.length; i++) {
            if (widths[i] == LEFT_OUT) {
                continue;
            }
            var cell = shortened(cells[i], widths[i]);
            var blanks = " ".repeat(widths[i] - cell.length());
            line.append(line.isEmpty() ? "" : GAP).append(right[i] ? blanks + cell : cell + blanks);
        }
        return line.toString().stripTrailing();
    }
}
