package io.doorbell.runtime.remote;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.runtime.Refusal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What happened. */
@Command(name = "events", description = "What happened lately: leases, controllers, links, plug-ins, alarms.")
public final class EventsCommand extends RemoteCommand {
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    @Option(
            names = {"-f", "--follow"},
            description = "Go on with what happens from now on, until ended.")
    private boolean follow;

    @Override
    int ask(RunningNode node) {
        long last = printAfter(-1, node);
        while (follow) {
            try {
                Thread.sleep(INTERVAL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 0;
            }
            last = printAfter(last, node);
        }
        return 0;
    }

    /** One line each, also as JSON: then it can be followed. */
    private long printAfter(long id, RunningNode node) {
        if (id >= 0 && ((Number) node.read("Events", "LatestId")).longValue() == id) {
            return id;
        }
        var last = id;
        var events = Row.of(node.read("Events", "Events"));
        if (id >= 0 && !events.isEmpty() && events.getFirst().number("id") > id + 1) {
            // Told beside the events, which a program may read.
            spec().commandLine()
                    .getErr()
                    .printf(
                            "doorbell: %d events were too many at once, and are lost%n",
                            events.getFirst().number("id") - id - 1);
        }
        for (var event : events) {
            if (event.number("id") > last) {
                last = event.number("id");
                out().println(json() ? line(event) : words(event));
            }
        }
        out().flush();
        if (out().checkError()) {
            throw new Refusal("nobody reads the events any more");
        }
        return last;
    }

    private static String words(Row event) {
        return "%s  %-20s %s  %s"
                .formatted(
                        Figures.time(event.number("timeMillis")),
                        Table.printable(event.text("kind")),
                        Table.printable(event.text("subject")),
                        Table.printable(event.text("message")))
                .stripTrailing();
    }

    private static String line(Row event) {
        try {
            return JSON.std.asString(event.fields());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
