package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * QEMU, a kernel and the tools of the guest: Debian's packages, unpacked into a folder of the project. Nothing is installed,
 * and apt is asked as this machine has it configured. What is unpacked stays, so that the next lab starts at once; deleting
 * the folder gets everything anew.
 */
final class Packages {
    /** Of the machine, found or got. */
    static final String QEMU = "usr/bin/qemu-system-x86_64";

    /** The meta package: it depends on the kernel of the day. */
    private static final String KERNEL = "linux-image-amd64";

    /** What is asked for; what these need and the machine lacks comes with them. */
    private static final List<String> WANTED = List.of(
            "qemu-system-x86",
            "qemu-system-common",
            "qemu-system-data",
            "seabios",
            "ipxe-qemu",
            "busybox-static",
            "kmod",
            "iproute2",
            "nvme-cli",
            "libnvme1",
            "fio",
            "e2fsprogs",
            "xfsprogs");

    private static final Duration ASK_BOUND = Duration.ofMinutes(10);

    private static final Pattern INSTALL = Pattern.compile("Inst (\\S+) (?:\\[[^]]*] )?\\((\\S+) .*");
    private static final Pattern DEPENDS = Pattern.compile("\\s*Depends: (linux-image-\\S+)");

    private final Path folder;
    private final Path root;
    private final Path complete;

    private Packages(Path folder) {
        this.folder = folder;
        root = folder.resolve("root");
        complete = folder.resolve("packages");
    }

    /**
     * Everything in {@code folder}, got now if it is not there yet.
     *
     * @throws Skipped when it cannot be had on this machine
     */
    static Packages in(Path folder, Progress progress) throws IOException, InterruptedException {
        requireMachine();
        var packages = new Packages(folder);
        Files.createDirectories(folder);
        // One at a time; whoever waited for another finds it done.
        try (var channel =
                        FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = channel.lock()) {
            if (!packages.isComplete()) {
                packages.get(progress);
            }
        }
        return packages;
    }

    private static void requireMachine() {
        var machine = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
        if (!machine.equals("Linux on amd64")) {
            throw new Skipped("the lab needs Linux on x86-64, and this is " + machine);
        }
        for (var tool : List.of("apt-get", "apt-cache", "dpkg-deb", "timeout")) {
            if (Tool.find(tool).isEmpty()) {
                throw new Skipped(tool + " is not here: QEMU and a kernel come from Debian's packages");
            }
        }
    }

    Path root() {
        return root;
    }

    Kernel kernel() {
        return new Kernel(root);
    }

    /** What finds the libraries that came along, and the parts of itself that QEMU loads as it needs them. */
    Map<String, String> environment() {
        return Map.of(
                "LD_LIBRARY_PATH",
                libraries(),
                "QEMU_MODULE_DIR",
                root.resolve("usr/lib/x86_64-linux-gnu/qemu").toString());
    }

    String libraries() {
        return root.resolve("usr/lib/x86_64-linux-gnu") + ":" + root.resolve("lib/x86_64-linux-gnu");
    }

    /** What was asked for stands in the file that is written last, so another list gets everything anew. */
    private boolean isComplete() throws IOException {
        return Files.exists(complete) && Files.readAllLines(complete).getFirst().equals(wanted());
    }

    private static String wanted() throws IOException {
        // The libraries that came along fit those of the machine, which change with its release.
        var release = Path.of("/etc/os-release");
        var machine = Files.exists(release)
                ? Files.readAllLines(release).stream()
                        .filter(line -> line.startsWith("VERSION_ID="))
                        .findFirst()
                        .orElse("")
                : "";
        return (KERNEL + " " + String.join(" ", WANTED) + " " + machine).strip();
    }

    private void get(Progress progress) throws IOException, InterruptedException {
        progress.say("getting QEMU and a kernel from Debian's packages ...");
        var downloads = folder.resolve("downloads");
        delete(root);
        delete(downloads);
        Files.deleteIfExists(complete);
        Files.createDirectories(downloads);
        var names = download(downloads, progress);
        progress.say("unpacking " + names.size() + " packages ...");
        unpack(downloads, root);
        delete(downloads);
        linkTools();
        depmod(kernel());
        var lines = new ArrayList<>(List.of(wanted()));
        lines.addAll(names);
        Files.write(complete, lines);
    }

    /** From what apt knows already; when that fails or is too old to be had, from what it learns now, into a folder of ours. */
    private Set<String> download(Path downloads, Progress progress) throws IOException, InterruptedException {
        try {
            return download(downloads, Apt.asItIs());
        } catch (Skipped outdated) {
            progress.say("asking for newer package lists, because " + outdated.getMessage() + " ...");
            var apt = Apt.withListsIn(folder);
            apt.update(downloads);
            return download(downloads, apt);
        }
    }

    private Set<String> download(Path downloads, Apt apt) throws IOException, InterruptedException {
        var names = new LinkedHashSet<String>();
        var simulated = new ArrayList<>(List.of("apt-get", "install", "-s", "--no-install-recommends"));
        simulated.addAll(WANTED);
        var lacking = apt.run(downloads, simulated.toArray(String[]::new));
        names.addAll(toInstall(lacking.lines()));
        // Those that the machine has are got all the same, so that every machine's lab is alike.
        WANTED.stream()
                .filter(wanted -> names.stream().noneMatch(name -> name.startsWith(wanted + "=")))
                .toList()
                .forEach(names::add);
        names.add(kernelOf(apt.run(downloads, "apt-cache", "depends", KERNEL).lines()));
        apt.download(downloads, names);
        return names;
    }

    /** {@code name=version} of what {@code apt-get -s install} would install. */
    static List<String> toInstall(List<String> lines) {
        return lines.stream()
                .map(INSTALL::matcher)
                .filter(matcher -> matcher.matches())
                .map(matcher -> matcher.group(1) + "=" + matcher.group(2))
                .toList();
    }

    /** The package that the meta package depends on, out of {@code apt-cache depends}. */
    static String kernelOf(List<String> lines) {
        return lines.stream()
                .map(DEPENDS::matcher)
                .filter(matcher -> matcher.matches())
                .map(matcher -> matcher.group(1))
                .findFirst()
                .orElseThrow(() -> new Skipped("apt knows no kernel behind " + KERNEL));
    }

    /** Says which modules a kernel has, and what each needs. */
    void depmod(Kernel kernel) throws IOException, InterruptedException {
        require(root.resolve("sbin/depmod").toString(), "-b", kernel.root().toString(), kernel.release());
    }

    /** Debian's newer kernels have their modules compressed. */
    byte[] module(Path file) throws IOException, InterruptedException {
        if (!file.toString().endsWith(".xz")) {
            return Files.readAllBytes(file);
        }
        var unpacked = Files.createTempFile(folder, "module", null);
        try {
            var busybox = root.resolve("bin/busybox").toString();
            require("sh", "-c", "\"$1\" xzcat \"$2\" > \"$3\"", "sh", busybox, file.toString(), unpacked.toString());
            return Files.readAllBytes(unpacked);
        } finally {
            Files.delete(unpacked);
        }
    }

    static void unpack(Path downloads, Path root) throws IOException, InterruptedException {
        Files.createDirectories(root);
        try (var files = Files.newDirectoryStream(downloads, "*.deb")) {
            for (var file : files) {
                require(Map.of(), "dpkg-deb", "-x", file.toString(), root.toString());
            }
        }
    }

    private void require(String... command) throws IOException, InterruptedException {
        require(environment(), command);
    }

    private static void require(Map<String, String> environment, String... command)
            throws IOException, InterruptedException {
        var outcome = Tool.run(Path.of("/"), ASK_BOUND, environment, List.of(command));
        if (!outcome.succeeded()) {
            throw new LabException(String.join(" ", command) + " failed: " + outcome.last());
        }
    }

    /** The packages' own links lead to places of an installed system. */
    private void linkTools() throws IOException {
        Files.createDirectories(root.resolve("sbin"));
        for (var tool : List.of("depmod", "modprobe")) {
            var link = root.resolve("sbin").resolve(tool);
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, Path.of("../bin/kmod"));
        }
    }

    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException failed) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
