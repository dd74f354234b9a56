package io.doorbell.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Hands its arguments to the plug-in of an embedded node that brings the command, but for those by which {@link NamedDevices} sets that node up. */
abstract sealed class ToolCommand implements Callable<Integer> {
    /** Options too: {@link Main} tells picocli to leave the options of these commands alone. */
    @Parameters(arity = "0..*", hidden = true)
    private List<String> arguments = new ArrayList<>();

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        var command = spec.commandLine();
        var devices = new NamedDevices(arguments, asksItself());
        try (var embedded = EmbeddedNode.start(devices::home)) {
            return embedded.runTool(command.getCommandName(), command.getOut(), command.getErr(), devices.arguments());
        }
    }

    boolean asksItself() {
        return false;
    }

    @Command(name = "perf", description = "SPDK's perf workload on an embedded node; 'perf --help' shows its options.")
    static final class Perf extends ToolCommand {}

    @Command(
            name = "discover",
            description = "What there is to connect to at an address; 'discover --help' shows its options.")
    static final class Discover extends ToolCommand {
        @Override
        boolean asksItself() {
            return true;
        }
    }

    @Command(
            name = "identify",
            description = "What controllers and namespaces say of themselves; 'identify --help' shows its options.")
    static final class Identify extends ToolCommand {}
}
