package io.doorbell.perf;

import static io.doorbell.perf.Reports.emulated;
import static io.doorbell.perf.Reports.latency;
import static io.doorbell.perf.Reports.options;
import static io.doorbell.perf.Reports.report;
import static io.doorbell.perf.Reports.worker;
import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.nvme.Status;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReportJsonTest {

    @Test
    void writesWhatTheRuntimeReads() {
        var report = report(options(""), worker(emulated("nvme0", 1), 0, latency(10_000, 30_000), latency(50_000)));

        assertThat(ReportJson.write(report)).isEqualTo("""
                {"version":1,"flags":["-q","32","-o","4096","-w","randrw","-M","70","-t","2"],"seconds":2.000,\
                "results":[{"device":"EMULATED (nvme0) NSID 1","transport":"EMULATED","traddr":"nvme0","nsid":1,\
                "core":0,"seconds":2.000,"iops":1.500,"mibps":0.006,"completed":3,\
                "latency_us":{"avg":30.000,"min":10.000,"p50":30.079,"p90":50.000,"p99":50.000,"p999":50.000,"max":50.000},\
                "failed":0,"failures":{},"interrupted":0,\
                "read":{"iops":1.000,"mibps":0.004,"completed":2,\
                "latency_us":{"avg":20.000,"min":10.000,"p50":10.047,"p90":30.000,"p99":30.000,"p999":30.000,"max":30.000}},\
                "write":{"iops":0.500,"mibps":0.002,"completed":1,\
                "latency_us":{"avg":50.000,"min":50.000,"p50":50.000,"p90":50.000,"p99":50.000,"p999":50.000,"max":50.000}}}],\
                "total":{"iops":1.500,"mibps":0.006,"completed":3,\
                "latency_us":{"avg":30.000,"min":10.000,"p50":30.079,"p90":50.000,"p99":50.000,"p999":50.000,"max":50.000},\
                "read":{"iops":1.000,"mibps":0.004,"completed":2,\
                "latency_us":{"avg":20.000,"min":10.000,"p50":10.047,"p90":30.000,"p99":30.000,"p999":30.000,"max":30.000}},\
                "write":{"iops":0.500,"mibps":0.002,"completed":1,\
                "latency_us":{"avg":50.000,"min":50.000,"p50":50.000,"p90":50.000,"p99":50.000,"p999":50.000,"max":50.000}}},\
                "failed":0,"failures":{},"interrupted":0,"resumption_count":0,"resumptions":[],"errors":[],"ok":true}
                """);
    }

    @Test
    void failuresMakeItNotOk() {
        var report = report(
                options(""),
                worker(
                        emulated("nvme0", 1),
                        0,
                        latency(10_000),
                        Latency.NONE,
                        Map.of(Status.UNRECOVERED_READ_ERROR, 3L)));

        assertThat(ReportJson.write(report))
                .contains("\"failed\":3,\"failures\":{\"Unrecovered Read Error (sct 2, sc 81h)\":3}")
                .endsWith("\"errors\":[\"3 I/Os failed\"],\"ok\":false}\n");
    }

    @Test
    void aRunThatDidNothingIsNotOk() {
        assertThat(ReportJson.write(report(options(""))))
                .contains("\"results\":[]")
                .endsWith("\"errors\":[\"no I/O completed\"],\"ok\":false}\n");
    }
}
