package io.doorbell.runtime.remote;

import io.doorbell.runtime.Refusal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Takes a plug-in away. */
@Command(
        name = "undeploy",
        description = "Takes a plug-in away, with all its versions: what it holds is drained, and it is closed.")
public final class UndeployCommand extends RemoteCommand {
    @Parameters(paramLabel = "NAME", description = "Its symbolic name, as 'doorbell bundles' shows it.")
    private String name;

    @Override
    int ask(RunningNode node) {
        var files = node.execute("Deployment", "undeploy", name);
        var deadline = System.nanoTime() + DeployCommand.BOUND.toNanos();
        while (new Row(node.read("Bundles", "Bundles")).has(name)) {
            if (System.nanoTime() - deadline > 0) {
                throw new Refusal(name + " is still there after " + DeployCommand.BOUND.toSeconds()
                        + " s, though its files are gone: see " + node.log());
            }
            try {
                Thread.sleep(DeployCommand.INTERVAL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Refusal("interrupted while " + name + " went");
            }
        }
        if (json()) {
            printJson(files);
        } else {
            out().println(name + " is gone; deleted from deploy/: " + String.join(", ", Row.texts(files)));
        }
        return 0;
    }
}
