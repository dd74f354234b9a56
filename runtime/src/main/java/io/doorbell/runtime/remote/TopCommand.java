package io.doorbell.runtime.remote;

import io.doorbell.runtime.Refusal;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** What goes on: what each namespace, host, lease and reactor did in the last interval. */
@Command(name = "top", description = "What goes on now, anew each interval, until ended.")
public final class TopCommand extends RemoteCommand {
    private static final int MAX_INTERVAL_SECONDS = 3_600;

    /** Home, and clear what is below: ECMA-48 CUP, ED. */
    private static final String CLEAR = "\u001b[H\u001b[2J";

    @Option(names = "--interval", paramLabel = "SECONDS", defaultValue = "2", description = "1 to 3600; by default 2.")
    private int intervalSeconds;

    @Option(names = "--count", paramLabel = "N", description = "End after so many intervals; by default, never.")
    private int count;

    @Override
    int ask(RunningNode node) {
        if (intervalSeconds < 1 || intervalSeconds > MAX_INTERVAL_SECONDS) {
            throw new ParameterException(
                    spec().commandLine(), "--interval " + intervalSeconds + ": 1 to " + MAX_INTERVAL_SECONDS);
        }
        if (count < 0) {
            throw new ParameterException(spec().commandLine(), "--count " + count + ": 1 or more");
        }
        var former = Sample.of(node);
        for (int shown = 0; count == 0 || shown < count; shown++) {
            try {
                Thread.sleep(Duration.ofSeconds(intervalSeconds));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 0;
            }
            var latest = Sample.of(node);
            show(former, latest, node);
            former = latest;
        }
        return 0;
    }

    private void show(Sample former, Sample latest, RunningNode node) {
        if (json()) {
            printJson(latest.rates(former));
        } else {
            if (System.console() != null && System.console().isTerminal() && count != 1) {
                out().print(CLEAR);
            }
            latest.print(former, node, out(), columns());
        }
        out().flush();
        if (out().checkError()) {
            throw new Refusal("nobody reads what top says any more");
        }
    }

    /** Counters of one moment. Rates are of what is in both of two: what came or went between them has none. */
    private record Sample(
            long atNanos,
            Map<String, Row> namespaces,
            Map<String, Row> hosts,
            Map<String, Row> leases,
            Map<String, Row> reactors) {
        static Sample of(RunningNode node) {
            return new Sample(
                    System.nanoTime(),
                    table(node.read("Namespaces", "Namespaces")),
                    table(node.read("Hosts", "Hosts")),
                    table(node.read("Leases", "Leases")),
                    table(node.read("Reactors", "Reactors")));
        }

        private static Map<String, Row> table(Object value) {
            var rows = new LinkedHashMap<String, Row>();
            new Row(value).fields().forEach((key, each) -> rows.put(key, new Row(each)));
            return rows;
        }

        Map<String, Object> rates(Sample former) {
            var all = new LinkedHashMap<String, Object>();
            all.put("seconds", seconds(former));
            all.put("namespaces", ioRates(namespaces, former.namespaces, former));
            all.put("hosts", ioRates(hosts, former.hosts, former));
            var iops = new LinkedHashMap<String, Object>();
            leases.forEach((id, lease) -> iops.put(id, rate(lease, former.leases.get(id), "completed", former)));
            all.put("leaseIops", iops);
            var busy = new LinkedHashMap<String, Object>();
            reactors.forEach((name, reactor) -> busy.put(name, busy(reactor, former.reactors.get(name))));
            all.put("reactorBusy", busy);
            return all;
        }

        private Map<String, Object> ioRates(Map<String, Row> now, Map<String, Row> then, Sample former) {
            var all = new LinkedHashMap<String, Object>();
            now.forEach((key, row) -> {
                var rates = new LinkedHashMap<String, Object>();
                rates.put("readIops", rate(row, then.get(key), "readCommands", former));
                rates.put("writeIops", rate(row, then.get(key), "writeCommands", former));
                rates.put("readBytesPerSecond", rate(row, then.get(key), "readBytes", former));
                rates.put("writtenBytesPerSecond", rate(row, then.get(key), "writtenBytes", former));
                all.put(key, rates);
            });
            return all;
        }

        void print(Sample former, RunningNode node, PrintWriter out, int columns) {
            out.printf("%s  %s  %.1f s%n%n", node.where(), Figures.time(System.currentTimeMillis()), seconds(former));
            io("NAMESPACE", namespaces, former.namespaces, former, out, columns);
            io("HOST", hosts, former.hosts, former, out, columns);
            var held = new Table(
                    ">LEASE", "HOLDER", "CONTROLLER OR LISTENER", ">QP", "OWNER", ">IOPS", ">BUSY", ">FAILED");
            leases.forEach((id, lease) -> held.row(
                    id,
                    lease.text("holder"),
                    lease.text("controller"),
                    lease.number("queueId"),
                    lease.text("ownerThread"),
                    Figures.count(rate(lease, former.leases.get(id), "completed", former)),
                    lease.number("inFlight"),
                    lease.number("failed")));
            printWhereAny(held.dispensable("OWNER", "QP"), out, columns);
            var threads = new Table("REACTOR", ">CPU", ">BUSY", ">POLLERS", ">PARKS/S", "STATE");
            reactors.forEach((name, reactor) -> threads.row(
                    name,
                    reactor.number("cpu") < 0 ? "any" : reactor.number("cpu"),
                    Figures.percent(busy(reactor, former.reactors.get(name)), 1),
                    reactor.number("pollers"),
                    Figures.count(rate(reactor, former.reactors.get(name), "parks", former)),
                    reactor.flag("parked") ? "asleep" : "polls"));
            printWhereAny(threads, out, columns);
        }

        private void io(
                String what, Map<String, Row> now, Map<String, Row> then, Sample former, PrintWriter out, int columns) {
            var table = new Table(
                    what,
                    ">READ IOPS",
                    ">WRITE IOPS",
                    ">READ/S",
                    ">WRITTEN/S",
                    ">MEAN READ",
                    ">MEAN WRITE",
                    ">P99 READ",
                    ">P99 WRITE");
            now.forEach((key, row) -> table.row(
                    key,
                    Figures.count(rate(row, then.get(key), "readCommands", former)),
                    Figures.count(rate(row, then.get(key), "writeCommands", former)),
                    Figures.bytes(rate(row, then.get(key), "readBytes", former)),
                    Figures.bytes(rate(row, then.get(key), "writtenBytes", former)),
                    Figures.micros(row.row("readLatency").real("meanMicros")),
                    Figures.micros(row.row("writeLatency").real("meanMicros")),
                    Figures.micros(row.row("readLatency").real("p99Micros")),
                    Figures.micros(row.row("writeLatency").real("p99Micros"))));
            printWhereAny(table.dispensable("MEAN WRITE", "MEAN READ"), out, columns);
        }

        private static void printWhereAny(Table table, PrintWriter out, int columns) {
            if (!table.isEmpty()) {
                table.print(out, columns);
                out.println();
            }
        }

        private double seconds(Sample former) {
            return (atNanos - former.atNanos) / 1e9;
        }

        private double rate(Row now, Row then, String counter, Sample former) {
            return then == null ? 0 : Math.max(0, now.number(counter) - then.number(counter)) / seconds(former);
        }

        /** Of the cycles in between, those that found work: 0 to 1. */
        private static double busy(Row now, Row then) {
            var cycles = then == null ? 0 : now.number("cycles") - then.number("cycles");
            return cycles <= 0 ? 0 : (double) (now.number("busyCycles") - then.number("busyCycles")) / cycles;
        }
    }
}
