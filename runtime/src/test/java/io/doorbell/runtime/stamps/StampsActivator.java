package io.doorbell.runtime.stamps;

import io.doorbell.lease.LeaseRegistry;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.TransportId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** A plug-in that runs a {@link StampedLoad}. */
public final class StampsActivator implements BundleActivator {
    private static final String SETTINGS = "stamps.properties";
    private static final List<Class<?>> CLASSES =
            List.of(StampsActivator.class, StampedLoad.class, Trouble.class, Journal.class);
    private static final long STOP_MILLIS = 10_000;

    private final List<Thread> threads = new ArrayList<>();

    @Override
    public void start(BundleContext context) throws IOException {
        var settings = new Properties();
        try (var in = StampsActivator.class.getResourceAsStream("/" + SETTINGS)) {
            settings.load(in);
        }
        var manager = context.getService(context.getServiceReference(ResourceManager.class));
        var registry = context.getService(context.getServiceReference(LeaseRegistry.class));
        var controller = TransportId.parse(settings.getProperty("trid"));
        var journal = new Journal(Path.of(settings.getProperty("journal")));
        long seed = Long.parseLong(settings.getProperty("seed"));
        threads.add(Thread.ofPlatform()
                .name("stamped load")
                .daemon()
                .start(new StampedLoad(manager, registry, controller, journal, seed)));
        threads.add(Thread.ofPlatform()
                .name("trouble")
                .daemon()
                .start(new Trouble(manager, registry, controller, journal, seed + 1)));
    }

    @Override
    public void stop(BundleContext context) throws InterruptedException {
        threads.forEach(Thread::interrupt);
        for (var thread : threads) {
            thread.join(STOP_MILLIS);
        }
    }

    /** Writes the plug-in, to run against one controller. */
    public static Path bundle(Path file, String trid, Path journal, long seed) throws IOException {
        var manifest = new Manifest();
        var headers = manifest.getMainAttributes();
        headers.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        headers.putValue("Bundle-ManifestVersion", "2");
        headers.putValue("Bundle-SymbolicName", "stamps");
        headers.putValue("Bundle-Activator", StampsActivator.class.getName());
        headers.putValue(
                "Import-Package",
                "org.osgi.framework,io.doorbell.host,io.doorbell.lease,io.doorbell.nvme,io.doorbell.reactor");
        var settings = new Properties();
        settings.setProperty("trid", trid);
        settings.setProperty("journal", journal.toString());
        settings.setProperty("seed", Long.toString(seed));
        try (var jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
            jar.putNextEntry(new JarEntry(SETTINGS));
            settings.store(jar, null);
            for (var type : CLASSES) {
                add(jar, type);
            }
        }
        return file;
    }

    /** With the classes inside it, and those of its switches. */
    private static void add(JarOutputStream jar, Class<?> type) throws IOException {
        var folder = Path.of(java.net.URI.create(
                type.getProtectionDomain().getCodeSource().getLocation().toString()));
        var packageFolder = folder.resolve(type.getPackageName().replace('.', '/'));
        try (var files = Files.newDirectoryStream(packageFolder, type.getSimpleName() + "{,$*}.class")) {
            for (var classFile : files) {
                jar.putNextEntry(new JarEntry(folder.relativize(classFile).toString()));
                Files.copy(classFile, jar);
            }
        }
    }
}
