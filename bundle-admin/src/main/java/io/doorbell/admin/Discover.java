package io.doorbell.admin;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.host.DiscoveredSubsystem;
import io.doorbell.host.Discoverer;
import io.doorbell.host.DiscoveringHost;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.TransportId;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.Supplier;
import java.util.spi.ToolProvider;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The command {@code discover}; needs no container. Any thread. */
public final class Discover implements ToolProvider {
    static final int VERSION = 1;

    /** Plug-ins come one after the other. */
    private static final Duration APPEARANCE_BOUND = Duration.ofSeconds(10);

    private static final Duration LOOK_AGAIN = Duration.ofMillis(10);
    private static final Duration ANSWER_BOUND = Duration.ofSeconds(5);
    private static final List<String> COLUMNS = List.of("Kind", "Transport", "Address", "Service", "Subsystem");

    private final Supplier<List<Discoverer>> discoverers;

    /** @param discoverers those there are now */
    public Discover(Supplier<List<Discoverer>> discoverers) {
        this.discoverers = discoverers;
    }

    @Command(
            name = "discover",
            description =
                    "What there is to connect to at an address: asks its discovery controller, and those that it refers"
                            + " to. As nvme discover does.",
            sortOptions = false,
            separator = " ",
            footer = {"", "Exit code: 0 when the controller could be asked, 1 when not, 2 for wrong flags."})
    static final class Flags {
        @Option(
                names = {"-r", "--transport"},
                paramLabel = "TRID",
                required = true,
                description = "'trtype:TCP adrfam:IPv4 traddr:ADDRESS trsvcid:PORT', or trtype:RDMA")
        String transport;

        @Option(
                names = "--hostnqn",
                paramLabel = "NQN",
                description = "as which host (default: the one that this machine is)")
        String hostNqn;

        @Option(
                names = "--dhchap-key",
                paramLabel = "FILE",
                description = "that host's key for DH-HMAC-CHAP, where it is asked who it is")
        Path key;

        @Option(
                names = "--dhchap-ctrlr-key",
                paramLabel = "FILE",
                description = "the key that the controller has to know, or it is not trusted")
        Path controllerKey;

        @Option(
                names = "--psk-path",
                paramLabel = "FILE",
                description = "that host's key for TLS, by which the connection is encrypted")
        Path tlsKey;

        DiscoveringHost host() {
            if (hostNqn != null) {
                Nqn.check("host", hostNqn);
            }
            return new DiscoveringHost(hostNqn, absolute(key), absolute(controllerKey), absolute(tlsKey));
        }

        private static Path absolute(Path file) {
            return file == null ? null : file.toAbsolutePath();
        }

        @Option(names = "--json", description = "for programs")
        boolean json;

        @Option(names = "--help", usageHelp = true, description = "this")
        boolean help;
    }

    @Override
    public String name() {
        return "discover";
    }

    @Override
    public int run(PrintWriter out, PrintWriter err, String... args) {
        var flags = new Flags();
        var commandLine = new CommandLine(flags).setExpandAtFiles(false).setUsageHelpWidth(110);
        try {
            commandLine.parseArgs(args);
            if (flags.help) {
                commandLine.usage(out);
                out.flush();
                return Identify.OK;
            }
            var id = TransportId.parse(flags.transport).withoutNamespace();
            if (!id.trtype().isFabric()) {
                throw new IllegalArgumentException(id + " is no place on a network");
            }
            var found = discoverer(id.trtype()).discover(id, flags.host(), ANSWER_BOUND);
            if (flags.json) {
                out.print(json(found));
            } else {
                table(found, out);
            }
            out.flush();
            return Identify.OK;
        } catch (ParameterException | IllegalArgumentException wrong) {
            err.println("discover: " + wrong.getMessage());
            err.println("discover: --help tells all flags");
            err.flush();
            return Identify.WRONG_FLAGS;
        } catch (NvmeException failed) {
            err.println("discover: " + failed.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            err.println("discover: interrupted");
        }
        err.flush();
        return Identify.FAILED;
    }

    private Discoverer discoverer(TransportId.Type transport) throws InterruptedException {
        long deadline = System.nanoTime() + APPEARANCE_BOUND.toNanos();
        while (true) {
            for (var each : discoverers.get()) {
                if (each.transport() == transport) {
                    return each;
                }
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new NvmeException(
                        NvmeException.Kind.GIVE_UP, "discovery over " + transport, "no plug-in can do that here");
            }
            Thread.sleep(LOOK_AGAIN);
        }
    }

    private static void table(List<DiscoveredSubsystem> found, PrintWriter out) {
        var rows = found.stream()
                .map(each -> List.of(
                        each.kind(),
                        each.transport() + " " + each.addressFamily(),
                        each.traddr(),
                        each.trsvcid(),
                        each.subnqn()))
                .toList();
        var widths = new int[COLUMNS.size()];
        for (int i = 0; i < widths.length; i++) {
            int column = i;
            widths[i] = Math.max(
                    COLUMNS.get(i).length(),
                    rows.stream()
                            .mapToInt(row -> row.get(column).length())
                            .max()
                            .orElse(0));
        }
        line(COLUMNS, widths, out);
        rows.forEach(row -> line(row, widths, out));
    }

    private static void line(List<String> cells, int[] widths, PrintWriter out) {
        var text = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            text.append(cells.get(i)).repeat(' ', widths[i] - cells.get(i).length() + 2);
        }
        out.println(text.toString().stripTrailing());
    }

    private static String json(List<DiscoveredSubsystem> found) {
        var json = new LinkedHashMap<String, Object>();
        json.put("version", VERSION);
        json.put("entries", found.stream().map(Discover::object).toList());
        try {
            return JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(json) + "\n";
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible); // It writes to memory.
        }
    }

    private static LinkedHashMap<String, Object> object(DiscoveredSubsystem entry) {
        var json = new LinkedHashMap<String, Object>();
        json.put("kind", entry.kind());
        json.put("trid", entry.trid());
        json.put("toldBy", entry.toldBy());
        json.put("transport", entry.transport());
        json.put("addressFamily", entry.addressFamily());
        json.put("traddr", entry.traddr());
        json.put("trsvcid", entry.trsvcid());
        json.put("subnqn", entry.subnqn());
        json.put("portId", entry.portId());
        json.put("controllerId", entry.controllerId());
        json.put("adminQueueEntries", entry.adminQueueEntries());
        json.put("secureChannel", entry.secureChannel());
        return json;
    }
}
