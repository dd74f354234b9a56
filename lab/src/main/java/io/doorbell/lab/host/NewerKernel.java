package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A kernel from the backports of this machine's release, for what its own kernel cannot do: NVMe authentication and TLS are in Debian's
 * kernels from 6.12 on. Got from where the machine has its packages from, whether or not it is configured for backports.
 */
final class NewerKernel {
    private static final String META = "linux-image-amd64";
    private static final Path KEYS = Path.of("/usr/share/keyrings/debian-archive-keyring.gpg");
    private static final Pattern SAFE = Pattern.compile("[A-Za-z0-9+.:/_~-]+");

    private NewerKernel() {}

    /**
     * In {@code folder}, got now if it is not there yet.
     *
     * @throws Skipped when it cannot be had on this machine
     */
    static Kernel in(Path folder, Packages packages, Progress progress) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        var root = folder.resolve("root");
        var complete = folder.resolve("complete");
        try (var channel =
                        FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = channel.lock()) {
            if (!Files.exists(complete)) {
                var name = get(folder, root, progress);
                packages.depmod(new Kernel(root));
                Files.writeString(complete, name + "\n");
            }
        }
        return new Kernel(root);
    }

    private static String get(Path folder, Path root, Progress progress) throws IOException, InterruptedException {
        var downloads = folder.resolve("downloads");
        Packages.delete(root);
        Packages.delete(downloads);
        Files.createDirectories(downloads);
        progress.say("getting a newer kernel from Debian's backports ...");
        var sources = Files.writeString(
                folder.resolve("backports.list"),
                source(
                        Apt.asItIs()
                                .run(
                                        downloads,
                                        "apt-get",
                                        "indextargets",
                                        "--format",
                                        "$(CODENAME) $(COMPONENT) $(REPO_URI)",
                                        "Identifier: Packages")
                                .lines(),
                        release()));
        var apt = Apt.withListsIn(folder).from(sources);
        apt.update(downloads);
        var name = Packages.kernelOf(
                apt.run(downloads, "apt-cache", "depends", META).lines());
        apt.download(downloads, List.of(name));
        Packages.unpack(downloads, root);
        Packages.delete(downloads);
        return name;
    }

    /** {@code bookworm}, of this machine. */
    private static String release() throws IOException {
        return Files.readAllLines(Path.of("/etc/os-release")).stream()
                .filter(line -> line.startsWith("VERSION_CODENAME="))
                .map(line -> line.substring(line.indexOf('=') + 1).replace("\"", ""))
                .findFirst()
                .orElseThrow(() -> new Skipped("/etc/os-release does not say which release this is"));
    }

    /**
     * A line of a list of sources.
     *
     * @param targets of apt: release, component and place of what the machine is configured for
     * @throws Skipped when it is not configured for its own release
     */
    static String source(List<String> targets, String release) {
        var place = targets.stream()
                .map(line -> line.split(" "))
                .filter(parts -> parts.length == 3 && parts[0].equals(release) && parts[1].equals("main"))
                .map(parts -> parts[2])
                .filter(SAFE.asMatchPredicate())
                .findFirst()
                .orElseThrow(() -> new Skipped("apt is not configured for main of " + release));
        var signed = Files.exists(KEYS) ? "[signed-by=" + KEYS + "] " : "";
        return "deb " + signed + place + " " + release + "-backports main\n";
    }
}
