package io.doorbell.lab.host;

import io.doorbell.lab.Word;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.regex.Pattern;

/** A line for each case as it ends, and the last line. One thread. */
final class Report {
    private final PrintWriter out;
    private int passed;
    private int failed;
    private int skipped;

    Report(PrintWriter out) {
        this.out = out;
    }

    /** @param note what it measured, or nothing; each line of it is one here */
    void passed(String name, long millis, String note) {
        passed++;
        var lines = note.split(Pattern.quote(Word.BETWEEN_LINES));
        line("ok", name, millis, note.isEmpty() ? "" : "  " + String.join("\n         ", lines));
    }

    void failed(String name, long millis, String why) {
        failed++;
        line("FAILED", name, millis, "  " + why);
    }

    /** It could not be run here, and why. */
    void skipped(String name, String why) {
        skipped++;
        line("skipped", name, 0, "  " + why);
    }

    private void line(String outcome, String name, long millis, String why) {
        out.println(String.format(Locale.ROOT, "%-7s  %-49s  %5.1f s%s", outcome, name, millis / 1e3, why));
    }

    /** What a script or a person looks at. */
    void end() {
        out.println(passed + " passed, " + failed + " failed" + (skipped == 0 ? "" : ", " + skipped + " skipped"));
    }

    boolean allPassed() {
        return failed == 0 && passed + skipped > 0;
    }
}
