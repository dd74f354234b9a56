package io.doorbell.runtime.remote;

import java.util.LinkedHashMap;
import java.util.List;
import picocli.CommandLine.Command;

/** What is served: subsystems, namespaces, and where. */
@Command(name = "subsystems", description = "What is served: subsystems with their namespaces, and the listeners.")
public final class SubsystemsCommand extends RemoteCommand {
    @Override
    int ask(RunningNode node) {
        var subsystems = node.read("Subsystems", "Subsystems");
        var namespaces = node.read("Namespaces", "Namespaces");
        var listeners = node.read("Listeners", "Listeners");
        if (json()) {
            var all = new LinkedHashMap<String, Object>();
            all.put("subsystems", subsystems);
            all.put("namespaces", namespaces);
            all.put("listeners", listeners);
            printJson(all);
            return 0;
        }
        var served = new Table("SUBSYSTEM", "SERIAL", "MODEL", "HOSTS", "FILE");
        Row.of(subsystems)
                .forEach(each -> served.row(
                        each.text("nqn"), each.text("serial"), each.text("model"), hosts(each), each.text("file")));
        print(served.dispensable("MODEL", "SERIAL", "FILE"), "no subsystems");
        out().println();
        print(
                namespaces(Row.of(namespaces))
                        .dispensable("BLOCK", "GROUP", "P99 WRITE", "P99 READ", "LIMITS", "WRITES", "READS"),
                "no namespaces");
        out().println();
        var ways = new Table("LISTENER", "TRANSPORT", "ADDRESS", ">PORT", "TLS", "STATE", ">CONNECTIONS");
        Row.of(listeners)
                .forEach(each -> ways.row(
                        each.text("name"),
                        each.text("transport"),
                        each.text("address"),
                        each.text("port"),
                        each.flag("tls") ? "on" : "off",
                        each.flag("listening") ? "listening" : "DOWN",
                        each.number("connections") + " of " + each.number("maxConnections")));
        print(ways.dispensable("TLS", "TRANSPORT"), "no listeners: hosts on a network cannot connect");
        Row.of(listeners).stream()
                .filter(each -> !each.flag("listening") && !each.text("problem").isEmpty())
                .forEach(each -> out().printf(
                                "%n%s: %s%n",
                                Table.printable(each.text("name")), Table.printable(each.text("problem"))));
        return 0;
    }

    private static String hosts(Row subsystem) {
        List<String> named = subsystem.texts("hosts");
        var who = named.isEmpty() ? subsystem.text("hosts") : String.join(" ", named);
        return (who.isEmpty() || who.equals("[]") ? "any" : who)
                + (subsystem.flag("hostsAuthenticate") ? ", authenticated" : "");
    }

    private static Table namespaces(List<Row> namespaces) {
        var table = new Table(
                "NAMESPACE",
                ">NSID",
                "BACKEND",
                ">SIZE",
                ">BLOCK",
                ">GROUP",
                ">READS",
                ">WRITES",
                ">FAILED",
                ">P99 READ",
                ">P99 WRITE",
                "LIMITS");
        namespaces.forEach(each -> table.row(
                each.text("nqn"),
                each.number("nsid"),
                each.text("backend"),
                Figures.bytes(each.number("bytes")),
                each.number("blockBytes"),
                each.text("group"),
                Figures.count(each.number("readCommands")),
                Figures.count(each.number("writeCommands")),
                Figures.count(each.number("failedCommands")),
                Figures.micros(each.row("readLatency").real("p99Micros")),
                Figures.micros(each.row("writeLatency").real("p99Micros")),
                each.text("limits")));
        return table;
    }
}
