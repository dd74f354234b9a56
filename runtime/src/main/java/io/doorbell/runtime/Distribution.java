package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What was built: {@code lib/} (this launcher's class path), {@code bundles/NN/} (NN is a start level), and the
 * defaults of a home, {@code config/} and {@code deploy/}. Read only.
 */
public record Distribution(Path root) {

    /** Where {@code bin/doorbell} says it is, else around the jar this class came from. */
    public static Distribution locate() {
        var named = System.getProperty("doorbell.distribution");
        try {
            var root = named != null
                    ? Path.of(named)
                    : Path.of(Distribution.class
                                    .getProtectionDomain()
                                    .getCodeSource()
                                    .getLocation()
                                    .toURI())
                            .resolve("../..");
            return at(root);
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the launcher's own jar has no path", e);
        }
    }

    static Distribution at(Path root) {
        if (!Files.isDirectory(root.resolve("bundles"))) {
            throw new Refusal("no distribution at " + root.normalize() + ": start it by ./doorbell, which builds one,"
                    + " or by bin/doorbell of an unpacked one");
        }
        return new Distribution(root.toAbsolutePath().normalize());
    }

    /** The jars of each start level, in the order in which they are installed. */
    SortedMap<Integer, List<Path>> bundles() {
        var levels = new TreeMap<Integer, List<Path>>();
        for (var folder : list(root.resolve("bundles"))) {
            levels.put(Integer.valueOf(folder.getFileName().toString()), list(folder));
        }
        return levels;
    }

    private static List<Path> list(Path folder) {
        try (var entries = Files.list(folder)) {
            return entries.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
