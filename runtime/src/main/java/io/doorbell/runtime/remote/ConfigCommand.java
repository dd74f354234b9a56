package io.doorbell.runtime.remote;

import io.doorbell.runtime.Refusal;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The configuration as the node has it in force. */
@Command(
        name = "config",
        description = {
            "Configuration: which files are in force; what a file says, or one key of it; or sets a key, in force at once"
                    + " and kept.",
            "  doorbell config",
            "  doorbell config io.doorbell.tcp.target~tcp0.cfg",
            "  doorbell config io.doorbell.tcp.target~tcp0.cfg port",
            "  doorbell config io.doorbell.tcp.target~tcp0.cfg max.connections 128"
        })
public final class ConfigCommand extends RemoteCommand {
    @Parameters(index = "0", arity = "0..1", paramLabel = "FILE", description = "Of config/; without the .cfg too.")
    private String file;

    @Parameters(index = "1", arity = "0..1", paramLabel = "KEY", description = "An option of it.")
    private String key;

    @Parameters(index = "2", arity = "0..1", paramLabel = "VALUE", description = "What it is to be.")
    private String value;

    @Override
    int ask(RunningNode node) {
        if (file == null) {
            list(node);
            return 0;
        }
        var name = file.endsWith(".cfg") ? file : file + ".cfg";
        if (value != null) {
            var answer = node.execute("Configuration", "set", name, key, value);
            if (json()) {
                printJson(answer);
            } else {
                out().println(name + ": " + key + " = " + value);
            }
            return 0;
        }
        return show(node, name);
    }

    private void list(RunningNode node) {
        var files = node.read("Configuration", "Files");
        if (json()) {
            printJson(files);
            return;
        }
        var table = new Table("FILE", "STATE", "CHANGED", "PROBLEM");
        Row.of(files)
                .forEach(each -> table.row(
                        each.text("file"),
                        each.text("state"),
                        Figures.time(each.number("changedAtMillis")),
                        each.text("problem")));
        print(table, "no configuration");
    }

    private int showKey(String name, Row found) {
        var entries = found.row("entries");
        if (!entries.has(key)) {
            throw new Refusal(
                    key + " does not stand in " + name + ": its default is in force, if it is an option there;"
                            + " the file that came with the node explains each");
        }
        if (json()) {
            printJson(Map.of(key, entries.text(key)));
        } else {
            out().println(Table.printable(entries.text(key)));
        }
        return 0;
    }

    private int show(RunningNode node, String name) {
        var files = new Row(node.read("Configuration", "Files"));
        if (!files.has(name)) {
            throw new Refusal("there is no configuration " + name + "; there are "
                    + String.join(", ", files.fields().keySet()));
        }
        var found = files.row(name);
        if (key != null) {
            return showKey(name, found);
        }
        if (json()) {
            printJson(found.fields());
            return 0;
        }
        out().println(name + ": " + found.text("state")
                + (found.text("problem").isEmpty() ? "" : " " + found.text("problem")));
        var table = new Table("KEY", "VALUE");
        if (found.fields().get("entries") instanceof Map<?, ?> entries) {
            entries.forEach((each, setting) -> table.row(each, setting));
        }
        print(table, "every option has its default");
        return 0;
    }
}
