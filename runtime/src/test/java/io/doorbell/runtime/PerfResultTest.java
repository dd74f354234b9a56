package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class PerfResultTest {
    private static final PerfResult RESULT =
            new PerfResult("EMULATED", "nvme0n1", 1_234_567.8, 4822.5, 25.9, 24.1, 61.5, 803.25, 2);

    @Test
    void readsWhatPerfWritesAndLeavesTheRestAlone() {
        var results = PerfResult.read("""
                {"results": [{"device": "nvme0n1", "transport": "EMULATED", "nsid": 1, "iops": 1234567.8, "mibps": 4822.5,
                  "latency_us": {"avg": 25.9, "p50": 24.1, "p90": 40, "p99": 61.5, "max": 803.25}, "failed": 2}],
                 "failed": 2, "seconds": 3}""");

        assertThat(results).containsExactly(RESULT);
    }

    @Test
    void writesTheFormItReads() {
        assertThat(PerfResult.read(PerfResult.write(List.of(RESULT, RESULT)))).containsExactly(RESULT, RESULT);
        assertThat(PerfResult.read(PerfResult.write(List.of()))).isEmpty();
    }

    @Test
    void aMissingFieldIsNamed() {
        assertThatThrownBy(() -> PerfResult.read("{\"results\": [{\"latency_us\": {}}]}"))
                .hasMessageContaining("without iops");
        assertThatThrownBy(() -> PerfResult.read("{}")).hasMessageContaining("no results");
    }

    @Test
    void theTableHasALineForEachResult() {
        var out = new StringWriter();

        ResultTable.print(List.of(RESULT), new PrintWriter(out));

        assertThat(out.toString().lines().toList().getLast())
                .matches("EMULATED +nvme0n1 +1,234,568 +4,822.5 +25.9 +24.1 +61.5 +803.3 +2");
    }
}
