package io.doorbell.runtime.remote;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The parts of the node and their versions. */
@Command(name = "bundles", description = "The plug-ins of the node with their versions and what they hold.")
public final class BundlesCommand extends RemoteCommand {
    @Option(names = "--all", description = "Also what plug-ins stand on.")
    private boolean all;

    @Override
    int ask(RunningNode node) {
        var bundles = node.read("Bundles", "Bundles");
        if (json()) {
            printJson(bundles);
            return 0;
        }
        var table = new Table("NAME", "VERSION", "STATE", ">LEASES");
        Row.of(bundles).stream()
                .filter(bundle -> all || bundle.flag("plugIn"))
                .forEach(bundle -> table.row(
                        bundle.text("name"), bundle.text("version"), bundle.text("state"), bundle.number("leases")));
        print(table, "no plug-ins; --all shows the rest");
        return 0;
    }
}
