package io.doorbell.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Hands its arguments, as they are, to the perf plug-in of an embedded node. */
@Command(name = "perf", description = "SPDK's perf workload on an embedded node; 'perf --help' shows its options.")
final class PerfCommand implements Callable<Integer> {
    /** Options too: {@link Main} tells picocli to leave the options of this command alone. */
    @Parameters(arity = "0..*", hidden = true)
    private List<String> arguments = new ArrayList<>();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        var command = spec.commandLine();
        try (var embedded = EmbeddedNode.start()) {
            return embedded.runTool("perf", command.getOut(), command.getErr(), arguments.toArray(String[]::new));
        }
    }
}
