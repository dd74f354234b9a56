package io.doorbell.admin;

import io.doorbell.admin.Report.Cell;
import io.doorbell.admin.Report.Flags;
import io.doorbell.admin.Report.Item;
import io.doorbell.admin.Report.Section;
import io.doorbell.admin.Report.Table;
import io.doorbell.admin.Report.Value;
import java.io.PrintWriter;
import java.util.List;

/** A report for people: labels, abbreviations and values in three columns through all sections; tables are aligned. */
final class ReportText {
    private static final String INDENT = "  ";

    private final PrintWriter out;
    private final int labelWidth;
    private final int abbreviationWidth;

    private ReportText(Report report, PrintWriter out) {
        this.out = out;
        labelWidth = width(report, true);
        abbreviationWidth = width(report, false);
    }

    static void print(Report report, PrintWriter out) {
        new ReportText(report, out).print(report);
        out.flush();
    }

    private static int width(Report report, boolean ofLabels) {
        return report.sections().stream()
                .flatMap(section -> section.items().stream())
                .mapToInt(item -> switch (item) {
                    case Value value -> (ofLabels ? value.label() : value.abbreviation()).length();
                    case Flags flags -> (ofLabels ? flags.label() : flags.abbreviation()).length();
                    case Table _ -> 0;
                })
                .max()
                .orElse(0);
    }

    private void print(Report report) {
        out.println(report.trid());
        for (var section : report.sections()) {
            out.println();
            out.println(section.title());
            print(section);
        }
    }

    private void print(Section section) {
        for (var item : section.items()) {
            print(item);
        }
    }

    private void print(Item item) {
        switch (item) {
            case Value value -> line(value.label(), value.abbreviation(), value.text());
            case Flags flags -> print(flags);
            case Table table -> print(table);
        }
    }

    private void print(Flags flags) {
        line(flags.label(), flags.abbreviation(), Words.hex(flags.raw(), flags.digits()));
        for (var set : flags.set()) {
            line("", "", INDENT + set);
        }
    }

    private void line(String label, String abbreviation, String text) {
        var format =
                INDENT + "%-" + labelWidth + "s" + INDENT + "%-" + Math.max(1, abbreviationWidth) + "s" + INDENT + "%s";
        out.println(String.format(format, label, abbreviation, text).stripTrailing());
    }

    private void print(Table table) {
        if (table.rows().isEmpty()) {
            return; // The title has said so.
        }
        int columns = table.heads().size();
        var widths = new int[columns];
        var numbers = new boolean[columns];
        for (int i = 0; i < columns; i++) {
            int column = i;
            widths[i] = Math.max(
                    table.heads().get(i).length(),
                    table.rows().stream()
                            .mapToInt(row -> row.get(column).text().length())
                            .max()
                            .orElse(0));
            // Numbers stand to the right, under each other.
            numbers[i] = table.rows().stream().allMatch(row -> row.get(column).value() instanceof Number);
        }
        row(table.heads(), widths, numbers);
        for (var row : table.rows()) {
            row(row.stream().map(Cell::text).toList(), widths, numbers);
        }
    }

    private void row(List<String> cells, int[] widths, boolean[] numbers) {
        var line = new StringBuilder();
        for (int i = 0; i < cells.size(); i++) {
            line.append(INDENT).append(String.format("%" + (numbers[i] ? "" : "-") + widths[i] + "s", cells.get(i)));
        }
        out.println(line.toString().stripTrailing());
    }
}
