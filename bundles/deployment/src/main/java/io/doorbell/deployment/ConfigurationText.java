package io.doorbell.deployment;

import io.doorbell.configuration.ConfigurationFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Changes keys in the text of a {@code .cfg} file, and nothing else of it. */
final class ConfigurationText {
    /** A value is one line, and what stands in a file is for people to read. */
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

    private ConfigurationText() {}

    /**
     * The text with other values: each where its key stands; where only its default stands, as a comment {@code # key = value}, in the place
     * of that; else at the end.
     *
     * @throws IllegalArgumentException for a key or a value that a file cannot have
     */
    static String with(String text, Map<String, String> entries) {
        var lines = new ArrayList<>(text.lines().toList());
        entries.forEach((key, value) -> set(lines, key, value));
        return String.join("\n", lines) + "\n";
    }

    private static void set(List<String> lines, String key, String value) {
        if (!KEY.matcher(key).matches()) {
            throw new IllegalArgumentException(
                    "\"" + shown(key) + "\" is no key: letters, digits, and between them . _ -");
        }
        int at = find(lines, key, "");
        if (value.equals(ConfigurationFiles.UNSET)) {
            if (at >= 0) {
                lines.remove(at);
            }
            return;
        }
        if (CONTROL.matcher(value).find()) {
            throw new IllegalArgumentException(
                    key + " = " + shown(value) + ": a value is one line without control characters");
        }
        var line = key + " = " + value.strip();
        if (at < 0) {
            at = find(lines, key, "#");
        }
        if (at >= 0) {
            lines.set(at, line);
        } else {
            lines.add(line);
        }
    }

    private static int find(List<String> lines, String key, String before) {
        var pattern = Pattern.compile("\\s*" + before + "\\s*" + Pattern.quote(key) + "\\s*=.*");
        for (int i = 0; i < lines.size(); i++) {
            if (pattern.matcher(lines.get(i)).matches()) {
                return i;
            }
        }
        return -1;
    }

    private static String shown(String text) {
        return CONTROL.matcher(text).replaceAll("?");
    }
}
