package io.doorbell.runtime.doctor;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.runtime.Distribution;
import io.doorbell.runtime.Home;
import io.doorbell.runtime.HomeLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What this machine lacks. No node runs for it. */
@Command(
        name = "doctor",
        description = {
            "What this machine lacks for a node, and the command that mends it; changes nothing.",
            "Exit code 1 where a node could not do what its configuration says."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class DoctorCommand implements Callable<Integer> {
    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = {"Whose ports to look at.", "Without it: $DOORBELL_HOME, else ~/.doorbell"})
    private Path home;

    @Option(names = "--json", description = "As JSON.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        var root = home != null ? home : Home.usual();
        var configuration = root.resolve("config");
        if (!Files.isDirectory(configuration)) {
            configuration = Distribution.locate().root().resolve("config");
        }
        var findings = new ArrayList<>(new MachineChecks(Path.of("/")).all());
        findings.addAll(new PortChecks(configuration, HomeLock.holder(root)).all());
        var out = spec.commandLine().getOut();
        if (json) {
            out.println(JSON.std
                    .with(JSON.Feature.PRETTY_PRINT_OUTPUT)
                    .asString(findings.stream()
                            .map(each -> Map.of(
                                    "status",
                                    each.status().name(),
                                    "subject",
                                    each.subject(),
                                    "found",
                                    each.found(),
                                    "remedy",
                                    each.remedy()))
                            .toList()));
        } else {
            print(findings, out);
        }
        return findings.stream().anyMatch(each -> each.status() == Finding.Status.FAILS) ? 1 : 0;
    }

    private static void print(List<Finding> findings, PrintWriter out) {
        int width = findings.stream()
                .mapToInt(each -> each.subject().length())
                .max()
                .orElse(0);
        for (var each : findings) {
            out.printf("%-6s %-" + width + "s  %s%n", word(each.status()), each.subject(), each.found());
            if (!each.remedy().isEmpty()) {
                out.printf("%-6s %-" + width + "s  -> %s%n", "", "", each.remedy());
            }
        }
    }

    private static String word(Finding.Status status) {
        return switch (status) {
            case OK -> "ok";
            case LACKS -> "lacks";
            case FAILS -> "FAILS";
        };
    }
}
