package io.doorbell.platform;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MachineTest {
    @Test
    void readsWhatThisMachineHas() {
        assertThat(Machine.totalHugePages()).isNotNegative();
        assertThat(Machine.freeHugePages()).isBetween(0L, Machine.totalHugePages());
        assertThat(Machine.availableMemoryBytes()).isGreaterThan(16L << 20);
        assertThat(Machine.lockedMemoryLimitBytes()).isNotNegative();
    }

    @Test
    void readsAMemoryFigureInBytes() {
        var meminfo = "MemTotal:       24683936 kB\nMemAvailable:   24488020 kB\n";

        assertThat(Machine.kibibytes(meminfo, "MemAvailable:")).isEqualTo(24_488_020L * 1_024);
        assertThat(Machine.kibibytes("", "MemAvailable:")).isEqualTo(Machine.UNKNOWN);
    }

    @Test
    void readsTheSoftLimit() {
        var limits = """
                Limit                     Soft Limit           Hard Limit           Units
                Max file locks            unlimited            unlimited            locks
                Max locked memory         8388608              unlimited            bytes
                """;

        assertThat(Machine.softLimit(limits, "Max locked memory")).isEqualTo(8_388_608);
        assertThat(Machine.softLimit(limits, "Max file locks")).isEqualTo(Machine.UNLIMITED);
        assertThat(Machine.softLimit(limits, "Max stack size")).isEqualTo(Machine.UNKNOWN);
    }

    @Test
    void knowsWhenTheKernelHeedsAdvice() {
        assertThat(Machine.heedsAdvice("always [madvise] never\n")).isTrue();
        assertThat(Machine.heedsAdvice("always within_size [advise] never deny force\n"))
                .isTrue();
        assertThat(Machine.heedsAdvice("always madvise [never]\n")).isFalse();
        assertThat(Machine.heedsAdvice("always within_size advise never [deny] force\n"))
                .isFalse();
        assertThat(Machine.heedsAdvice("")).isFalse();
    }
}
