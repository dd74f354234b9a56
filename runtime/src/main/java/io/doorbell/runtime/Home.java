package io.doorbell.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A node's directory: {@code config/} and {@code deploy/}, which people change while the node runs, and {@code var/},
 * which is the node's own. One process at a time has a home open.
 *
 * <p>A home starts as a copy of the distribution's defaults. Opened by a later distribution, each default that nobody
 * changed follows the distribution; what was changed, added or deleted by hand stays so.
 */
public final class Home implements AutoCloseable {
    /** Two folders that File Install watches; it takes them as one comma-separated list. */
    private static final List<String> DEFAULTS = List.of("config", "deploy");

    /** Configuration by which hosts on a network reach a node, or which has a port of the machine for itself. */
    private static final String LISTENERS = "io.doorbell.{*.target,rdma.soft}~*.cfg";

    private final Path root;
    private final boolean temporary;
    private final FileChannel lock;
    private final List<String> notes = new ArrayList<>();

    private Home(Path root, boolean temporary) throws IOException {
        this.root = root;
        this.temporary = temporary;
        Files.createDirectories(var());
        this.lock = FileChannel.open(
                var().resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }

    /** Where the node lives whose home nobody names. */
    public static Path usual() {
        var named = System.getenv("DOORBELL_HOME");
        return named != null && !named.isEmpty()
                ? Path.of(named)
                : Path.of(System.getProperty("user.home"), ".doorbell");
    }

    /**
     * Opens the home, and makes it first where there is none.
     *
     * @throws Refusal where it cannot be written, or another node has it open
     */
    static Home open(Path root, Distribution distribution) {
        var absolute = root.toAbsolutePath().normalize();
        try {
            return opened(absolute, distribution, false);
        } catch (FileSystemException e) {
            throw new Refusal("the home " + absolute + " cannot be used: " + why(e) + ". Let "
                    + System.getProperty("user.name") + " write there (chown -R " + System.getProperty("user.name")
                    + " '" + absolute + "'), or choose another with --home DIR");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A home that {@link #close} deletes. */
    static Home temporary(Distribution distribution) {
        try {
            var home = opened(Files.createTempDirectory("doorbell-"), distribution, true);
            home.withoutListeners();
            return home;
        } catch (IOException e) {
            throw new Refusal("no temporary home under " + System.getProperty("java.io.tmpdir") + ": " + e.getMessage()
                    + ". Name a directory that can be written: DOORBELL_JAVA_OPTS=-Djava.io.tmpdir=DIR");
        }
    }

    /** A node that is soon gone is nobody's to connect to: a host that looks for another node could take it for that. */
    private void withoutListeners() throws IOException {
        try (var files = Files.newDirectoryStream(root.resolve("config"), LISTENERS)) {
            for (var file : files) {
                Files.delete(file);
            }
        }
    }

    private static Home opened(Path root, Distribution distribution, boolean temporary) throws IOException {
        if (root.toString().contains(",")) {
            throw new Refusal("the path of the home has a comma, which File Install takes for the end of it: " + root);
        }
        var home = new Home(root, temporary);
        try {
            if (home.lock.tryLock() == null) {
                throw new Refusal("another node runs in " + root + "; stop it, or choose another with --home DIR");
            }
            home.followDefaults(distribution);
            return home;
        } catch (IOException | RuntimeException e) {
            home.lock.close();
            throw e;
        }
    }

    Path root() {
        return root;
    }

    Path var() {
        return root.resolve("var");
    }

    /** What {@code deploy/} and {@code config/} of this home should be told to whoever reads the log. */
    List<String> notes() {
        return List.copyOf(notes);
    }

    @Override
    public void close() {
        try {
            lock.close();
            if (temporary) {
                deleteTree(root);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code var/defaults} holds the digest of each default as it was last copied: whoever differs was changed. */
    private void followDefaults(Distribution distribution) throws IOException {
        var record = var().resolve("defaults");
        var copied = readRecord(record);
        var offered = new TreeMap<String, Path>();
        for (var folder : DEFAULTS) {
            Files.createDirectories(root.resolve(folder));
            var from = distribution.root().resolve(folder);
            if (Files.isDirectory(from)) {
                try (var files = Files.walk(from)) {
                    files.filter(Files::isRegularFile)
                            .forEach(file -> offered.put(
                                    distribution.root().relativize(file).toString(), file));
                }
            }
        }
        for (var entry : offered.entrySet()) {
            follow(entry.getKey(), entry.getValue(), copied);
        }
        for (var former : List.copyOf(copied.keySet())) {
            var mine = root.resolve(former);
            if (!offered.containsKey(former)) {
                if (Files.isRegularFile(mine) && digest(mine).equals(copied.get(former))) {
                    Files.delete(mine);
                }
                copied.remove(former);
            }
        }
        var text = new StringBuilder();
        copied.forEach(
                (name, digest) -> text.append(digest).append("  ").append(name).append('\n'));
        Files.writeString(record, text);
    }

    private void follow(String name, Path offer, SortedMap<String, String> copied) throws IOException {
        var mine = root.resolve(name);
        var known = copied.get(name);
        var digest = digest(offer);
        var there = Files.isRegularFile(mine);
        var untouched = there ? digest(mine).equals(known) : known == null;
        if (untouched) {
            if (!digest.equals(known)) {
                Files.createDirectories(mine.getParent());
                Files.copy(offer, mine, StandardCopyOption.REPLACE_EXISTING);
                copied.put(name, digest);
            }
        } else if (known != null && !digest.equals(known)) {
            notes.add(name + (there ? " was changed" : " was deleted")
                    + " in this home and stays so; the distribution has a new default: " + offer);
            copied.put(name, digest);
        }
    }

    private static SortedMap<String, String> readRecord(Path record) throws IOException {
        var copied = new TreeMap<String, String>();
        if (Files.exists(record)) {
            for (var line : Files.readAllLines(record, StandardCharsets.UTF_8)) {
                var parts = line.split("  ", 2);
                if (parts.length == 2) {
                    copied.put(parts[1], parts[0]);
                }
            }
        }
        return copied;
    }

    private static String digest(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static String why(FileSystemException e) {
        if (e instanceof FileAlreadyExistsException) {
            return e.getFile() + " is not a directory";
        }
        return e.getReason() != null ? e.getFile() + ": " + e.getReason() : "no permission to write " + e.getFile();
    }

    private static void deleteTree(Path root) throws IOException {
        try (var files = Files.walk(root)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
