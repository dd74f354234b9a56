package io.doorbell.runtime;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
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

    /** A controller is brought up in the background; the emulated one takes some ten milliseconds. */
    private static final Duration FIRST_CONTROLLER_BOUND = Duration.ofSeconds(10);

    /** Once there is one, others that were configured have had about as long. */
    private static final Duration FURTHER_CONTROLLERS = Duration.ofMillis(300);

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
        try (var embedded = EmbeddedNode.start()) {
            var trids = controllers(embedded.node());
            if (trids.isEmpty()) {
                err.println("doorbell: no controller within " + FIRST_CONTROLLER_BOUND.toSeconds() + " s; not active: "
                        + embedded.node().notActive());
                return Main.FAILED;
            }
            var results = new ArrayList<PerfResult>();
            var failed = false;
            for (var trid : trids) {
                failed |= !measure(embedded, trid, results, err);
            }
            ResultTable.print(results, out);
            if (json != null) {
                writeJson(results);
            }
            return failed ? Main.FAILED : Main.DONE;
        }
    }

    private static Set<String> controllers(Node node) throws InterruptedException {
        if (node.await("*", "(doorbell.trid=*)", FIRST_CONTROLLER_BOUND).isPresent()) {
            Thread.sleep(FURTHER_CONTROLLERS);
        }
        return node.trids();
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
