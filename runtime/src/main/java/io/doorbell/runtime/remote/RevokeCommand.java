package io.doorbell.runtime.remote;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Takes one lease back. */
@Command(name = "revoke", description = "Takes a lease back from its holder, and waits until that is done.")
public final class RevokeCommand extends RemoteCommand {
    @Parameters(paramLabel = "ID", description = "Of the lease, as 'doorbell leases' shows it.")
    private long id;

    @Override
    int ask(RunningNode node) {
        var answer = node.execute("Leases", "revoke", id);
        if (json()) {
            printJson(answer);
            return 0;
        }
        var event = new Row(answer);
        out().printf(
                        "lease %d of %s: %s. Drained for %s, aborts %s, queues deleted in %s, fence %s; %d of %d in flight aborted%n",
                        id,
                        Table.printable(event.row("lease").text("holder")),
                        event.text("kind"),
                        Figures.nanos(event.number("drainNanos")),
                        Figures.nanos(event.number("abortNanos")),
                        Figures.nanos(event.number("deleteNanos")),
                        Figures.nanos(event.number("closeNanos")),
                        event.number("aborted"),
                        event.number("inFlight"));
        return 0;
    }
}
