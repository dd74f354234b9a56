package io.doorbell.runtime.remote;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Figures as people read them, with their units. */
final class Figures {
    private static final String[] BINARY = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final String[] DECIMAL = {"", "k", "M", "G"};
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS", Locale.ROOT);

    private Figures() {}

    static String bytes(double bytes) {
        var value = bytes;
        var unit = 0;
        while (value >= 1024 && unit < BINARY.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, value >= 100 || unit == 0 ? "%.0f %s" : "%.1f %s", value, BINARY[unit]);
    }

    /** Of something in a second, or a count: 812, 12.3k, 1.25M. */
    static String count(double count) {
        var value = count;
        var unit = 0;
        while (value >= 10_000 && unit < DECIMAL.length - 1
                || unit > 0 && value >= 1_000 && unit < DECIMAL.length - 1) {
            value /= 1_000;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f" : value < 100 ? "%.1f%s" : "%.0f%s", value, DECIMAL[unit]);
    }

    static String micros(double micros) {
        if (micros <= 0) {
            return "";
        }
        return micros < 1_000
                ? String.format(Locale.ROOT, micros < 10 ? "%.1f us" : "%.0f us", micros)
                : String.format(Locale.ROOT, "%.1f ms", micros / 1_000);
    }

    static String percent(double part, double whole) {
        return whole <= 0 ? "" : String.format(Locale.ROOT, "%.0f%%", 100 * part / whole);
    }

    static String nanos(long nanos) {
        if (nanos < 1_000_000) {
            return nanos / 1_000 + " us";
        }
        if (nanos < 1_000_000_000L) {
            return nanos / 1_000_000 + " ms";
        }
        var seconds = nanos / 1_000_000_000L;
        if (seconds < 60) {
            return String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
        }
        if (seconds < 3_600) {
            return seconds / 60 + "m " + seconds % 60 + "s";
        }
        return seconds < 86_400
                ? seconds / 3_600 + "h " + seconds % 3_600 / 60 + "m"
                : seconds / 86_400 + "d " + seconds % 86_400 / 3_600 + "h";
    }

    static String time(long millis) {
        return CLOCK.format(Instant.ofEpochMilli(millis).atZone(ZoneId.systemDefault()));
    }
}
