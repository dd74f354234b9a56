package io.doorbell.lab.kernel;

import io.doorbell.lab.guest.Guest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * I/O of one kind that fio does for a while.
 *
 * @param kind {@code randread} or {@code randwrite}
 * @param depth how many at once
 */
public record FioLoad(String kind, int kibibytes, int depth) {
    /** Before what is counted. */
    private static final int RAMP_SECONDS = 1;

    private static final int WARM_UP_SECONDS = 120;

    /** Beside what it was asked for: fio starts slowly there. */
    private static final Duration START_BOUND = Duration.ofSeconds(120);

    /**
     * What came of it.
     *
     * @param rate I/Os in a second
     * @param medianMicros what half of them took at most
     * @param tailMicros the same of 99 of 100
     */
    public record Done(double rate, double medianMicros, double tailMicros) {}

    /**
     * Does one after the other.
     *
     * @throws IllegalStateException with the words of fio when an I/O fails
     */
    public static List<Done> run(Guest guest, String disk, int seconds, List<FioLoad> loads) throws Exception {
        var command = new ArrayList<>(List.of(
                "fio",
                "--output-format=json",
                "--name=global",
                "--filename=" + disk,
                "--ioengine=libaio",
                "--direct=1",
                "--time_based",
                "--ramp_time=" + RAMP_SECONDS,
                "--runtime=" + seconds));
        for (var load : loads) {
            command.addAll(List.of(
                    "--name=" + load.kind,
                    "--stonewall",
                    "--rw=" + load.kind,
                    "--bs=" + load.kibibytes + "k",
                    "--iodepth=" + load.depth));
        }
        var bound = START_BOUND.plusSeconds(2L * loads.size() * (seconds + RAMP_SECONDS));
        return Content.jobs(guest.run(bound, command)).stream()
                .map(job -> (Map<?, ?>) job)
                .map(job ->
                        done((Map<?, ?>) job.get(job.get("jobname").toString().substring("rand".length()))))
                .toList();
    }

    private static Done done(Map<?, ?> way) {
        var percentiles = (Map<?, ?>) ((Map<?, ?>) way.get("clat_ns")).get("percentile");
        return new Done(
                number(way, "iops"), number(percentiles, "50.000000") / 1e3, number(percentiles, "99.000000") / 1e3);
    }

    private static double number(Map<?, ?> row, String key) {
        return ((Number) row.get(key)).doubleValue();
    }

    /** Writes all of a disk, so that what is behind it has its memory, and reads and writes all of it in pieces, for two minutes at most. */
    public static void warmUp(Guest guest, String disk) throws Exception {
        var command = List.of(
                "fio",
                "--name=global",
                "--filename=" + disk,
                "--ioengine=libaio",
                "--direct=1",
                "--runtime=" + WARM_UP_SECONDS,
                "--name=fill",
                "--rw=write",
                "--bs=128k",
                "--iodepth=4",
                "--name=pieces",
                "--stonewall",
                "--rw=randrw",
                "--bs=4k",
                "--iodepth=8");
        guest.run(START_BOUND.plusSeconds(2 * WARM_UP_SECONDS), command);
    }

    @Override
    public String toString() {
        return kibibytes + " KiB " + kind + ", depth " + depth;
    }
}
