package io.doorbell.perf;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.emulator.EmulatorSettings;
import io.doorbell.nvme.Status;
import io.doorbell.pcie.PcieOptions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine against emulated namespaces with metadata and protection information. */
@Timeout(300)
class MetadataRunTest {
    private static final String ALL = "GUARD|REFTAG|APPTAG";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "512+8           | ",
                "512+8/extended  | ",
                "4096+64         | ",
                "512+8/pi1          | ",
                "512+8/pi1/extended | ",
                "512+8/pi1          | -e PRACT=1",
                "512+8/pi1/extended | -e PRACT=1,PRCHK=" + ALL,
                "512+8/pi1          | -e PRACT=0,PRCHK=" + ALL,
                "512+8/pi1/extended | -e PRCHK=" + ALL,
                "512+16/pi1         | -e PRACT=1,PRCHK=GUARD",
                "512+16/pi1/first   | -e PRACT=0,PRCHK=GUARD|REFTAG",
                "512+16/pi1/extended | -e PRACT=0,PRCHK=" + ALL,
                "4096+64/pi2/first/extended | -e PRCHK=" + ALL,
                "4096+64/pi3/extended | -e PRCHK=GUARD|APPTAG",
                "512+8              | -O 1024",
                "512+8/pi1          | -O 1024 -e PRCHK=" + ALL,
                "512+16/pi1/extended | -O 3072 -A 64 -e PRCHK=" + ALL,
                "512+8/pi1/extended | -O 3072 -e PRACT=1,PRCHK=" + ALL,
            })
    void writesReadsAndVerifiesBlocksOfEverySort(String formatAndFlags) {
        var parts = formatAndFlags.split("\\|", 2);
        try (var node = EmulatedNode.withMemory("4MiB:" + parts[0].strip())) {
            var flags = "-q 8 -o 8192 -r nvme0 " + parts[1].strip();

            var mixed = node.run("-w randrw -M 50 -d 2000 -P 2 --verify " + flags);
            var plain = node.run("-w rw -M 50 -d 1000 " + flags);

            assertThat(mixed.errors()).isEmpty();
            assertThat(mixed.completed()).isEqualTo(2000);
            assertThat(mixed.verification().checked()).isPositive();
            assertThat(plain.errors()).isEmpty();
            assertThat(plain.completed()).isEqualTo(1000);
        }
    }

    @Test
    void splitsWhatIsLongerThanTheDeviceTakes() {
        try (var node = new EmulatedNode()) {
            node.device(
                    EmulatorSettings.of("nvme0"),
                    PcieOptions.DEFAULTS.withMaxTransferBytes(16 << 10),
                    EmulatedNode.memory("8MiB:512+8/pi1"),
                    EmulatedNode.memory("8MiB:512+8/pi1/extended"));

            var report = node.run("-q 4 -o 256k -w randwrite -d 100 --verify -e PRACT=0,PRCHK=" + ALL);

            assertThat(report.errors()).isEmpty();
            assertThat(report.workers())
                    .hasSize(2)
                    .allSatisfy(each -> assertThat(each.completed()).isEqualTo(100));
        }
    }

    @Test
    void whatIsNotCheckedWhenItIsWrittenCanBeReadWithChecks() {
        try (var node = EmulatedNode.withMemory("1MiB:512+8/pi1")) {
            assertThat(node.run("-q 8 -o 4096 -w write -d 100% -r nvme0").errors())
                    .isEmpty();

            var report = node.run("-q 8 -o 4096 -w read -d 100% -r nvme0 -e PRCHK=" + ALL);

            assertThat(report.errors()).isEmpty();
        }
    }

    @Test
    void checksFindCorruptedData() {
        try (var node = new EmulatedNode()) {
            var namespace = new WatchedNamespace(EmulatedNode.memory("1MiB:512+8/pi1"));
            node.device("nvme0", namespace);
            assertThat(node.run("-q 8 -o 4096 -w write -d 100% -r nvme0 -e PRACT=1")
                            .errors())
                    .isEmpty();
            namespace.corruptLba = 8;

            var unchecked = node.run("-q 8 -o 4096 -w read -d 100% -r nvme0");
            var checked = node.run("-q 8 -o 4096 -w read -d 100% -r nvme0 -e PRCHK=GUARD");

            assertThat(unchecked.errors()).isEmpty();
            assertThat(checked.failures()).containsExactly(Map.entry(Status.GUARD_CHECK_ERROR, 1L));
            assertThat(checked.completed()).isEqualTo(255);
        }
    }

    @Test
    void theApplicationTagIsTheNumberOfBlocks() {
        try (var node = EmulatedNode.withMemory("1MiB:512+8/pi1")) {
            assertThat(node.run("-q 8 -o 4096 -w write -d 100% -r nvme0 -e PRACT=1")
                            .errors())
                    .isEmpty();

            var same = node.run("-q 8 -o 4096 -w read -d 100 -r nvme0 -e PRCHK=APPTAG");
            var other = node.run("-q 8 -o 8192 -w read -d 100 -r nvme0 -e PRCHK=APPTAG");

            assertThat(same.errors()).isEmpty();
            assertThat(other.failures()).containsExactly(Map.entry(Status.APPLICATION_TAG_CHECK_ERROR, 100L));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "512            | -e PRACT=1      | none of these namespaces has protection information",
                "512+8          | -e PRCHK=GUARD  | none of these namespaces has protection information",
                "512+8/pi3      | -e PRCHK=REFTAG | of type 3, which has no reference tag to check",
            })
    void refusesProtectionThatTheNamespaceDoesNotHave(String formatFlagsAndMessage) {
        var parts = formatFlagsAndMessage.split("\\|");
        try (var node = EmulatedNode.withMemory("1MiB:" + parts[0].strip())) {
            var report = node.run("-q 1 -o 4096 -w read -t 1 -r nvme0 " + parts[1].strip());

            assertThat(report.errors()).hasSize(1);
            assertThat(report.errors().getFirst()).contains(parts[2].strip());
        }
    }
}
