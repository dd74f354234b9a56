package io.doorbell.perf;

import io.doorbell.host.NvmeNamespace;
import io.doorbell.nvme.TransportId;
import java.util.List;
import java.util.Map;

/** Reports made by hand. */
final class Reports {
    private Reports() {}

    static PerfOptions options(String more) {
        return PerfOptions.parse(
                List.of(("-q 32 -o 4096 -w randrw -M 70 -t 2 " + more).strip().split(" ")));
    }

    static Target emulated(String name, int nsid) {
        return new Target(TransportId.emulated(name), new NvmeNamespace(nsid, 1 << 20, 512, 0, 0, ""), 128 << 10, 1024);
    }

    static Latency latency(long... nanos) {
        var recorder = new LatencyRecorder();
        for (var each : nanos) {
            recorder.record(each);
        }
        return recorder.snapshot();
    }

    static WorkerResult worker(Target target, int core, Latency reads, Latency writes) {
        return worker(target, core, reads, writes, Map.of());
    }

    static WorkerResult worker(Target target, int core, Latency reads, Latency writes, Map<Integer, Long> failures) {
        return new WorkerResult(target, core, 4096, 2.0, reads, writes, failures, 0, 0, Verification.NONE);
    }

    static PerfReport report(PerfOptions options, WorkerResult... workers) {
        return new PerfReport(options, List.of(workers), List.of(), List.of());
    }
}
