package io.doorbell.deployment;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@code .cfg} file: {@code key = value} lines, and comments from a {@code #} at the start of a line. The file is called
 * after what it configures: {@code PID.cfg}, or {@code PID~NAME.cfg} where there may be several.
 *
 * @param name null in {@code PID.cfg}
 * @param problems lines that are neither; the entries are those of the other lines
 */
record ConfigurationFile(String pid, String name, Map<String, String> entries, List<String> problems) {
    static final String SUFFIX = ".cfg";

    /** A file is read whole, so its size has a bound; one with every option explained has some kilobytes. */
    private static final long MAX_BYTES = 1 << 20;

    static ConfigurationFile read(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new IOException("larger than " + MAX_BYTES + " bytes");
        }
        return of(file.getFileName().toString(), Files.readString(file, StandardCharsets.UTF_8));
    }

    static ConfigurationFile of(String fileName, String text) {
        var entries = new LinkedHashMap<String, String>();
        var problems = new ArrayList<String>();
        var number = 0;
        for (var line : text.lines().map(String::strip).toList()) {
            number++;
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            var equals = line.indexOf('=');
            if (equals < 1) {
                problems.add("line " + number + " is not key = value: " + line);
                continue;
            }
            var key = line.substring(0, equals).strip();
            if (entries.putIfAbsent(key, line.substring(equals + 1).strip()) != null) {
                problems.add("line " + number + ": " + key + " stands here for the second time");
            }
        }
        var base = fileName.substring(0, fileName.length() - SUFFIX.length());
        var tilde = base.indexOf('~');
        return new ConfigurationFile(
                tilde < 0 ? base : base.substring(0, tilde),
                tilde < 0 ? null : base.substring(tilde + 1),
                entries,
                List.copyOf(problems));
    }
}
