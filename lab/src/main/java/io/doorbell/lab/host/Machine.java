package io.doorbell.lab.host;

import io.doorbell.lab.Lab;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A QEMU of ours with a guest in it. It ends in any case: when it is closed, when its time is over ({@code timeout} sees to
 * that, should this JVM be killed), when the guest's time is over, or when nobody listens to the guest any more.
 */
final class Machine implements AutoCloseable {
    static final String PORT = "io.doorbell.lab";

    private static final int MEMORY_MIB = 3072;
    private static final int PROCESSORS = 2;
    private static final Duration SOCKET_BOUND = Duration.ofSeconds(120);
    private static final Duration SOCKET_PAUSE = Duration.ofMillis(50);
    private static final Duration QUIT_BOUND = Duration.ofSeconds(5);
    private static final int SHOWN_LINES = 25;

    private final Path folder;
    private final Path console;
    private final Path messages;
    private final Process process;
    /** The same, for the hook, which may run before there is one. */
    private final CompletableFuture<Process> started = new CompletableFuture<>();

    private final Thread hook = new Thread(this::end, "lab-machine-end");
    private final Qmp monitor;
    private final SocketChannel port;

    /**
     * @param start the script that the guest runs
     * @param console where its console goes; QEMU's own words go beside it
     * @param bound after which machine and guest end by themselves
     */
    static Machine boot(Packages packages, Kernel kernel, Path image, Lab lab, Path start, Path console, Duration bound)
            throws IOException, InterruptedException {
        // A path of a socket has 107 characters at most, and that of the project may be long.
        var folder = Files.createTempDirectory("doorbell-lab");
        try {
            return new Machine(packages, kernel, image, lab, start, console, bound, folder);
        } catch (IOException | InterruptedException | RuntimeException failed) {
            Packages.delete(folder);
            throw failed;
        }
    }

    private Machine(
            Packages packages,
            Kernel kernel,
            Path image,
            Lab lab,
            Path start,
            Path console,
            Duration bound,
            Path folder)
            throws IOException, InterruptedException {
        this.folder = folder;
        this.console = console;
        messages = console.resolveSibling("qemu-" + console.getFileName());
        Files.deleteIfExists(console);
        var command = new ArrayList<String>();
        command.addAll(List.of(Tool.find("timeout").orElseThrow().toString(), "--kill-after=5"));
        command.add(String.valueOf(bound.toSeconds() + QUIT_BOUND.toSeconds()));
        command.add(packages.root().resolve(Packages.QEMU).toString());
        command.addAll(ofEveryLab(packages, start, bound));
        command.addAll(List.of("-kernel", kernel.image().toString(), "-initrd", image.toString()));
        command.addAll(lab.devices(this::sparse));
        var builder = new ProcessBuilder(command)
                .redirectInput(Path.of("/dev/null").toFile())
                .redirectErrorStream(true)
                .redirectOutput(messages.toFile());
        builder.environment().putAll(packages.environment());
        try {
            // First: what is started while this JVM ends would be left over.
            Runtime.getRuntime().addShutdownHook(hook);
        } catch (IllegalStateException ending) {
            throw new LabException("ended by a signal");
        }
        process = builder.start();
        started.complete(process);
        try {
            monitor = Qmp.over(connect("monitor"));
            port = connect("port");
        } catch (IOException ended) {
            end();
            throw new LabException("QEMU did not start:\n" + lastLines(), ended);
        } catch (InterruptedException | RuntimeException failed) {
            end();
            throw failed;
        }
    }

    private List<String> ofEveryLab(Packages packages, Path start, Duration bound) {
        var share = packages.root().resolve("usr/share");
        var command = new ArrayList<String>();
        for (var firmware : List.of("qemu", "seabios", "ipxe/qemu")) {
            command.addAll(List.of("-L", share.resolve(firmware).toString()));
        }
        command.addAll(List.of("-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi", "-cpu", "max"));
        command.addAll(List.of("-smp", String.valueOf(PROCESSORS), "-m", String.valueOf(MEMORY_MIB)));
        command.addAll(List.of("-nodefaults", "-display", "none", "-no-reboot"));
        command.addAll(List.of("-device", "intel-iommu,intremap=on,caching-mode=on"));
        command.addAll(List.of("-serial", "file:" + console));
        command.addAll(List.of("-qmp", "unix:" + folder.resolve("monitor") + ",server=on,wait=off"));
        // Without a check of the timer: it counts ticks in real time, and finds too few where the machine is busy.
        command.addAll(List.of(
                "-append",
                "console=ttyS0 intel_iommu=on iommu=pt no_timer_check panic=-1 quiet lab.start=" + start
                        + " lab.seconds=" + bound.toSeconds()));
        command.addAll(
                List.of("-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"));
        command.addAll(List.of("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"));
        command.addAll(List.of("-chardev", "socket,id=port,path=" + folder.resolve("port") + ",server=on,wait=off"));
        command.addAll(List.of("-device", "virtserialport,chardev=port,name=" + PORT));
        return command;
    }

    private String sparse(String name, long bytes) {
        var path = folder.resolve(name);
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(bytes);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
        return path.toString();
    }

    /** QEMU makes its sockets a moment after it started. */
    private SocketChannel connect(String name) throws IOException, InterruptedException {
        var socket = UnixDomainSocketAddress.of(folder.resolve(name));
        long deadline = System.nanoTime() + SOCKET_BOUND.toNanos();
        while (true) {
            try {
                return SocketChannel.open(socket);
            } catch (IOException refused) {
                if (!process.isAlive() || System.nanoTime() > deadline) {
                    throw refused;
                }
            }
            Thread.sleep(SOCKET_PAUSE);
        }
    }

    Qmp monitor() {
        return monitor;
    }

    /** To the guest's end of the serial port. */
    SocketChannel port() {
        return port;
    }

    /** Of QEMU and of the guest's console: where it stands why something ended. */
    String lastLines() {
        var lines = new ArrayList<String>();
        for (var file : List.of(messages, console)) {
            if (!Files.exists(file)) {
                continue;
            }
            try (var all = Files.lines(file, StandardCharsets.ISO_8859_1)) {
                var found = all.toList();
                lines.addAll(found.subList(Math.max(0, found.size() - SHOWN_LINES), found.size()));
            } catch (IOException unreadable) {
                lines.add(file + ": " + unreadable.getMessage());
            }
        }
        return String.join("\n", lines);
    }

    /** Waits until the guest has powered off, within the bound; idempotent. */
    boolean awaitEnd(Duration within) throws InterruptedException {
        return process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(hook);
        end();
    }

    /** Also on Ctrl-C, from the hook. */
    private void end() {
        var running = started.getNow(null);
        if (running == null) {
            return;
        }
        // timeout passes it on, and QEMU quits.
        running.destroy();
        try {
            if (!running.waitFor(QUIT_BOUND.toMillis(), TimeUnit.MILLISECONDS)) {
                running.descendants().forEach(ProcessHandle::destroyForcibly);
                running.destroyForcibly();
            }
            Packages.delete(folder);
        } catch (InterruptedException e) {
            running.descendants().forEach(ProcessHandle::destroyForcibly);
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        } catch (IOException left) {
            System.err.println("lab: " + folder + " was not deleted: " + left);
        }
    }
}
