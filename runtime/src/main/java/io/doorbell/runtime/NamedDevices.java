package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The devices that arguments of a command name by transport ids, for the driver of an embedded node to look for. */
final class NamedDevices {
    /** Whatever else a transport id says, it says these two in this form, as our commands take it and SPDK's. */
    private static final Pattern VFIO_USER =
            Pattern.compile("(?is)(?=.*\\btrtype[:=]VFIOUSER\\b).*\\btraddr[:=](\\S+).*");

    private static final Pattern PCIE = Pattern.compile("(?is)(?=.*\\btrtype[:=]PCIE\\b).*\\btraddr[:=](\\S+).*");

    private static final Pattern TCP = Pattern.compile("(?is)(?=.*\\btrtype[:=]TCP\\b)(?=.*\\bsubnqn[:=]\\S)(.*)");

    /** Options that say who this host is, by the names that SPDK's commands have for them, and what they are in configuration. */
    private static final Map<String, String> HOST_OPTIONS = Map.of(
            "--hostnqn", "host.nqn",
            "--dhchap-key", "dhchap.key",
            "--dhchap-ctrlr-key", "dhchap.controller.key",
            "--psk-path", "tls.key");

    private final List<String> arguments = new ArrayList<>();

    /** Lines of the configuration of each host. */
    private final StringBuilder hostLines = new StringBuilder();

    NamedDevices(List<String> arguments) {
        for (int i = 0; i < arguments.size(); i++) {
            var key = HOST_OPTIONS.get(arguments.get(i));
            if (key == null) {
                this.arguments.add(arguments.get(i));
            } else if (++i == arguments.size()) {
                throw new Refusal(arguments.get(i - 1) + " has no value");
            } else {
                var value = arguments.get(i);
                // The node's home is another folder than that of who wrote the path.
                var path = key.endsWith("nqn") ? value : Path.of(value).toAbsolutePath();
                hostLines.append(key).append(" = ").append(path).append('\n');
            }
        }
    }

    /** Without those that are for the node. */
    String[] arguments() {
        return arguments.toArray(String[]::new);
    }

    /** A temporary one, whose drivers look for them: by the path of their socket, on the bus, or over the network. */
    Home home(Distribution distribution) {
        var home = Home.temporary(distribution);
        try {
            var config = home.root().resolve("config");
            var sockets = named(VFIO_USER);
            for (int i = 0; i < sockets.size(); i++) {
                Files.writeString(
                        config.resolve("io.doorbell.pcie.vfiouser~named" + i + ".cfg"),
                        "path = " + sockets.get(i) + "\n");
            }
            var targets = named(TCP);
            for (int i = 0; i < targets.size(); i++) {
                Files.writeString(
                        config.resolve("io.doorbell.tcp.host~named" + i + ".cfg"),
                        "trid = " + targets.get(i) + "\n" + hostLines);
            }
            var functions = named(PCIE);
            if (!functions.isEmpty()) {
                Files.writeString(
                        config.resolve("io.doorbell.pcie.vfio.cfg"),
                        "functions = " + String.join(", ", functions) + "\n");
            }
            return home;
        } catch (IOException e) {
            home.close();
            throw new UncheckedIOException(e);
        }
    }

    /** What is said of those of one kind of transport. */
    private List<String> named(Pattern kind) {
        return arguments.stream()
                .map(kind::matcher)
                .filter(Matcher::matches)
                .map(id -> id.group(1).strip())
                .toList();
    }
}
