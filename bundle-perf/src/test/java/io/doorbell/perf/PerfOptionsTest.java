package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.TransportId;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PerfOptionsTest {
    private static final String GOOD = "-q 32 -o 4096 -w randread -t 1";

    @Test
    void readsTheFlagsOfSpdk() {
        var options = parse("-q 128 -o 4k -w randrw -M 70 -t 2 -a 0.5 -c 0x5 -P 4 -C 16 -F 1.2 -A 64 -LL"
                + " --io-queue-size 1024");

        assertThat(options.ioDepth()).isEqualTo(128);
        assertThat(options.ioBytes()).isEqualTo(4096);
        assertThat(options.pattern()).isEqualTo(IoPattern.RANDRW);
        assertThat(options.readPercent()).isEqualTo(70);
        assertThat(options.timeNanos()).isEqualTo(2_000_000_000L);
        assertThat(options.warmupNanos()).isEqualTo(500_000_000L);
        assertThat(options.cores()).containsExactly(0, 2);
        assertThat(options.queuePairs()).isEqualTo(4);
        assertThat(options.maxCompletions()).isEqualTo(16);
        assertThat(options.zipfTheta()).isEqualTo(1.2);
        assertThat(options.alignment()).isEqualTo(64);
        assertThat(options.latencyDetail()).isEqualTo(2);
        assertThat(options.queueEntries()).isEqualTo(1024);
    }

    private static PerfOptions on(String trid, String flags) {
        var words = words(flags);
        words.addAll(List.of("-r", trid));
        return PerfOptions.parse(words);
    }

    @Test
    void whatIsWrittenOverInsideANodeIsNamed() {
        var controller = "trtype:EMULATED traddr:nvme0";
        parse(GOOD).requireNamesOfWhatIsWritten();
        on(controller, "-q 1 -o 4096 -w rw -M 100 -t 1").requireNamesOfWhatIsWritten();
        on(controller + " ns:2", "-q 1 -o 4096 -w write -t 1").requireNamesOfWhatIsWritten();

        assertThatThrownBy(on(controller, "-q 1 -o 4096 -w rw -M 99 -t 1")::requireNamesOfWhatIsWritten)
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("-w rw: allowed: inside a node")
                .hasMessageContaining("ns:2");
        assertThatThrownBy(parse("-q 1 -o 4096 -w write -t 1")::requireNamesOfWhatIsWritten)
                .isInstanceOf(UsageException.class);
    }

    @Test
    void readsWhatIsLessOftenUsed() {
        var options = parse("-q 8 -o 64k -w randread -t 1 -e PRACT=1,PRCHK=GUARD -O 4k -U 2 -Q 10 -m --use-every-core");
        var longNames = parse("-q 8 -o 64k -w randread -t 1 --metadata PRACT=1,PRCHK=GUARD --io-unit-size 4k"
                + " --num-unused-qpairs 2 --continue-on-error 10 --cpu-usage --use-every-core");

        assertThat(options.protection()).isEqualTo(BlockProtection.parse("-e", "PRACT=1,PRCHK=GUARD"));
        assertThat(options.ioUnitBytes()).isEqualTo(4096);
        assertThat(options.unusedQueuePairs()).isEqualTo(2);
        assertThat(options.tellEachFailed()).isEqualTo(10);
        assertThat(options.cpuUsage()).isTrue();
        assertThat(options.useEveryCore()).isTrue();
        assertThat(longNames).usingRecursiveComparison().ignoringFields("flags").isEqualTo(options);
        assertThat(parse(GOOD).protection()).isEqualTo(BlockProtection.NONE);
    }

    @Test
    void readsTheLongNames() {
        var options = parse("--io-depth 1 --io-size 512 --io-pattern write --time 1 --core-mask [0,2-3] --num-qpairs 1"
                + " --max-completion-per-poll 0 --number-ios 5% --enable-sw-latency-tracking");

        assertThat(options.pattern()).isEqualTo(IoPattern.WRITE);
        assertThat(options.readPercent()).isZero();
        assertThat(options.cores()).containsExactly(0, 2, 3);
        assertThat(options.maxCompletions()).isEqualTo(Integer.MAX_VALUE);
        assertThat(options.ioLimit()).isEqualTo(new PerfOptions.IoLimit(5, true));
        assertThat(options.latencyDetail()).isEqualTo(1);
    }

    @Test
    void readsOurOwnFlags() {
        var options = parse(GOOD + " --rate 1000 --verify --seed 7 --resume 0 --json -");

        assertThat(options.rate()).isEqualTo(1000);
        assertThat(options.openLoop()).isTrue();
        assertThat(options.verify()).isTrue();
        assertThat(options.seed()).isEqualTo(7);
        assertThat(options.resume()).isEqualTo(Duration.ZERO);
        assertThat(options.json()).isEqualTo("-");
    }

    @Test
    void hasDefaults() {
        var options = parse(GOOD);

        assertThat(options.cores()).isEmpty();
        assertThat(options.queuePairs()).isEqualTo(1);
        assertThat(options.alignment()).isEqualTo(4096);
        assertThat(options.targets()).isEmpty();
        assertThat(options.openLoop()).isFalse();
        assertThat(options.resume()).isEqualTo(Duration.ofSeconds(10));
        assertThat(options.flags()).containsExactly(GOOD.split(" "));
    }

    @Test
    void takesSeveralTransportIds() {
        var words = words(GOOD);
        words.addAll(List.of("-r", "trtype:EMULATED traddr:nvme0", "-r", "trtype:EMULATED traddr:nvme1 ns:2"));

        var options = PerfOptions.parse(words);

        assertThat(options.targets())
                .containsExactly(
                        TransportId.emulated("nvme0"),
                        TransportId.emulated("nvme1").withNamespace(2));
    }

    @ParameterizedTest
    @CsvSource({"512,512", "4k,4096", "4K,4096", "1M,1048576", "64m,67108864"})
    void understandsSizes(String text, int bytes) {
        assertThat(parse("-q 1 -w read -t 1 -o " + text).ioBytes()).isEqualTo(bytes);
    }

    @Test
    void takesPartsOfARegionWithoutRoundingErrors() {
        assertThat(new PerfOptions.IoLimit(29, true).ios(100)).isEqualTo(29);
        assertThat(new PerfOptions.IoLimit(150, true).ios(333)).isEqualTo(499);
        assertThat(new PerfOptions.IoLimit(1_000_000, true).ios(1L << 49)).isEqualTo((1L << 49) * 10_000);
        assertThat(new PerfOptions.IoLimit(10, false).ios(3)).isEqualTo(10);
    }

    /** Flag, value as written, what is allowed: all three are in the message, and the command exits with 2. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "-q 0 -o 4096 -w read -t 1              | -q 0       | 1 to 65535",
                "-q x -o 4096 -w read -t 1              | -q x       | 1 to 65535",
                "-q 65536 -o 4096 -w read -t 1          | -q 65536   | 1 to 65535",
                "-q 99999999999 -o 4096 -w read -t 1    | -q 99999999999 | 1 to 65535",
                "-q 1 -o 100 -w read -t 1               | -o 100     | multiple of 512",
                "-q 1 -o 4g -w read -t 1                | -o 4g      | 512 to 64M",
                "-q 1 -o 65M -w read -t 1               | -o 65M     | 512 to 64M",
                "-q 1 -o 4096 -w randread2 -t 1         | -w randread2 | read, write, randread, randwrite, rw, randrw",
                "-q 1 -o 4096 -w rw -t 1                | -M is missing | 0 to 100",
                "-q 1 -o 4096 -w rw -M 101 -t 1         | -M 101     | 0 to 100",
                "-q 1 -o 4096 -w rw -M half -t 1        | -M half    | 0 to 100",
                "-q 1 -o 4096 -w read -M 50 -t 1        | -M 50      | only with -w rw or randrw",
                "-q 1 -o 4096 -w read                   | -t is missing | seconds",
                "-q 1 -o 4096 -w read -t 0              | -t 0       | above 0 to 31536000",
                "-q 1 -o 4096 -w read -t 1s             | -t 1s      | seconds",
                "-q 1 -o 4096 -w read -t 31536001       | -t 31536001 | above 0 to 31536000",
                "-q 1 -o 4096 -w read -t 1 -a x         | -a x       | 0 to 31536000",
                "-q 1 -o 4096 -w read -t 1 -c 0x0       | -c 0x0     | at least one",
                "-q 1 -o 4096 -w read -t 1 -c [2-1]     | -c [2-1]   | a mask as 0x3 or a list as [0,2-4]",
                "-q 1 -o 4096 -w read -t 1 -c []        | -c []      | a mask as 0x3 or a list as [0,2-4]",
                "-q 1 -o 4096 -w read -t 1 -c two       | -c two     | a mask as 0x3 or a list as [0,2-4]",
                "-q 1 -o 4096 -w read -t 1 -c [1024]    | -c [1024]  | CPUs 0 to 1023",
                "-q 1 -o 4096 -w read -t 1 -P 0         | -P 0       | 1 to 256",
                "-q 4 -o 4096 -w read -t 1 -P 5         | -P 5       | 1 to 4, as -q is 4",
                "-q 1 -o 4096 -w read -t 1 -C -1        | -C         | ",
                "-q 1 -o 4096 -w read -t 1 -C 65536     | -C 65536   | 0 to 65535",
                "-q 8 -o 4096 -w read -d 7              | -d 7       | at least -q (8)",
                "-q 8 -o 4096 -w read -d 0%             | -d 0%      | 1% to 1000000%",
                "-q 8 -o 4096 -w read -d 100 -a 1       | -a 1       | not together with -d 100",
                "-q 1 -o 4096 -w read -t 1 -F 1.1       | -F 1.1     | only with random patterns",
                "-q 1 -o 4096 -w randread -t 1 -F 0     | -F 0       | above 0 to 10",
                "-q 1 -o 4096 -w randread -t 1 -F 11    | -F 11      | above 0 to 10",
                "-q 1 -o 4096 -w read -t 1 -A 96        | -A 96      | power of two, 64 to 2M",
                "-q 1 -o 4096 -w read -t 1 -O 6         | -O 6       | a multiple of 4",
                "-q 1 -o 4M -w read -t 1 -O 512         | -O 512     | at most 1024 pieces of -o, not 8192",
                "-q 1 -o 4096 -w read -t 1 -A 4M        | -A 4M      | power of two, 64 to 2M",
                "-q 1 -o 4096 -w read -t 1 --io-queue-size 1 | --io-queue-size 1 | 2 to 65536",
                "-q 1 -o 4096 -w read -t 1 -U 257       | -U 257     | 0 to 256",
                "-q 1 -o 4096 -w read -t 1 -Q 0         | -Q 0       | 1 to 1000000000",
                "-q 1 -o 4096 -w read -t 1 --rate 0     | --rate 0   | 1 to 1000000000",
                "-q 1 -o 4096 -w read -t 1 --seed -3    | --seed     | ",
                "-q 1 -o 4096 -w read -t 1 --seed 1e3   | --seed 1e3 | whole number",
                "-q 1 -o 4096 -w read -t 1 --resume 3601 | --resume 3601 | 0 to 3600",
                "-q 1 -o 4096 -w read -t 1 -LLL         | -L given 3 times | -L or -LL",
                "-q 1 -o 4096 -w read -t 1 -r nvme0     | -r: transport id \"nvme0\" | allowed keys",
                "-q 1 -o 4096 -w read -t 1 -Z           | -Z         | ",
                "-q 1 -o 4096 -w read -t 1 extra        | extra      | ",
                "-q 1 -q 2 -o 4096 -w read -t 1         | --io-depth | only once",
                "-o 4096 -w read -t 1                   | --io-depth | ",
                "-q 1 -o 4096 -w read -t 1 --json /no/such/folder/x.json | --json /no/such/folder/x.json | folder",
            })
    void refusesWithFlagValueAndWhatIsAllowed(String flags, String names, String allowed) {
        var out = new StringWriter();
        var err = new StringWriter();

        int exit;
        try (var perf = new Perf(null)) {
            exit = perf.run(new PrintWriter(out), new PrintWriter(err), flags.split(" "));
        }

        assertThat(exit).isEqualTo(2);
        assertThat(err.toString()).startsWith("perf: ").contains(names);
        if (allowed != null) {
            assertThat(err.toString()).contains(allowed);
        }
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void refusesATransportIdGivenTwice() {
        var words = words(GOOD);
        words.addAll(List.of("-r", "trtype:EMULATED traddr:nvme0", "-r", "traddr:nvme0 trtype:emulated"));

        assertThatThrownBy(() -> PerfOptions.parse(words))
                .isInstanceOf(UsageException.class)
                .hasMessage("-r trtype:EMULATED traddr:nvme0: given twice");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-h", "--help", "-q 1 --help"})
    void helpNamesEveryFlagAndTheSplitOfSequentialWorkloads(String flags) {
        var out = new StringWriter();

        int exit;
        try (var perf = new Perf(null)) {
            exit = perf.run(new PrintWriter(out), new PrintWriter(new StringWriter()), flags.split(" "));
        }

        assertThat(exit).isZero();
        assertThat(out.toString())
                .contains("-q", "-o", "-w", "-M", "-t", "-a", "-c", "-P", "-L", "-d", "-F", "-r", "-C", "-A")
                .contains("-e", "-O", "-U", "-Q", "-m", "--use-every-core", "PRACT=0|1")
                .contains("--json", "--verify", "--rate", "--resume", "--seed", "--io-queue-size")
                .contains("Sequential workloads split a namespace");
    }

    private static PerfOptions parse(String flags) {
        return PerfOptions.parse(words(flags));
    }

    private static List<String> words(String flags) {
        return new ArrayList<>(Arrays.asList(flags.split(" ")));
    }
}
