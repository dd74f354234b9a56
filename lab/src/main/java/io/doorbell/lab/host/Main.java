package io.doorbell.lab.host;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import io.doorbell.lab.Labs;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./doorbell lab}. Exit codes: 0 all passed, or the lab was skipped; 1 some failed; 2 not understood. */
@Command(
        name = "lab",
        mixinStandardHelpOptions = true,
        description = {
            "Boots a kernel and devices that are not ours in QEMU and runs cases there. The last line says how many"
                    + " passed and how many failed, or \"skipped:\" and why.",
            "What is needed comes from Debian's packages into build/lab; nothing is installed."
        })
public final class Main implements Callable<Integer> {
    private static final int MAX_SECONDS = 86_400;

    @Parameters(
            paramLabel = "LAB",
            description = "which one: pcie, tcp, rdma, rdma-nic, rdma-speed, rdma-nic-speed, manual")
    private String name;

    @Option(names = "--case", paramLabel = "NAME", description = "run only this case; may be given more than once")
    private List<String> chosen = List.of();

    @Option(names = "--quick", description = "run only what './doorbell test' runs, where a lab takes long")
    private boolean quick;

    @Option(names = "--list", description = "say which cases there are, and run none")
    private boolean list;

    @Option(names = "--minutes", defaultValue = "40", description = "after which it ends in any case; ${DEFAULT-VALUE}")
    private int minutes;

    @Option(
            names = "--seconds",
            defaultValue = "0",
            description = "how long cases go on that can go on for as long as one wants; by default some seconds")
    private int seconds;

    @Spec
    private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args));
    }

    static int run(PrintWriter out, PrintWriter err, String... args) {
        return new CommandLine(new Main()).setOut(out).setErr(err).execute(args);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        var out = spec.commandLine().getOut();
        var lab = lab();
        var cases = cases(lab);
        if (list) {
            cases.forEach(one -> out.println(one.name()));
            return 0;
        }
        if (minutes < 1) {
            throw new ParameterException(spec.commandLine(), "--minutes " + minutes + ": at least 1");
        }
        if (seconds < 0 || seconds > MAX_SECONDS) {
            throw new ParameterException(spec.commandLine(), "--seconds " + seconds + ": 0 to " + MAX_SECONDS);
        }
        Progress progress = what -> spec.commandLine().getErr().println("lab: " + what);
        try {
            // The folder of the project: ./doorbell says which.
            var folder = Path.of(System.getProperty("doorbell.root", ""))
                    .toAbsolutePath()
                    .resolve("build/lab");
            var run = new LabRun(folder, lab, Duration.ofMinutes(minutes), seconds, progress);
            return run.run(cases, new Report(out)) ? 0 : 1;
        } catch (Skipped skipped) {
            out.println("skipped: " + skipped.getMessage());
            return 0;
        } catch (LabException | GuestTalk.NotBooted broken) {
            spec.commandLine().getErr().println("lab: " + broken.getMessage());
            return 1;
        }
    }

    private Lab lab() {
        try {
            return Labs.named(name);
        } catch (IllegalArgumentException none) {
            throw new ParameterException(spec.commandLine(), none.getMessage());
        }
    }

    private List<Case> cases(Lab lab) {
        if (quick && !chosen.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--quick and --case: one of them");
        }
        if (chosen.isEmpty()) {
            return quick ? lab.quickCases() : lab.cases();
        }
        var found = new ArrayList<Case>();
        for (var one : chosen) {
            found.add(lab.cases().stream()
                    .filter(candidate -> candidate.name().equals(one))
                    .findFirst()
                    .orElseThrow(() -> new ParameterException(
                            spec.commandLine(), "no case is called " + one + "; --list says which there are")));
        }
        return found;
    }
}
