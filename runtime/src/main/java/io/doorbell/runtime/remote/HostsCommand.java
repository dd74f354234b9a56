package io.doorbell.runtime.remote;

import picocli.CommandLine.Command;

/** Who uses the node. */
@Command(name = "hosts", description = "Hosts that are connected, and what each has done.")
public final class HostsCommand extends RemoteCommand {
    @Override
    int ask(RunningNode node) {
        var hosts = node.read("Hosts", "Hosts");
        if (json()) {
            printJson(hosts);
            return 0;
        }
        var table = new Table(
                "HOST",
                ">CONNECTIONS",
                "SUBSYSTEMS",
                ">READS",
                ">WRITES",
                ">FAILED",
                ">READ",
                ">WRITTEN",
                ">P99 READ",
                ">P99 WRITE");
        Row.of(hosts)
                .forEach(host -> table.row(
                        host.text("nqn"),
                        host.number("connections"),
                        host.texts("subsystems").isEmpty()
                                ? host.text("subsystems")
                                : String.join(" ", host.texts("subsystems")),
                        Figures.count(host.number("readCommands")),
                        Figures.count(host.number("writeCommands")),
                        Figures.count(host.number("failedCommands")),
                        Figures.bytes(host.number("readBytes")),
                        Figures.bytes(host.number("writtenBytes")),
                        Figures.micros(host.row("readLatency").real("p99Micros")),
                        Figures.micros(host.row("writeLatency").real("p99Micros"))));
        print(table, "no hosts");
        return 0;
    }
}
