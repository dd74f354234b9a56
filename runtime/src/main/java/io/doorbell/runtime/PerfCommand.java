package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Hands its arguments, as they are, to the perf plug-in of an embedded node. */
@Command(name = "perf", description = "SPDK's perf workload on an embedded node; 'perf --help' shows its options.")
final class PerfCommand implements Callable<Integer> {
    /** Whatever else a transport id says, it says these two in this form, as perf itself and SPDK take it. */
    private static final Pattern VFIO_USER =
            Pattern.compile("(?is)(?=.*\\btrtype[:=]VFIOUSER\\b).*\\btraddr[:=](\\S+).*");

    private static final Pattern PCIE = Pattern.compile("(?is)(?=.*\\btrtype[:=]PCIE\\b).*\\btraddr[:=](\\S+).*");

    /** Options too: {@link Main} tells picocli to leave the options of this command alone. */
    @Parameters(arity = "0..*", hidden = true)
    private List<String> arguments = new ArrayList<>();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        var command = spec.commandLine();
        try (var embedded = EmbeddedNode.start(this::home)) {
            return embedded.runTool("perf", command.getOut(), command.getErr(), arguments.toArray(String[]::new));
        }
    }

    /** A temporary one, whose driver looks for the devices that a transport id names: by the path of their socket, or on the bus. */
    private Home home(Distribution distribution) {
        var home = Home.temporary(distribution);
        try {
            var config = home.root().resolve("config");
            var sockets = named(VFIO_USER);
            for (int i = 0; i < sockets.size(); i++) {
                Files.writeString(
                        config.resolve("io.doorbell.pcie.vfiouser~perf" + i + ".cfg"),
                        "path = " + sockets.get(i) + "\n");
            }
            var functions = named(PCIE);
            if (!functions.isEmpty()) {
                Files.writeString(
                        config.resolve("io.doorbell.pcie.vfio.cfg"),
                        "functions = " + String.join(", ", functions) + "\n");
            }
            return home;
        } catch (IOException e) {
            home.close();
            throw new UncheckedIOException(e);
        }
    }

    /** The addresses of one kind of transport. */
    private List<String> named(Pattern kind) {
        return arguments.stream()
                .map(kind::matcher)
                .filter(Matcher::matches)
                .map(id -> id.group(1))
                .toList();
    }
}
