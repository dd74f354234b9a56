package io.doorbell.deployment;

import io.doorbell.configuration.ConfigurationFiles;
import io.doorbell.platform.DurableFile;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.apache.felix.fileinstall.ArtifactInstaller;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.util.tracker.BundleTracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes {@code .cfg} files to Config Admin, after a check against what the bundles declare. A file with a mistake changes
 * nothing: what was in force stays so, also when the node is started again, because {@code var/configuration/} keeps the
 * text that was last in force. A file for which no bundle has a schema waits until one comes.
 *
 * <p>Called by File Install's thread and by whichever thread installs or updates a bundle; one monitor guards all state.
 */
@Component(
        service = {ArtifactInstaller.class, ConfigurationFiles.class},
        property = "service.ranking:Integer=100")
public final class ConfigurationInstaller implements ArtifactInstaller, ConfigurationFiles {
    private static final Logger LOG = LoggerFactory.getLogger(ConfigurationInstaller.class);

    /** A configuration may be taken by whichever bundle has the component: the location that says so. */
    private static final String ANY_BUNDLE = "?";

    /** {@code PID.cfg} or {@code PID~NAME.cfg}, and no way out of the folder. */
    private static final Pattern FILE_NAME =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*(~[A-Za-z0-9][A-Za-z0-9._-]*)?\\.cfg");

    /** Of one kind: a node has some, and whoever has the password is not to fill the disk. */
    private static final int MAX_FILES = 1024;

    private final ConfigurationAdmin admin;
    private final Path folder;
    private final Path lastGood;
    private final BundleTracker<List<Schema>> tracker;
    private final Map<String, Schema> schemas = new HashMap<>();
    private final Map<String, Path> files = new TreeMap<>();
    private final Map<String, ConfigurationFileStatus> statuses = new TreeMap<>();

    @Activate
    public ConfigurationInstaller(BundleContext context, @Reference ConfigurationAdmin admin) throws IOException {
        this.admin = admin;
        var home = Path.of(context.getProperty("doorbell.home"));
        this.folder = home.resolve("config");
        this.lastGood = Files.createDirectories(home.resolve("var/configuration"));
        forgetDeleted(folder);
        // Uninstalled bundles only are left out: a schema is known before its bundle is started.
        this.tracker = new SchemaTracker(context);
        tracker.open();
    }

    @Deactivate
    void deactivate() {
        tracker.close();
    }

    @Override
    public boolean canHandle(File artifact) {
        return artifact.getName().endsWith(ConfigurationFile.SUFFIX);
    }

    @Override
    public synchronized void install(File artifact) {
        files.put(artifact.getName(), artifact.toPath());
        apply(artifact.toPath());
    }

    @Override
    public void update(File artifact) {
        install(artifact);
    }

    @Override
    public synchronized void uninstall(File artifact) throws IOException {
        statuses.remove(artifact.getName());
        if (files.remove(artifact.getName()) == null) {
            return; // Taken away by remove, and File Install has seen it by now.
        }
        Files.deleteIfExists(lastGood.resolve(artifact.getName()));
        var file = ConfigurationFile.of(artifact.getName(), "");
        configuration(file).delete();
        LOG.info("{} is gone: {} has its defaults again", artifact.getName(), file.pid());
    }

    private void apply(Path path) {
        var fileName = path.getFileName().toString();
        try {
            var file = ConfigurationFile.read(path);
            var schema = schemas.get(file.pid());
            if (schema == null) {
                LOG.info("{} waits for a bundle that declares {}", shown(path), file.pid());
                tell(file, fileName, State.WAITING, "no bundle declares " + file.pid());
                return;
            }
            var checked = schema.check(file);
            if (checked.problems().isEmpty()) {
                tell(file, fileName, State.APPLIED, "");
                var configuration = configuration(file);
                var changed = configuration.getProperties() != null;
                if (configuration.updateIfDifferent(checked.properties())) {
                    LOG.info("{} {}", shown(path), changed ? "changed" : "applied");
                }
                Files.copy(path, lastGood.resolve(fileName), StandardCopyOption.REPLACE_EXISTING);
            } else {
                tell(file, fileName, State.REJECTED, String.join("; ", checked.problems()));
                LOG.error("{}: {}. {}", shown(path), String.join("; ", checked.problems()), whatStays(file, fileName));
            }
        } catch (IOException e) {
            LOG.error("{} cannot be read or applied; what was in force stays so", shown(path), e);
            tell(ConfigurationFile.of(fileName, ""), fileName, State.REJECTED, "cannot be read: " + e.getMessage());
        }
    }

    private void tell(ConfigurationFile file, String fileName, State state, String problem) {
        var schema = schemas.get(file.pid());
        var entries = new TreeMap<String, String>();
        file.entries().forEach((key, value) -> {
            var option = schema == null ? null : schema.options().get(key);
            entries.put(key, option != null && option.secret() ? "..." : value);
        });
        statuses.put(
                fileName, new ConfigurationFileStatus(fileName, state, problem, System.currentTimeMillis(), entries));
    }

    // Changes from within the node.

    @Override
    public synchronized List<ConfigurationFileStatus> files() {
        return List.copyOf(statuses.values());
    }

    @Override
    public synchronized void set(String fileName, Map<String, String> entries) {
        var path = path(fileName);
        try {
            var before = Files.exists(path) ? Files.readString(path) : "";
            var text = ConfigurationText.with(before, entries);
            var file = ConfigurationFile.of(fileName, text);
            var schema = schemas.get(file.pid());
            if (schema == null) {
                throw new IllegalArgumentException(fileName + ": no bundle declares " + file.pid() + "; there are "
                        + String.join(", ", new TreeMap<>(schemas).keySet()));
            }
            var problems = schema.check(file).problems();
            if (!problems.isEmpty()) {
                throw new IllegalArgumentException(fileName + ": " + String.join("; ", problems));
            }
            if (!files.containsKey(fileName) && files.size() >= MAX_FILES) {
                throw new IllegalArgumentException("there are " + MAX_FILES + " files already");
            }
            if (!text.equals(before)) {
                DurableFile.replace(path, text.getBytes(StandardCharsets.UTF_8));
            }
            files.put(fileName, path);
            apply(path);
        } catch (IOException e) {
            throw new UncheckedIOException(shown(path) + " cannot be written: " + e.getMessage(), e);
        }
    }

    @Override
    public synchronized void remove(String fileName) {
        var path = path(fileName);
        if (!Files.exists(path)) {
            throw new IllegalArgumentException(
                    "there is no " + fileName + "; there are " + String.join(", ", files.keySet()));
        }
        if (ConfigurationFile.of(fileName, "").name() == null) {
            throw new IllegalArgumentException(fileName + " is the only one of its kind: change its keys instead");
        }
        try {
            DurableFile.delete(path);
            uninstall(path.toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(shown(path) + " cannot be deleted: " + e.getMessage(), e);
        }
    }

    private Path path(String fileName) {
        if (!FILE_NAME.matcher(fileName).matches()) {
            throw new IllegalArgumentException("\"" + fileName.replaceAll("\\p{Cntrl}", "?")
                    + "\" is no name of a file of config/: PID.cfg or PID~NAME.cfg");
        }
        return folder.resolve(fileName);
    }

    /** In a running node the last good configuration is simply still there; a new node finds it in its own folder. */
    private String whatStays(ConfigurationFile file, String fileName) throws IOException {
        var configuration = configuration(file);
        if (configuration.getProperties() != null) {
            return "Nothing was changed: the last good configuration stays in force";
        }
        var kept = lastGood.resolve(fileName);
        if (Files.exists(kept)) {
            var checked = schemas.get(file.pid()).check(ConfigurationFile.read(kept));
            if (checked.problems().isEmpty()) {
                configuration.update(checked.properties());
                return "The last good configuration is in force, from " + kept;
            }
        }
        configuration.delete();
        return "There is no good configuration to go on with";
    }

    private synchronized void declare(List<Schema> declared) {
        for (var schema : declared) {
            schemas.put(schema.pid(), schema);
            for (var path : List.copyOf(files.values())) {
                if (ConfigurationFile.of(path.getFileName().toString(), "")
                        .pid()
                        .equals(schema.pid())) {
                    apply(path);
                }
            }
        }
    }

    private synchronized void withdraw(List<Schema> declared) {
        // Not by PID: another version of the bundle may have declared it anew.
        schemas.values().removeAll(declared);
    }

    private Configuration configuration(ConfigurationFile file) throws IOException {
        return file.name() == null
                ? admin.getConfiguration(file.pid(), ANY_BUNDLE)
                : admin.getFactoryConfiguration(file.pid(), file.name(), ANY_BUNDLE);
    }

    private void forgetDeleted(Path config) throws IOException {
        try (var kept = Files.list(lastGood)) {
            for (var copy : kept.toList()) {
                if (!Files.exists(config.resolve(copy.getFileName()))) {
                    Files.delete(copy);
                }
            }
        }
    }

    private static String shown(Path path) {
        return path.getParent().getFileName() + "/" + path.getFileName();
    }

    private static List<Schema> read(Bundle bundle) {
        var metatype = new Metatype();
        // Not findEntries, which would try to resolve the bundle.
        var paths = bundle.getEntryPaths(Metatype.FOLDER);
        for (var path : paths == null ? List.<String>of() : Collections.list(paths)) {
            try (var in = bundle.getEntry(path).openStream()) {
                metatype.read(in);
            } catch (IOException | RuntimeException e) {
                LOG.error("{} of {} cannot be read: its files stay unapplied", path, bundle, e);
            }
        }
        return metatype.schemas();
    }

    private final class SchemaTracker extends BundleTracker<List<Schema>> {
        SchemaTracker(BundleContext context) {
            super(context, ~Bundle.UNINSTALLED, null);
        }

        @Override
        public List<Schema> addingBundle(Bundle bundle, BundleEvent event) {
            var declared = new ArrayList<>(read(bundle));
            declare(declared);
            return declared;
        }

        @Override
        public void modifiedBundle(Bundle bundle, BundleEvent event, List<Schema> declared) {
            if (event.getType() == BundleEvent.UPDATED) {
                withdraw(declared);
                declared.clear();
                declared.addAll(read(bundle));
                declare(declared);
            }
        }

        @Override
        public void removedBundle(Bundle bundle, BundleEvent event, List<Schema> declared) {
            withdraw(declared);
        }
    }
}
