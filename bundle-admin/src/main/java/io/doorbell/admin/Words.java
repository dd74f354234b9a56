package io.doorbell.admin;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.HexFormat;
import java.util.Locale;

/** How numbers and texts are said to people. */
final class Words {
    private static final int KELVIN_OF_ZERO_CELSIUS = 273;
    private static final String[] UNITS = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private Words() {}

    /** A device's text: whatever is not printable ASCII could be a command to a terminal. */
    static String clean(String text) {
        var clean = new StringBuilder(text.length());
        text.chars().forEach(c -> clean.append(c >= ' ' && c <= '~' ? (char) c : '?'));
        return clean.toString();
    }

    static String hex(long value, int digits) {
        return String.format("%0" + digits + "Xh", value);
    }

    /** As in {@code 1.0 GiB (1,073,741,824 bytes)}. */
    static String bytes(BigInteger bytes) {
        double scaled = bytes.doubleValue();
        int unit = 0;
        while (scaled >= 1024 && unit < UNITS.length - 1) {
            scaled /= 1024;
            unit++;
        }
        return unit == 0
                ? bytes + " bytes"
                : String.format(Locale.ROOT, "%.1f %s (%,d bytes)", scaled, UNITS[unit], bytes);
    }

    static String bytes(long bytes) {
        return bytes(unsigned(bytes));
    }

    static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    static String count(BigInteger value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    static String count(long value) {
        return count(unsigned(value));
    }

    static String kelvin(int kelvin) {
        return kelvin == 0 ? "not reported" : kelvin + " K (" + (kelvin - KELVIN_OF_ZERO_CELSIUS) + " °C)";
    }

    static String micros(long micros) {
        return micros == 0 ? "not reported" : count(micros) + " us";
    }

    static String watts(double watts) {
        return watts == 0 ? "-" : String.format(Locale.ROOT, "%.2f W", watts);
    }

    static String yes(boolean value) {
        return value ? "yes" : "no";
    }

    static String hexOf(MemorySegment segment) {
        return HexFormat.of().formatHex(segment.toArray(ValueLayout.JAVA_BYTE));
    }

    /** As hexdump does it: an offset, sixteen bytes, and what of them is text; equal lines once. */
    static String dump(MemorySegment segment) {
        var out = new StringBuilder();
        var bytes = segment.toArray(ValueLayout.JAVA_BYTE);
        String before = "";
        boolean repeated = false;
        for (int at = 0; at < bytes.length; at += 16) {
            var line = dumpLine(bytes, at);
            if (line.equals(before)) {
                if (!repeated) {
                    out.append("*\n");
                }
                repeated = true;
                continue;
            }
            repeated = false;
            before = line;
            out.append(String.format("%08x  %s%n", at, line));
        }
        return out.append(String.format("%08x%n", bytes.length)).toString();
    }

    private static String dumpLine(byte[] bytes, int at) {
        var hex = new StringBuilder();
        var text = new StringBuilder();
        for (int i = at; i < Math.min(at + 16, bytes.length); i++) {
            hex.append(String.format("%02x ", bytes[i])).append(i == at + 7 ? " " : "");
            text.append(bytes[i] >= ' ' && bytes[i] <= '~' ? (char) bytes[i] : '.');
        }
        return String.format("%-49s |%s|", hex, text);
    }
}
