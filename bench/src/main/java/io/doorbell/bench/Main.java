package io.doorbell.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./doorbell bench}: runs the measurements and prints each figure beside its mark. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description =
                "Measures the paths that have a mark. Quiet machines give better figures; ratios hold on others too.")
public final class Main implements Callable<Integer> {

    /** What can be measured. */
    enum Group {
        /** Writing a command, taking a completion. */
        ENCODER,
        /** Submit and complete on an instant device, leased and not. */
        QUEUE_PAIR,
        /** Taking a lease back from a busy holder. */
        REVOCATION,
        /** From nothing to the first completed I/O. */
        START,
        /** The perf workload against the emulated controller, null namespace. */
        PERF,
        /** Our perf and SPDK's, in turn, against a device in another process. */
        DRIVER,
        /** What one I/O costs a TCP target and its host, in turn on one thread. */
        TCP_PATH,
        /** Requests of RDMA in software, and I/Os of a target over it, both ends in turn on one thread. */
        RDMA,
        /** Our TCP target and SPDK's, in turn, under the same client. */
        TCP
    }

    @Parameters(
            arity = "0..*",
            description = {
                "groups to run, all but driver and tcp by default: ${COMPLETION-CANDIDATES}",
                "driver: our perf and SPDK's in turn on the same vfio-user device. SPDK_BIN names the folder of SPDK's programs",
                "tcp: our NVMe/TCP target and SPDK's in turn under the same client, likewise"
            })
    private Set<Group> groups = EnumSet.complementOf(EnumSet.of(Group.DRIVER, Group.TCP));

    @Option(names = "--json", paramLabel = "FILE", description = "write the figures to FILE too")
    private Path json;

    @Option(
            names = "--rows",
            paramLabel = "REGEX",
            defaultValue = "",
            description = "of tcp, only rows in whose names this is found: '4 KiB randread, depth 1,', '128 KiB', idle")
    private Pattern rows;

    @Option(names = "--quick", description = "short runs: a look, not a measurement")
    private boolean quick;

    /** Runs and exits with 0, or 1 when a mark was missed, or 2 for wrong arguments. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(args));
    }

    @Override
    public Integer call() throws Exception {
        var figures = new ArrayList<Figure>();
        if (groups.contains(Group.ENCODER)) {
            show(figures, Jmh.run(EncoderBenchmark.class, "encoder", quick));
        }
        if (groups.contains(Group.QUEUE_PAIR)) {
            show(figures, Jmh.queuePair(quick));
        }
        if (groups.contains(Group.REVOCATION)) {
            show(figures, RevocationMeasurement.run(quick ? 20 : 200));
        }
        if (groups.contains(Group.START)) {
            show(figures, StartMeasurement.run(quick ? 1 : 5));
        }
        if (groups.contains(Group.PERF)) {
            show(figures, PerfMeasurement.run(quick ? 1 : 5));
        }
        if (groups.contains(Group.DRIVER)) {
            figures.addAll(DriverMeasurement.run(quick ? 1 : 5, quick ? 1 : 3, System.out));
        }
        if (groups.contains(Group.TCP_PATH)) {
            show(figures, Jmh.tcpPath(quick));
        }
        if (groups.contains(Group.RDMA)) {
            show(figures, RdmaMeasurement.run(quick));
        }
        if (groups.contains(Group.TCP)) {
            figures.addAll(TcpMeasurement.run(quick ? 1 : 5, quick ? 3 : 5, rows, System.out));
        }
        if (json != null) {
            write(figures);
        }
        return figures.stream().anyMatch(Figure::missed) ? 1 : 0;
    }

    private static void show(List<Figure> all, List<Figure> figures) {
        all.addAll(figures);
        for (var figure : figures) {
            System.out.printf(
                    "%-11s %-58s %14s %-8s %s%n",
                    figure.group(),
                    figure.name(),
                    Figure.number(figure.value())
                            + (Double.isNaN(figure.error()) ? "" : " ±" + Figure.number(figure.error())),
                    figure.unit(),
                    figure.mark().isEmpty() ? "" : figure.mark() + (figure.missed() ? "  MISSED" : "  ok"));
        }
        System.out.flush();
    }

    private void write(List<Figure> figures) throws IOException {
        var rows = new ArrayList<LinkedHashMap<String, Object>>();
        for (var figure : figures) {
            var row = new LinkedHashMap<String, Object>();
            row.put("group", figure.group());
            row.put("name", figure.name());
            row.put("value", figure.value());
            if (!Double.isNaN(figure.error())) {
                row.put("error", figure.error());
            }
            row.put("unit", figure.unit());
            row.put("mark", figure.mark());
            row.put("missed", figure.missed());
            rows.add(row);
        }
        JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).write(rows, json.toFile());
    }
}
