package io.doorbell.runtime;

import io.doorbell.platform.CpuAffinity;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** An embedded node, perf on every controller it has, one table. */
@Command(
        name = "demo",
        description = "An embedded node in a temporary home; perf on every installed transport; one table.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footer = "Exit code 0 only if there was a controller and every I/O succeeded.")
final class DemoCommand implements Callable<Integer> {
    private static final int LONGEST_SECONDS = 3600;

    /** The subsystem of the default configuration, which a temporary home has. */
    private static final String SUBSYSTEM = "nqn.2026-11.io.doorbell:nvme0";

    /** Of the ways to it that the demo shows, as filters. Each is brought up in the background, within some hundred milliseconds. */
    private static final List<String> TRANSPORTS =
            List.of("(doorbell.trid=trtype:EMULATED*)", "(doorbell.trid=trtype:TCP*)", "(doorbell.trid=trtype:RDMA*)");

    private static final String TCP_LISTENER = "demo";

    private static final String RDMA_LISTENER = "demo-rdma";

    private static final List<String> HOST_FILES =
            List.of("io.doorbell.tcp.host~demo.cfg", "io.doorbell.rdma.host~demo.cfg");

    private static final Duration CONTROLLER_BOUND = Duration.ofSeconds(30);

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "3",
            description = "How long perf runs on each transport, 1 to 3600 (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--json", paramLabel = "FILE", description = "Also write the results there.")
    private Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        if (seconds < 1 || seconds > LONGEST_SECONDS) {
            throw new ParameterException(
                    spec.commandLine(), "--seconds = " + seconds + ": must be between 1 and " + LONGEST_SECONDS);
        }
        var out = spec.commandLine().getOut();
        var err = spec.commandLine().getErr();
        try (var embedded = EmbeddedNode.start(DemoCommand::home)) {
            var node = embedded.node();
            var results = new ArrayList<PerfResult>();
            var failed = false;
            for (var transport : TRANSPORTS) {
                if (node.await("*", transport, CONTROLLER_BOUND).isEmpty()) {
                    err.println("doorbell: no controller " + transport + " within " + CONTROLLER_BOUND.toSeconds()
                            + " s; not active: " + node.notActive());
                    failed = true;
                }
            }
            for (var trid : node.trids()) {
                failed |= !measure(embedded, trid, results, err);
            }
            withoutHost(embedded);
            ResultTable.print(results, out);
            if (json != null) {
                writeJson(results);
            }
            return failed ? Main.FAILED : Main.DONE;
        }
    }

    /** A temporary one, whose node is a host of its own NVMe/TCP and NVMe/RDMA targets too, over loopback. */
    private static Home home(Distribution distribution) {
        var home = Home.temporary(distribution);
        try {
            var port = Integer.toString(freePort());
            var config = home.root().resolve("config");
            Files.writeString(
                    config.resolve("io.doorbell.tcp.target~demo.cfg"),
                    "name = " + TCP_LISTENER + "\naddress = 127.0.0.1\nport = " + port + "\n");
            Files.writeString(
                    config.resolve(HOST_FILES.get(0)),
                    "trid = trtype:TCP adrfam:IPv4 traddr:127.0.0.1 trsvcid:" + port + " subnqn:" + SUBSYSTEM + "\n");
            overRdma(config);
            return home;
        } catch (IOException e) {
            home.close();
            throw new UncheckedIOException(e);
        }
    }

    /** Two devices, at addresses of the loopback that hardly anybody else has: their port is the same everywhere. */
    private static void overRdma(Path config) throws IOException {
        long number = 2 * ProcessHandle.current().pid();
        var target = NamedDevices.loopback(number);
        var host = NamedDevices.loopback(number + 1);
        Files.writeString(
                config.resolve("io.doorbell.rdma.soft~target.cfg"), "name = target\naddress = " + target + "\n");
        Files.writeString(config.resolve("io.doorbell.rdma.soft~host.cfg"), "name = host\naddress = " + host + "\n");
        Files.writeString(
                config.resolve("io.doorbell.rdma.target~demo.cfg"),
                "name = " + RDMA_LISTENER + "\naddress = " + target + "\nport = 4420\n");
        Files.writeString(
                config.resolve(HOST_FILES.get(1)),
                "trid = trtype:RDMA adrfam:IPv4 traddr:" + target + " trsvcid:4420 subnqn:" + SUBSYSTEM + "\naddress = "
                        + host + "\n");
    }

    /** The host lets go of the target while that is there: otherwise it tells of its loss when the node stops. */
    private static void withoutHost(EmbeddedNode embedded) throws InterruptedException {
        try {
            for (var file : HOST_FILES) {
                Files.delete(embedded.home().root().resolve("config").resolve(file));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        long end = System.nanoTime() + CONTROLLER_BOUND.toNanos();
        while (embedded.node().trids().stream().anyMatch(trid -> !trid.startsWith("trtype:EMULATED"))
                && System.nanoTime() < end) {
            Thread.sleep(20);
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** A CPU where perf does not share that of the other end, if there are two. Whoever is not measured sleeps. */
    private static int cpuBeside(String trid) {
        var cpus = CpuAffinity.allowedCpus();
        var others = CpuAffinity.cpusOf(reactorOf(trid));
        return cpus.stream().filter(cpu -> !others.get(cpu)).findFirst().orElse(cpus.nextSetBit(0));
    }

    /** The thread that is the other end: a reactor has the name of its device or listener. */
    private static String reactorOf(String trid) {
        return switch (trid.substring("trtype:".length()).split(" ", 2)[0]) {
            case "TCP" -> TCP_LISTENER + "-0";
            case "RDMA" -> RDMA_LISTENER + "-0";
            default -> "emulator-nvme0";
        };
    }

    /** True if perf ended well, with results, and no I/O failed. */
    private boolean measure(EmbeddedNode embedded, String trid, List<PerfResult> results, PrintWriter err) {
        var file = embedded.home().var().resolve("demo.json");
        var said = new StringWriter();
        try {
            Files.deleteIfExists(file);
            var exit = embedded.runTool(
                    "perf",
                    new PrintWriter(said),
                    new PrintWriter(said),
                    "-q",
                    "32",
                    "-o",
                    "4096",
                    "-w",
                    "randrw",
                    "-M",
                    "70",
                    "-t",
                    Integer.toString(seconds),
                    "-c",
                    "[" + cpuBeside(trid) + "]",
                    "-r",
                    trid,
                    "--json",
                    file.toString());
            var here = Files.exists(file) ? PerfResult.read(Files.readString(file)) : List.<PerfResult>of();
            results.addAll(here);
            if (exit == 0 && !here.isEmpty() && here.stream().allMatch(result -> result.failed() == 0)) {
                return true;
            }
            err.println("doorbell: perf on " + trid + " ended with " + exit + ":");
            err.println(said);
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void writeJson(List<PerfResult> results) {
        try {
            Files.writeString(json, PerfResult.write(results));
        } catch (IOException e) {
            throw new Refusal("cannot write " + json + ": " + e);
        }
    }
}
