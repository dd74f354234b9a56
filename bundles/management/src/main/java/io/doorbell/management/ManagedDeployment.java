package io.doorbell.management;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import javax.management.MBeanServer;
import javax.management.NotificationBroadcasterSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code io.doorbell:type=Deployment}, from its making to {@link #close}. Any thread; one change at a time. It only moves files:
 * what they become is up to whoever watches {@code deploy/}.
 */
final class ManagedDeployment implements DeploymentMXBean, AutoCloseable {
    /** A plug-in with its libraries has some megabytes; a jar in base64 is in memory, as a whole, two or three times. */
    static final int MAX_BYTES = 16 << 20;

    private static final String SUFFIX = ".jar";
    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,120}\\.jar");
    private static final Logger LOG = LoggerFactory.getLogger(ManagedDeployment.class);

    private final Path folder;
    private final Path scratch;
    private final Predicate<String> ofDistribution;
    private final Registration registration;

    /** @param ofDistribution whether a symbolic name is that of a bundle which is no plug-in */
    ManagedDeployment(Path home, Predicate<String> ofDistribution, MBeanServer server) {
        this.folder = home.resolve("deploy");
        this.scratch = home.resolve("var");
        this.ofDistribution = ofDistribution;
        this.registration = Registration.of(
                server,
                Registration.name("Deployment"),
                new DescribedMBean<>(this, DeploymentMXBean.class, new NotificationBroadcasterSupport()));
    }

    @Override
    public synchronized SortedMap<String, PluginFile> getFiles() {
        var files = new TreeMap<String, PluginFile>();
        for (var file : jars()) {
            try {
                files.put(file.getFileName().toString(), read(file));
            } catch (IOException e) {
                LOG.debug("{} is no plug-in, or not yet", file, e);
            }
        }
        return files;
    }

    @Override
    public int getMaxBytes() {
        return MAX_BYTES;
    }

    @Override
    public synchronized PluginFile deploy(String file, String contentBase64) {
        if (file == null || !FILE_NAME.matcher(file).matches()) {
            throw new IllegalArgumentException(
                    "file " + quoted(file)
                            + ": a name of letters, digits, dots, dashes and underscores is allowed, up to 125 of them, with .jar at the end");
        }
        var content = decoded(contentBase64);
        try {
            // Beside deploy/, on the same file system: a file is never seen there before it is whole.
            var made = Files.createTempFile(scratch, "deploy-", SUFFIX);
            try {
                Files.write(made, content);
                var plugin = checked(file, made);
                var target = folder.resolve(file);
                Files.move(made, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
                LOG.info("{} {} is put into deploy/{} for the operator", plugin.name(), plugin.version(), file);
                return read(target);
            } finally {
                Files.deleteIfExists(made);
            }
        } catch (IOException e) {
            throw new IllegalStateException("deploy/" + file + " cannot be written: " + e);
        }
    }

    private PluginFile checked(String file, Path made) {
        PluginFile plugin;
        try {
            plugin = read(made);
        } catch (IOException e) {
            throw new IllegalArgumentException(file + " is no plug-in: " + e.getMessage());
        }
        if (ofDistribution.test(plugin.name())) {
            throw new IllegalArgumentException(plugin.name() + " is part of the distribution and no plug-in:"
                    + " it changes with a newer distribution");
        }
        var there = getFiles().get(file);
        if (there != null && !there.name().equals(plugin.name())) {
            throw new IllegalArgumentException(
                    "deploy/" + file + " is there, and is " + there.name() + ", not " + plugin.name());
        }
        return plugin;
    }

    private static byte[] decoded(String contentBase64) {
        if (contentBase64 == null || contentBase64.length() / 4L * 3 > MAX_BYTES + 3L) {
            throw new IllegalArgumentException(
                    "a jar of at most " + MAX_BYTES + " bytes is taken: copy a larger one into deploy/ by hand");
        }
        try {
            return Base64.getDecoder().decode(contentBase64);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the content is not base64: " + e.getMessage());
        }
    }

    @Override
    public synchronized List<String> undeploy(String name) {
        var names = new ArrayList<String>();
        for (var plugin : getFiles().values()) {
            if (plugin.name().equals(name)) {
                names.add(plugin.file());
            }
        }
        if (names.isEmpty()) {
            var known = getFiles().values().stream()
                    .map(PluginFile::name)
                    .distinct()
                    .toList();
            throw new IllegalArgumentException(
                    "no plug-in " + quoted(name) + " in deploy/; there are " + String.join(", ", known));
        }
        for (var file : names) {
            try {
                Files.deleteIfExists(folder.resolve(file));
            } catch (IOException e) {
                throw new IllegalStateException("deploy/" + file + " cannot be deleted: " + e);
            }
        }
        LOG.info("{} is taken out of deploy/ for the operator: {}", name, names);
        return names;
    }

    /** @throws IOException where it is no jar, or no bundle */
    private static PluginFile read(Path file) throws IOException {
        try (var jar = new JarFile(file.toFile())) {
            var manifest = jar.getManifest();
            var name = manifest == null ? null : manifest.getMainAttributes().getValue("Bundle-SymbolicName");
            if (name == null) {
                throw new IOException("its manifest has no Bundle-SymbolicName");
            }
            var version = manifest.getMainAttributes().getValue("Bundle-Version");
            return new PluginFile(
                    file.getFileName().toString(),
                    name.split(";", 2)[0].strip(),
                    version == null ? "0.0.0" : version.strip(),
                    Files.size(file),
                    Files.getLastModifiedTime(file).toMillis());
        }
    }

    private Set<Path> jars() {
        try (var files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
            var found = new TreeSet<Path>();
            files.forEach(found::add);
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String quoted(String text) {
        return text == null ? "null" : "'" + text.substring(0, Math.min(text.length(), 128)) + "'";
    }

    @Override
    public void close() {
        registration.close();
    }
}
