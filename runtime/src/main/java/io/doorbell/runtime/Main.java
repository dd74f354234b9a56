package io.doorbell.runtime;

import io.doorbell.runtime.doctor.DoctorCommand;
import io.doorbell.runtime.remote.BundlesCommand;
import io.doorbell.runtime.remote.ConfigCommand;
import io.doorbell.runtime.remote.ConnectionsCommand;
import io.doorbell.runtime.remote.ControllersCommand;
import io.doorbell.runtime.remote.DeployCommand;
import io.doorbell.runtime.remote.EventsCommand;
import io.doorbell.runtime.remote.HostsCommand;
import io.doorbell.runtime.remote.LeasesCommand;
import io.doorbell.runtime.remote.RevokeCommand;
import io.doorbell.runtime.remote.StatusCommand;
import io.doorbell.runtime.remote.SubsystemsCommand;
import io.doorbell.runtime.remote.SupportCommand;
import io.doorbell.runtime.remote.TopCommand;
import io.doorbell.runtime.remote.UndeployCommand;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line. Exit codes: 0 done, 1 failed, 2 not understood. */
@Command(
        name = "doorbell",
        description = "A storage node that leases NVMe queue pairs.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            DemoCommand.class,
            RunCommand.class,
            ToolCommand.Perf.class,
            ToolCommand.Discover.class,
            ToolCommand.Identify.class,
            DeviceCommand.class,
            PciCommand.class,
            KeyCommand.class,
            StatusCommand.class,
            TopCommand.class,
            LeasesCommand.class,
            RevokeCommand.class,
            ControllersCommand.class,
            SubsystemsCommand.class,
            HostsCommand.class,
            ConnectionsCommand.class,
            BundlesCommand.class,
            DeployCommand.class,
            UndeployCommand.class,
            ConfigCommand.class,
            EventsCommand.class,
            SupportCommand.class,
            DoctorCommand.class,
            CompletionCommand.class
        })
public final class Main implements Callable<Integer> {
    static final int DONE = 0;
    static final int FAILED = 1;
    private static final int NOT_UNDERSTOOD = 2;

    @Spec
    private CommandSpec spec;

    private Main() {}

    public static void main(String[] args) {
        System.exit(run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args));
    }

    static int run(PrintWriter out, PrintWriter err, String... args) {
        var commandLine = new CommandLine(new Main());
        for (var tool : commandLine.getSubcommands().values()) {
            if (tool.getCommand() instanceof ToolCommand) {
                tool.setUnmatchedOptionsArePositionalParams(true);
            }
        }
        return commandLine
                .setExpandAtFiles(false)
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((wrong, _) -> notUnderstood(wrong))
                .setExecutionExceptionHandler((exception, command, _) -> {
                    if (!(exception instanceof Refusal refusal)) {
                        throw exception;
                    }
                    command.getErr().println("doorbell: " + refusal.getMessage());
                    return FAILED;
                })
                .execute(args);
    }

    /** What is wrong comes first, and the whole help only for who has not even named a command. */
    private static int notUnderstood(ParameterException wrong) {
        var command = wrong.getCommandLine();
        var err = command.getErr();
        err.println("doorbell: " + wrong.getMessage().replaceAll("is not an? (int|long)$", "is not a whole number"));
        UnmatchedArgumentException.printSuggestions(wrong, err);
        if (command.getParent() == null) {
            command.usage(err);
        } else {
            err.print(command.getHelp().fullSynopsis());
            err.println("'" + command.getCommandSpec().qualifiedName() + " --help' tells more.");
        }
        return NOT_UNDERSTOOD;
    }

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "no command");
    }

    /** A JVM that was started by hand may lack what {@code bin/jvm.options} gives it. */
    static void requireNativeAccess() {
        if (!Main.class.getModule().isNativeAccessEnabled()) {
            throw new Refusal("this JVM may not reach native memory: start it with"
                    + " --enable-native-access=ALL-UNNAMED, or by bin/doorbell, which does");
        }
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            var version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"doorbell " + (version == null ? "(not packaged)" : version)};
        }
    }
}
