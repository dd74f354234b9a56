package io.doorbell.runtime.remote;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.runtime.Home;
import io.doorbell.runtime.Refusal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What the commands that ask a running node share. Exit codes as those of all commands: 0 done, 1 failed, 2 not understood. */
@Command(mixinStandardHelpOptions = true, sortOptions = false)
abstract class RemoteCommand implements Callable<Integer> {
    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = {"The directory of the node to ask.", "Without it: $DOORBELL_HOME, else ~/.doorbell"})
    private Path home;

    @ArgGroup(exclusive = false)
    private NodeElsewhere elsewhere;

    @Option(names = "--json", description = "As JSON, as the node said it.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        if (home != null && elsewhere != null) {
            throw new Refusal("--home names a node on this machine and --url any other: give one of the two");
        }
        try (var node =
                elsewhere != null ? RunningNode.of(elsewhere) : RunningNode.of(home != null ? home : Home.usual())) {
            int exit = ask(node);
            out().flush();
            return exit;
        }
    }

    /** @return the exit code */
    abstract int ask(RunningNode node);

    final boolean json() {
        return json;
    }

    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    final CommandSpec spec() {
        return spec;
    }

    final void printJson(Object value) {
        try {
            out().println(JSON.std
                    .with(JSON.Feature.PRETTY_PRINT_OUTPUT, JSON.Feature.WRITE_NULL_PROPERTIES)
                    .asString(value));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Of the terminal. What goes into a pipe or a file stays whole. */
    final int columns() {
        var console = System.console();
        return console != null && console.isTerminal()
                ? spec.usageMessage().autoWidth(true).width()
                : Integer.MAX_VALUE;
    }

    /** A table; a sentence where it has no rows. */
    final void print(Table table, String nothing) {
        if (table.isEmpty()) {
            out().println(nothing);
        } else {
            table.print(out(), columns());
        }
    }
}
