package io.doorbell.perf;

import java.math.BigInteger;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** CPUs as SPDK writes them: a hexadecimal mask ({@code 0x3}) or a list ({@code [0,2-4]}). */
final class CoreSet {
    static final int MAX_CORE = 1023;
    static final String ALLOWED = "a mask as 0x3 or a list as [0,2-4], of CPUs 0 to " + MAX_CORE;

    private static final Pattern MASK = Pattern.compile("(?:0[xX])?([0-9a-fA-F]{1,256})");
    private static final Pattern LIST = Pattern.compile("\\[\\s*(.*?)\\s*]");
    private static final Pattern RANGE = Pattern.compile("(\\d{1,4})(?:\\s*-\\s*(\\d{1,4}))?");

    private CoreSet() {}

    /**
     * In ascending order, each once, at least one.
     *
     * @throws UsageException for any other text
     */
    static List<Integer> parse(String flag, String text) {
        var list = LIST.matcher(text);
        if (list.matches()) {
            return parseList(flag, text, list.group(1));
        }
        var mask = MASK.matcher(text);
        if (!mask.matches()) {
            throw UsageException.of(flag, text, ALLOWED);
        }
        var bits = new BigInteger(mask.group(1), 16);
        if (bits.signum() == 0) {
            throw UsageException.of(flag, text, ALLOWED + ", at least one");
        }
        return IntStream.range(0, bits.bitLength())
                .filter(bits::testBit)
                .boxed()
                .toList();
    }

    private static List<Integer> parseList(String flag, String text, String inner) {
        var cores = new TreeSet<Integer>();
        for (var part : inner.split("\\s*,\\s*", -1)) {
            var range = RANGE.matcher(part);
            if (!range.matches()) {
                throw UsageException.of(flag, text, ALLOWED);
            }
            var first = Integer.parseInt(range.group(1));
            var last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
            if (last < first || last > MAX_CORE) {
                throw UsageException.of(flag, text, ALLOWED);
            }
            IntStream.rangeClosed(first, last).forEach(cores::add);
        }
        return List.copyOf(cores);
    }
}
