package io.doorbell.deployment;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
@Component(service = ArtifactInstaller.class, property = "service.ranking:Integer=100")
public final class ConfigurationInstaller implements ArtifactInstaller {
    private static final Logger LOG = LoggerFactory.getLogger(ConfigurationInstaller.class);

    /** A configuration may be taken by whichever bundle has the component: the location that says so. */
    private static final String ANY_BUNDLE = "?";

    private final ConfigurationAdmin admin;
    private final Path lastGood;
    private final BundleTracker<List<Schema>> tracker;
    private final Map<String, Schema> schemas = new HashMap<>();
    private final Map<String, Path> files = new TreeMap<>();

    @Activate
    public ConfigurationInstaller(BundleContext context, @Reference ConfigurationAdmin admin) throws IOException {
        this.admin = admin;
        var home = Path.of(context.getProperty("doorbell.home"));
        this.lastGood = Files.createDirectories(home.resolve("var/configuration"));
        forgetDeleted(home.resolve("config"));
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
        files.remove(artifact.getName());
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
                return;
            }
            var checked = schema.check(file);
            if (checked.problems().isEmpty()) {
                var configuration = configuration(file);
                var changed = configuration.getProperties() != null;
                if (configuration.updateIfDifferent(checked.properties())) {
                    LOG.info("{} {}", shown(path), changed ? "changed" : "applied");
                }
                Files.copy(path, lastGood.resolve(fileName), StandardCopyOption.REPLACE_EXISTING);
            } else {
                LOG.error("{}: {}. {}", shown(path), String.join("; ", checked.problems()), whatStays(file, fileName));
            }
        } catch (IOException e) {
            LOG.error("{} cannot be read or applied; what was in force stays so", shown(path), e);
        }
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
