package io.doorbell.lab;

import java.util.Arrays;

/**
 * One line of what guest and host say to each other over a virtio serial port: a word, and what belongs to it.
 *
 * <pre>
 * guest: hello                          host: run NAME NAME …
 * guest: case NAME
 * guest: ask COMMAND {json}             host: answer, or refused WHY
 * guest: passed NAME MILLIS NOTE, or failed NAME MILLIS WHY
 * guest: done
 * </pre>
 *
 * @param rest never null
 */
public record Word(Kind kind, String rest) {
    /** Stands where a message had an end of a line. */
    public static final String BETWEEN_LINES = " | ";

    /** Who says it is in the class comment. */
    public enum Kind {
        HELLO,
        RUN,
        CASE,
        ASK,
        ANSWER,
        REFUSED,
        PASSED,
        FAILED,
        DONE
    }

    /** A message may have lines; a word is one. */
    public Word {
        rest = rest.strip().replaceAll("\\s*[\\r\\n]+\\s*", BETWEEN_LINES);
    }

    public static Word of(Kind kind, Object... rest) {
        return new Word(
                kind, String.join(" ", Arrays.stream(rest).map(String::valueOf).toList()));
    }

    /** @throws IllegalArgumentException when it is none */
    public static Word parse(String line) {
        int space = line.indexOf(' ');
        var first = space < 0 ? line : line.substring(0, space);
        return new Word(Kind.valueOf(first.strip().toUpperCase()), space < 0 ? "" : line.substring(space));
    }

    /** {@code rest} in at most {@code count} parts, of which the last has all that is left; missing ones are empty. */
    public String[] parts(int count) {
        var found = rest.split(" ", count);
        var parts = Arrays.copyOf(found, count);
        Arrays.fill(parts, found.length, count, "");
        return parts;
    }

    @Override
    public String toString() {
        var word = kind.name().toLowerCase();
        return rest.isEmpty() ? word : word + " " + rest;
    }
}
