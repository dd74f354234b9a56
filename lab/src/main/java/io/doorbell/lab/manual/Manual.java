package io.doorbell.lab.manual;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a chapter of the manual tells its reader to type: the lines that are set in by four, without their remarks. */
public final class Manual {
    private static final String CHAPTER = "## ";
    private static final String TYPED = "    ";

    private Manual() {}

    /**
     * In the order in which they stand there.
     *
     * @throws IllegalArgumentException when there is no such chapter, or nothing to type in it
     */
    public static List<String> typedIn(Path file, String chapter) throws IOException {
        var typed = new ArrayList<String>();
        boolean inside = false;
        for (var line : Files.readAllLines(file)) {
            if (line.startsWith(CHAPTER)) {
                inside = line.equals(CHAPTER + chapter);
            } else if (inside && line.startsWith(TYPED)) {
                typed.add(line.replaceFirst("\\s+#.*", "").strip());
            }
        }
        typed.removeIf(String::isEmpty);
        if (typed.isEmpty()) {
            throw new IllegalArgumentException(
                    file + " tells nobody to type anything in a chapter \"" + chapter + "\"");
        }
        return typed;
    }
}
