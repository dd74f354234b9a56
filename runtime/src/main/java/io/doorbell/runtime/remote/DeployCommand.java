package io.doorbell.runtime.remote;

import io.doorbell.runtime.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Hands a plug-in to the node, and says what became of it. */
@Command(
        name = "deploy",
        description = "Gives the node a plug-in: a new one runs, a newer version takes the place of the older one.")
public final class DeployCommand extends RemoteCommand {
    /** Seconds in a node that is well: what is new is looked at twice, and what was wired to the former version starts again. */
    static final Duration BOUND = Duration.ofMinutes(2);

    static final Duration INTERVAL = Duration.ofMillis(200);

    @Parameters(paramLabel = "FILE", description = "The jar.")
    private Path file;

    @Override
    int ask(RunningNode node) {
        byte[] content;
        try {
            content = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new Refusal("there is no file " + file);
        } catch (IOException e) {
            throw new Refusal(file + " cannot be read: " + e);
        }
        var name = file.getFileName().toString();
        var taken = new Row(
                node.execute("Deployment", "deploy", name, Base64.getEncoder().encodeToString(content)));
        var bundle = awaited(node, taken);
        if (json()) {
            printJson(bundle.fields());
        } else {
            out().printf("%s %s: %s%n", bundle.text("name"), bundle.text("version"), bundle.text("state"));
        }
        return 0;
    }

    private Row awaited(RunningNode node, Row taken) {
        var symbolicName = taken.text("name");
        var deadline = System.nanoTime() + BOUND.toNanos();
        var found = new Row((Object) null);
        while (System.nanoTime() - deadline < 0) {
            found = new Row(node.read("Bundles", "Bundles")).row(symbolicName);
            if (found.text("version").equals(taken.text("version"))
                    && found.text("state").equals("ACTIVE")) {
                return found;
            }
            try {
                Thread.sleep(INTERVAL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        throw new Refusal(symbolicName + " " + taken.text("version") + " does not run after " + BOUND.toSeconds()
                + " s; what runs is "
                + (found.has("version") ? found.text("version") + ", " + found.text("state") : "no version of it")
                + ". The reason is in " + node.log());
    }
}
