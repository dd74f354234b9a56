package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * An emulated controller in a process of its own: a node with one subsystem, which it exports over vfio-user, and no plug-ins. Its home is in the
 * directory of the socket, so that one which was killed leaves nothing elsewhere and its successor finds it.
 */
@Command(
        name = "device",
        description = {
            "An NVMe controller made of software, in a process of its own, until SIGTERM.",
            "Drivers in other processes reach it over vfio-user: trtype:VFIOUSER traddr:DIR"
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class DeviceCommand implements Callable<Integer> {
    private static final String NQN = "nqn.2026-11.io.doorbell:device";

    /** Below the directory of the socket. */
    private static final String HOME = "node";

    /** As io.doorbell.emulator.vfiouser has it, and SPDK. */
    private static final String SOCKET = "cntrl";

    /** Shadow doorbells have one page, which is full at stride 4 with so many. */
    private static final int MOST_PAIRS_AT_STRIDE_4 = 31;

    private static final int MOST_PAIRS = 511;

    private static final Duration SERVED_BOUND = Duration.ofSeconds(30);
    private static final Duration LOOK = Duration.ofMillis(20);

    @Option(
            names = "--socket",
            paramLabel = "DIR",
            required = true,
            description = "The directory of its socket, which is made if it is missing.")
    private Path directory;

    @Option(
            names = "--namespace",
            paramLabel = "KIND:SIZE:FORMAT[:PATH]",
            description = {
                "A namespace: null, memory or file; bytes, or with KiB, MiB, GiB, TiB; 512 or 4096, with metadata as in 4096+8/pi1; of a file, where it is.",
                "May be given more than once. Without it: memory:64MiB:512"
            })
    private List<String> namespaces = new ArrayList<>();

    @Option(
            names = "--queue-pairs",
            paramLabel = "N",
            defaultValue = "31",
            description = "The most I/O queue pairs that a driver gets, 1 to 511 (default: ${DEFAULT-VALUE})")
    private int queuePairs;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        if (queuePairs < 1 || queuePairs > MOST_PAIRS) {
            throw new ParameterException(
                    spec.commandLine(), "--queue-pairs = " + queuePairs + ": must be between 1 and " + MOST_PAIRS);
        }
        var socket = directory.toAbsolutePath().normalize().resolve(SOCKET);
        try (var embedded = EmbeddedNode.start(this::home)) {
            if (!isServed(socket)) {
                spec.commandLine()
                        .getErr()
                        .println("doorbell: nothing is served at " + socket + " within " + SERVED_BOUND.toSeconds()
                                + " s; not active: " + embedded.node().notActive());
                return Main.FAILED;
            }
            spec.commandLine()
                    .getOut()
                    .println("trtype:VFIOUSER traddr:" + socket.getParent() + " is there, pid "
                            + ProcessHandle.current().pid());
            embedded.node().awaitStop();
            return Main.DONE;
        }
    }

    private Home home(Distribution distribution) {
        var home = Home.open(directory.resolve(HOME), distribution);
        try {
            for (var folder : List.of("deploy", "config")) {
                clear(home.root().resolve(folder));
            }
            var config = home.root().resolve("config");
            Files.writeString(config.resolve("io.doorbell.subsystem~device.cfg"), subsystem());
            Files.writeString(config.resolve("io.doorbell.emulator.vfiouser~device.cfg"), device());
            return home;
        } catch (IOException e) {
            home.close();
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            home.close();
            throw e;
        }
    }

    private static void clear(Path folder) throws IOException {
        try (var files = Files.newDirectoryStream(folder)) {
            for (var file : files) {
                if (Files.isRegularFile(file)) {
                    Files.delete(file);
                }
            }
        }
    }

    private String subsystem() {
        var specs = namespaces.isEmpty() ? List.of("memory:64MiB:512") : namespaces;
        var entries = new ArrayList<String>();
        for (var namespace : specs) {
            entries.add(entries.size() + 1 + "=" + withAbsolutePath(namespace));
        }
        return "nqn = " + NQN + "\nmodel = Doorbell device\nnamespaces = " + String.join(", ", entries) + "\n";
    }

    /** What is relative begins where this command was called, not at the home. */
    private String withAbsolutePath(String namespace) {
        if (namespace.contains(",")) {
            throw new ParameterException(
                    spec.commandLine(), "--namespace = " + namespace + ": a path with a comma ends at it");
        }
        var parts = namespace.split(":", 4);
        return parts.length < 4
                ? namespace
                : String.join(
                        ":",
                        parts[0],
                        parts[1],
                        parts[2],
                        Path.of(parts[3]).toAbsolutePath().toString());
    }

    private String device() {
        return "path = " + directory.toAbsolutePath().normalize() + "\nsubsystem = " + NQN + "\nio.queue.pairs = "
                + queuePairs + "\n" + (queuePairs > MOST_PAIRS_AT_STRIDE_4 ? "doorbell.stride = 0\n" : "");
    }

    private static boolean isServed(Path socket) throws InterruptedException {
        long start = System.nanoTime();
        while (System.nanoTime() - start < SERVED_BOUND.toNanos()) {
            // A socket that a killed predecessor left is there too, but nobody listens.
            try (var _ = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                return true;
            } catch (IOException notYet) {
                Thread.sleep(LOOK);
            }
        }
        return false;
    }
}
