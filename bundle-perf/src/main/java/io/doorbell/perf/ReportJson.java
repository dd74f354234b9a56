package io.doorbell.perf;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.nvme.Status;
import io.doorbell.perf.PerfReport.Share;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.Map;

/** A report as JSON. Fields are only added; {@code version} changes when one changes its meaning. */
final class ReportJson {
    static final int VERSION = 1;

    /** A nanosecond, where the unit is the microsecond. */
    private static final int DECIMALS = 3;

    private ReportJson() {}

    static String write(PerfReport report) {
        var json = new LinkedHashMap<String, Object>();
        json.put("version", VERSION);
        json.put("flags", report.options().flags());
        json.put("seconds", rounded(report.seconds()));
        json.put("results", report.workers().stream().map(ReportJson::result).toList());
        json.put("total", total(report));
        json.put("failed", report.failed());
        json.put("failures", failures(report.failures()));
        json.put("interrupted", report.interrupted());
        json.put("resumption_count", report.resumptionCount());
        json.put(
                "resumptions",
                report.resumptions().stream().map(ReportJson::resumption).toList());
        if (report.options().verify()) {
            json.put("verify", verify(report.verification()));
        }
        if (report.options().openLoop()) {
            json.put("never_begun", report.neverBegun());
        }
        json.put("errors", report.errors());
        json.put("ok", report.ok());
        try {
            return JSON.std.asString(json) + "\n";
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible); // It writes to memory.
        }
    }

    private static Map<String, Object> result(WorkerResult worker) {
        var json = new LinkedHashMap<String, Object>();
        var id = worker.target().controller();
        json.put("device", worker.target().name());
        json.put("transport", id.trtype().name());
        json.put("traddr", id.traddr());
        if (id.trtype().isFabric()) {
            json.put("trsvcid", id.trsvcid());
            json.put("subnqn", id.subnqn());
        }
        json.put("nsid", Integer.toUnsignedLong(worker.target().namespace().nsid()));
        json.put("core", worker.core());
        json.put("seconds", rounded(worker.seconds()));
        json.putAll(share(Share.all(worker)));
        json.put("failed", worker.failed());
        json.put("failures", failures(worker.failures()));
        json.put("interrupted", worker.interrupted());
        json.put("read", share(Share.reads(worker)));
        json.put("write", share(Share.writes(worker)));
        return json;
    }

    private static Map<String, Object> total(PerfReport report) {
        var json = share(report.all());
        json.put("read", share(report.reads()));
        json.put("write", share(report.writes()));
        return json;
    }

    private static LinkedHashMap<String, Object> share(Share share) {
        var latency = new LinkedHashMap<String, Object>();
        latency.put("avg", rounded(share.latency().average()));
        latency.put("min", rounded(share.latency().min()));
        latency.put("p50", rounded(share.latency().percentile(50)));
        latency.put("p90", rounded(share.latency().percentile(90)));
        latency.put("p99", rounded(share.latency().percentile(99)));
        latency.put("p999", rounded(share.latency().percentile(99.9)));
        latency.put("max", rounded(share.latency().max()));
        var json = new LinkedHashMap<String, Object>();
        json.put("iops", rounded(share.iops()));
        json.put("mibps", rounded(share.mebibytesPerSecond()));
        json.put("completed", share.latency().count());
        json.put("latency_us", latency);
        return json;
    }

    private static Map<String, Object> failures(Map<Integer, Long> failures) {
        var json = new LinkedHashMap<String, Object>();
        failures.forEach((code, count) -> json.put(new Status(code).toString(), count));
        return json;
    }

    private static Map<String, Object> resumption(Resumption resumption) {
        var json = new LinkedHashMap<String, Object>();
        json.put("queue_pair", resumption.queuePair());
        json.put("reason", String.valueOf(resumption.reason()));
        json.put("seconds", rounded(resumption.seconds()));
        return json;
    }

    private static Map<String, Object> verify(Verification verification) {
        var json = new LinkedHashMap<String, Object>();
        json.put("checked", verification.checked());
        json.put("unchecked", verification.unchecked());
        json.put("mismatches", verification.mismatches());
        return json;
    }

    private static BigDecimal rounded(double value) {
        return BigDecimal.valueOf(value).setScale(DECIMALS, RoundingMode.HALF_UP);
    }
}
