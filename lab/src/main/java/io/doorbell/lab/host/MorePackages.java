package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/** What one lab needs beside the packages of all, in the manner of {@link Packages}; what these need and the machine lacks comes with them. */
final class MorePackages {
    private MorePackages() {}

    /**
     * In {@code folder}, got now if it is not there yet.
     *
     * @return where they are unpacked
     * @throws Skipped when they cannot be had on this machine
     */
    static Path in(Path folder, List<String> wanted, Progress progress) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        var root = folder.resolve("root");
        var complete = folder.resolve("packages");
        var names = String.join(" ", wanted);
        try (var channel =
                        FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var _ = channel.lock()) {
            if (!Files.exists(complete) || !Files.readString(complete).strip().equals(names)) {
                progress.say("getting " + names + " ...");
                var downloads = folder.resolve("downloads");
                Packages.delete(root);
                Packages.delete(downloads);
                Files.deleteIfExists(complete);
                Files.createDirectories(downloads);
                download(downloads, wanted);
                Packages.unpack(downloads, root);
                Packages.delete(downloads);
                Files.writeString(complete, names + "\n");
            }
        }
        return root;
    }

    private static void download(Path downloads, List<String> wanted) throws IOException, InterruptedException {
        var apt = Apt.asItIs();
        var simulated = new ArrayList<>(List.of("apt-get", "install", "-s", "--no-install-recommends"));
        simulated.addAll(wanted);
        var names = new LinkedHashSet<>(wanted);
        for (var lacking : Packages.toInstall(
                apt.run(downloads, simulated.toArray(String[]::new)).lines())) {
            names.remove(lacking.substring(0, lacking.indexOf('=')));
            names.add(lacking);
        }
        apt.download(downloads, names);
    }
}
