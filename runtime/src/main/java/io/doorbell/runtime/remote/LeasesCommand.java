package io.doorbell.runtime.remote;

import picocli.CommandLine.Command;

/** Who holds which queue pair. */
@Command(name = "leases", description = "Who holds which queue pair, and which of them nobody polls.")
public final class LeasesCommand extends RemoteCommand {
    @Override
    int ask(RunningNode node) {
        var leases = node.read("Leases", "Leases");
        if (json()) {
            printJson(leases);
            return 0;
        }
        var table = new Table(
                ">ID",
                "CONTROLLER OR LISTENER",
                ">QP",
                "HOLDER",
                "LABEL",
                "OWNER",
                "STATE",
                ">DEPTH",
                ">BUSY",
                ">AGE",
                ">POLLED",
                ">DONE",
                ">FAILED");
        Row.of(leases)
                .forEach(lease -> table.row(
                        lease.number("id"),
                        lease.text("controller"),
                        lease.number("queueId"),
                        lease.text("holder"),
                        lease.text("label"),
                        lease.text("ownerThread"),
                        lease.text("state"),
                        lease.number("depth"),
                        lease.number("inFlight"),
                        Figures.nanos(lease.number("ageNanos")),
                        Figures.nanos(lease.number("lastPollNanos")) + " ago",
                        Figures.count(lease.number("completed")),
                        Figures.count(lease.number("failed"))));
        print(table.dispensable("LABEL", "DEPTH", "AGE", "QP", "OWNER"), "no leases");
        return 0;
    }
}
