package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Hands its arguments, as they are, to the perf plug-in of an embedded node. */
@Command(name = "perf", description = "SPDK's perf workload on an embedded node; 'perf --help' shows its options.")
final class PerfCommand implements Callable<Integer> {
    /** Whatever else a transport id says, it says these two in this form, as perf itself and SPDK take it. */
    private static final Pattern DEVICE = Pattern.compile("(?is)(?=.*\\btrtype[:=]VFIOUSER\\b).*\\btraddr[:=](\\S+).*");

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

    /** A temporary one, whose driver looks for the devices that a transport id names by the path of their socket. */
    private Home home(Distribution distribution) {
        var home = Home.temporary(distribution);
        try {
            var number = 0;
            for (var argument : arguments) {
                var id = DEVICE.matcher(argument);
                if (id.matches()) {
                    var file = "io.doorbell.pcie.vfiouser~perf" + number++ + ".cfg";
                    Files.writeString(home.root().resolve("config").resolve(file), "path = " + id.group(1) + "\n");
                }
            }
            return home;
        } catch (IOException e) {
            home.close();
            throw new UncheckedIOException(e);
        }
    }
}
