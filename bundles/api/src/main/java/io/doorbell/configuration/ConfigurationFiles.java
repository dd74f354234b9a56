package io.doorbell.configuration;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.stream.Collectors;

/**
 * The files of {@code config/} (a service). A file is called {@code PID.cfg}, or {@code PID~NAME.cfg} where there may be several. Control
 * plane, any thread; blocks for the disk.
 */
public interface ConfigurationFiles {

    /** What is there, by name. */
    List<ConfigurationFileStatus> files();

    /**
     * Gives keys of a file other values, and makes it where it is not there. Comments and other keys stay as they are. What would not be
     * valid is refused, and changes nothing. When this returns the file is durable, and on its way to who uses it; a crash leaves
     * the old file or the new one.
     *
     * @param entries by key; {@link #UNSET} for a key's default
     * @throws IllegalArgumentException which file or value is wrong, and what is allowed
     * @throws java.io.UncheckedIOException when it cannot be written; it is as before then
     */
    void set(String file, Map<String, String> entries);

    /**
     * Takes a file away, and with it what it configures.
     *
     * @throws IllegalArgumentException where there is no such file, or it is not one of several
     * @throws java.io.UncheckedIOException when it cannot be deleted
     */
    void remove(String file);

    /** In place of a value: the line is taken out, and the default counts. */
    String UNSET = "\0";

    /** The value of a key that has a list: what is a comma in an element is written so that it parts nothing. */
    static String list(Collection<String> elements) {
        return elements.stream()
                .map(element -> element.replace("\\", "\\\\").replace(",", "\\,"))
                .collect(Collectors.joining(", "));
    }

    /** What became of a file. */
    enum State {
        APPLIED,
        /** It has a mistake: what was in force before stays so. */
        REJECTED,
        /** No bundle declares what it configures yet. */
        WAITING
    }

    /**
     * @param problem why it is rejected, or empty
     * @param changedAtMillis when it was last looked at because it had changed
     * @param entries those that stand in it; secrets as {@code ...}
     */
    record ConfigurationFileStatus(
            String file, State state, String problem, long changedAtMillis, SortedMap<String, String> entries) {}
}
