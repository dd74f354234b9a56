package io.doorbell.runtime.remote;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.runtime.Home;
import io.doorbell.runtime.HomeLock;
import io.doorbell.runtime.Refusal;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.zip.ZipOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** One file for whoever is to find out what is wrong. */
@Command(
        name = "support",
        description = {
            "Packs what helps to find out what is wrong: logs, configuration, what the node and its JVM say.",
            "No passwords, no keys, no data of hosts. Works without a running node too."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
public final class SupportCommand implements Callable<Integer> {
    @Option(
            names = "--home",
            paramLabel = "DIR",
            description = {"The directory of the node.", "Without it: $DOORBELL_HOME, else ~/.doorbell"})
    private Path home;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where to put it; by default doorbell-support-TIME.zip here.")
    private Path output;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        var root = (home != null ? home : Home.usual()).toAbsolutePath().normalize();
        if (!Files.isDirectory(root.resolve("config"))) {
            throw new Refusal("there is no node's home at " + root + ": name it with --home DIR or in DOORBELL_HOME");
        }
        var file = output != null
                ? output
                : Path.of("doorbell-support-"
                        + DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT)
                                .format(LocalDateTime.now())
                        + ".zip");
        if (Files.exists(file)) {
            throw new Refusal(file + " is there already: take another name");
        }
        var folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
            throw new Refusal("nothing can be written into " + folder + ": name a file elsewhere with -o FILE");
        }
        var options = EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        var ownerOnly = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try (var channel = Files.newByteChannel(file, Set.copyOf(options), ownerOnly);
                var zip = new ZipOutputStream(Channels.newOutputStream(channel))) {
            pack(root, new SupportPack(zip));
        }
        var out = spec.commandLine().getOut();
        out.printf("%s, %s. Look into it before it leaves your hands.%n", file, Figures.bytes(Files.size(file)));
        out.flush();
        return 0;
    }

    private static void pack(Path root, SupportPack pack) throws IOException {
        pack.machine();
        pack.configuration(root.resolve("config"));
        pack.logs(root.resolve("var/log"));
        pack.listing(root);
        long pid = HomeLock.holder(root);
        if (pid == HomeLock.NOBODY) {
            pack.text("node.txt", "no node runs in " + root + "\n");
            return;
        }
        try (var node = RunningNode.of(root)) {
            // One that does not answer this is not asked for all the rest, each with the bound of a question.
            var about = node.read("Node");
            pack.text("node/Node.json", json(about.fields()));
            for (var name : List.of(
                    "Health",
                    "Bundles",
                    "Leases",
                    "Reactors",
                    "Subsystems",
                    "Namespaces",
                    "Hosts",
                    "Listeners",
                    "Connections",
                    "Tcp",
                    "Rdma",
                    "PerfRuns",
                    "Configuration",
                    "Events",
                    "History",
                    "Deployment")) {
                pack.answer("node/" + name + ".json", () -> json(node.read(name).fields()));
            }
            pack.answer(
                    "node/Controllers.json",
                    () -> json(node.each("Controller").values().stream()
                            .map(Row::fields)
                            .toList()));
            if (pid == HomeLock.SOMEBODY) {
                pid = about.number("Pid");
            }
        } catch (Refusal e) {
            pack.text("node.txt", e.getMessage() + "\n");
        }
        // Also of a node that does not answer: then most of all.
        if (pid != HomeLock.SOMEBODY) {
            pack.jvm(pid);
        }
    }

    private static String json(Object value) throws IOException {
        return JSON.std
                .with(JSON.Feature.PRETTY_PRINT_OUTPUT, JSON.Feature.WRITE_NULL_PROPERTIES)
                .asString(value);
    }
}
