package io.doorbell.runtime.remote;

import picocli.CommandLine.Command;

/** Each queue of a host. */
@Command(name = "connections", description = "Queues of hosts on a network, each with its reactor.")
public final class ConnectionsCommand extends RemoteCommand {
    @Override
    int ask(RunningNode node) {
        var connections = node.read("Connections", "Connections");
        if (json()) {
            printJson(connections);
            return 0;
        }
        var table =
                new Table(">LEASE", "LISTENER", "HOST", ">QUEUE", ">DEPTH", ">BUSY", ">COMMANDS", "REACTOR", "SINCE");
        Row.of(connections)
                .forEach(each -> table.row(
                        each.number("leaseId"),
                        each.text("listener"),
                        each.text("label"),
                        each.number("queueId"),
                        each.number("depth"),
                        each.number("inFlight"),
                        Figures.count(each.number("commands")),
                        each.text("reactor"),
                        Figures.time(each.number("connectedAtMillis"))));
        print(table, "no connections");
        return 0;
    }
}
