package io.doorbell.admin;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.admin.Report.Flags;
import io.doorbell.admin.Report.Section;
import io.doorbell.admin.Report.Table;
import io.doorbell.admin.Report.Value;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reports for programs. Fields are only added; {@code version} changes when one changes its meaning. */
final class ReportJson {
    static final int VERSION = 1;

    private ReportJson() {}

    static String write(List<Report> reports) {
        var json = new LinkedHashMap<String, Object>();
        json.put("version", VERSION);
        json.put("controllers", reports.stream().map(ReportJson::object).toList());
        try {
            return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(json) + "\n";
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible); // It writes to memory.
        }
    }

    /** Sections of one key, as those of namespaces, become a list. */
    private static Map<String, Object> object(Report report) {
        var json = new LinkedHashMap<String, Object>();
        json.put("trid", report.trid());
        var namespaces = new ArrayList<Map<String, Object>>();
        for (var section : report.sections()) {
            if (section.key().equals(Inspection.NAMESPACE)) {
                namespaces.add(object(section));
            } else {
                json.put(section.key(), object(section));
            }
        }
        json.put("namespaces", namespaces);
        return json;
    }

    private static Map<String, Object> object(Section section) {
        var json = new LinkedHashMap<String, Object>();
        for (var item : section.items()) {
            switch (item) {
                case Value value -> json.put(value.key(), value.value());
                case Flags flags -> json.put(flags.key(), Map.of("raw", flags.raw(), "set", flags.set()));
                case Table table -> json.put(table.key(), rows(table));
            }
        }
        return json;
    }

    private static List<Map<String, Object>> rows(Table table) {
        var rows = new ArrayList<Map<String, Object>>();
        for (var row : table.rows()) {
            var json = new LinkedHashMap<String, Object>();
            for (int i = 0; i < row.size(); i++) {
                json.put(table.keys().get(i), row.get(i).value());
            }
            rows.add(json);
        }
        return rows;
    }
}
