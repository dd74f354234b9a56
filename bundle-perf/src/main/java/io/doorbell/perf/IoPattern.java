package io.doorbell.perf;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What the I/Os are, and in which order: {@code -w}. */
enum IoPattern {
    READ(false, true, false),
    WRITE(false, false, true),
    RANDREAD(true, true, false),
    RANDWRITE(true, false, true),
    RW(false, true, true),
    RANDRW(true, true, true);

    private final boolean random;
    private final boolean reads;
    private final boolean writes;

    IoPattern(boolean random, boolean reads, boolean writes) {
        this.random = random;
        this.reads = reads;
        this.writes = writes;
    }

    boolean random() {
        return random;
    }

    boolean reads() {
        return reads;
    }

    boolean writes() {
        return writes;
    }

    boolean mixed() {
        return reads && writes;
    }

    String flag() {
        return name().toLowerCase(Locale.ROOT);
    }

    static String allowed() {
        return Arrays.stream(values()).map(IoPattern::flag).collect(Collectors.joining(", "));
    }
}
