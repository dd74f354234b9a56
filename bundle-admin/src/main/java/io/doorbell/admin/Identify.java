package io.doorbell.admin;

import io.doorbell.host.NvmeController;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Supplier;
import java.util.spi.ToolProvider;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The command {@code identify}; needs no container. Any thread. */
public final class Identify implements ToolProvider {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int WRONG_FLAGS = 2;

    /** Drivers bring controllers up in the background: a command at the start of a node may be a moment early. */
    private static final Duration APPEARANCE_BOUND = Duration.ofSeconds(10);

    /** Where all controllers are meant, the list has to stay the same for so long. */
    private static final Duration SETTLING = Duration.ofMillis(200);

    private static final Duration LOOK_AGAIN = Duration.ofMillis(10);

    /** For each admin command. */
    private static final Duration COMMAND_BOUND = Duration.ofSeconds(10);

    private final Supplier<List<NvmeController>> controllers;

    /** @param controllers those there are now */
    public Identify(Supplier<List<NvmeController>> controllers) {
        this.controllers = controllers;
    }

    @Command(
            name = "identify",
            description = {
                "What NVMe controllers and their namespaces say of themselves: registers, capabilities, power states,"
                        + " features, health, errors, firmware, commands, LBA formats.",
                "As nvme id-ctrl, id-ns and spdk_nvme_identify do."
            },
            sortOptions = false,
            separator = " ",
            footer = {
                "",
                "Exit code: 0 when everything could be read, 1 when a controller was not there or did not answer, 2 for wrong"
                        + " flags. Nothing is changed on the controller."
            })
    static final class Flags {
        @Option(
                names = {"-r", "--transport"},
                paramLabel = "TRID",
                description = "a controller, such as 'trtype:EMULATED traddr:nvme0', 'trtype:VFIOUSER traddr:DIR' or"
                        + " 'trtype:PCIE traddr:0000:01:00.0'; more than once for more. Without it: all there are")
        List<String> transports = new ArrayList<>();

        @Option(
                names = "--namespace",
                paramLabel = "N",
                description = "only this namespace, and nothing of the controller")
        Integer namespace;

        @Option(names = "--json", description = "for programs")
        boolean json;

        @Option(
                names = "--hex",
                description = "the data structures as they are: Identify Controller, Identify Namespace")
        boolean hex;

        @Option(names = "--help", usageHelp = true, description = "this")
        boolean help;
    }

    @Override
    public String name() {
        return "identify";
    }

    @Override
    public int run(PrintWriter out, PrintWriter err, String... args) {
        var flags = new Flags();
        var commandLine = new CommandLine(flags).setExpandAtFiles(false).setUsageHelpWidth(110);
        var wanted = new ArrayList<TransportId>();
        try {
            commandLine.parseArgs(args);
            for (var transport : flags.transports) {
                wanted.add(TransportId.parse(transport).withoutNamespace());
            }
            if (flags.json && flags.hex) {
                throw new ParameterException(commandLine, "--json and --hex: one of them");
            }
        } catch (ParameterException | IllegalArgumentException wrong) {
            err.println("identify: " + wrong.getMessage());
            err.println("identify: --help tells all flags");
            err.flush();
            return WRONG_FLAGS;
        }
        if (flags.help) {
            commandLine.usage(out);
            out.flush();
            return OK;
        }
        try {
            say(find(wanted), flags, out);
            return OK;
        } catch (NvmeException failed) {
            err.println("identify: " + failed.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            err.println("identify: interrupted");
        }
        err.flush();
        return FAILED;
    }

    private static void say(List<NvmeController> found, Flags flags, PrintWriter out) {
        var reports = new ArrayList<Report>();
        for (var controller : found) {
            var inspection = new Inspection(new AdminCommands(controller, COMMAND_BOUND).retainingEvents());
            if (flags.hex) {
                out.println(controller.transportId());
                out.print(Words.dump(inspection.structure(flags.namespace)));
            } else {
                reports.add(inspection.report(flags.namespace));
            }
        }
        if (flags.json) {
            out.print(ReportJson.write(reports));
        } else {
            for (int i = 0; i < reports.size(); i++) {
                if (i > 0) {
                    out.println();
                }
                ReportText.print(reports.get(i), out);
            }
        }
        out.flush();
    }

    private List<NvmeController> find(List<TransportId> wanted) throws InterruptedException {
        long deadline = System.nanoTime() + APPEARANCE_BOUND.toNanos();
        var known = List.<TransportId>of();
        long knownSince = System.nanoTime();
        while (true) {
            var there = controllers.get().stream()
                    .filter(each -> wanted.isEmpty() || wanted.contains(each.transportId()))
                    .sorted(Comparator.comparing(each -> each.transportId().toString()))
                    .toList();
            var ids = there.stream().map(NvmeController::transportId).toList();
            long now = System.nanoTime();
            if (!ids.equals(known)) {
                known = ids;
                knownSince = now;
            }
            boolean complete = wanted.isEmpty()
                    ? !ids.isEmpty() && now - knownSince >= SETTLING.toNanos()
                    : ids.containsAll(wanted);
            if (complete) {
                return there;
            }
            if (now - deadline >= 0) {
                throw missing(wanted, ids);
            }
            Thread.sleep(LOOK_AGAIN);
        }
    }

    private NvmeException missing(List<TransportId> wanted, List<TransportId> found) {
        var names = controllers.get().stream()
                .map(each -> each.transportId().toString())
                .sorted()
                .toList();
        var first = wanted.stream().filter(id -> !found.contains(id)).findFirst();
        return new NvmeException(
                NvmeException.Kind.RETRY,
                first.map(id -> "no controller " + id).orElse("no NVMe controllers found"),
                "not within " + APPEARANCE_BOUND.toMillis() + " ms; there are: "
                        + (names.isEmpty() ? "none" : String.join("; ", names)));
    }
}
