package io.doorbell.runtime;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** What bash needs to complete this command line. */
@Command(
        name = "completion",
        description = {"Completion for bash, to be sourced:", "  source <(./doorbell completion)"},
        mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
    /** Those that the script of the source tree has besides. */
    private static final List<String> OF_THE_SCRIPT = List.of("test", "lab", "bench");

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        var whole = new CommandLine(spec.root().userObject());
        OF_THE_SCRIPT.forEach(name -> whole.addSubcommand(name, CommandSpec.create()));
        spec.commandLine().getOut().println(AutoComplete.bash("doorbell", whole));
        return Main.DONE;
    }
}
