package io.doorbell.deployment;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.apache.felix.framework.FrameworkFactory;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.startlevel.FrameworkStartLevel;

/** A Felix in the test's JVM; what is tested runs on the test's class path with the system bundle's context. */
final class TestFramework {
    private static final long STOP_MILLIS = 5_000;

    private final Framework framework;

    TestFramework(Path home) throws BundleException {
        framework = new FrameworkFactory()
                .newFramework(Map.of(
                        Constants.FRAMEWORK_STORAGE,
                        home.resolve("framework").toString(),
                        Constants.FRAMEWORK_STORAGE_CLEAN,
                        Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT,
                        Constants.FRAMEWORK_BEGINNING_STARTLEVEL,
                        "20",
                        Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
                        "org.osgi.service.cm;version=1.6.1",
                        "felix.service.urlhandlers",
                        "false",
                        "felix.log.level",
                        "0",
                        "doorbell.home",
                        home.toString()));
        framework.start();
        framework.adapt(FrameworkStartLevel.class).setInitialBundleStartLevel(15);
    }

    /** Changes the start level and waits until it is reached. */
    void startLevel(int level) throws InterruptedException {
        var reached = new CountDownLatch(1);
        framework.adapt(FrameworkStartLevel.class).setStartLevel(level, _ -> reached.countDown());
        reached.await();
    }

    BundleContext context() {
        return framework.getBundleContext();
    }

    /** Writes a bundle with nothing in it but the entries given. */
    static Path bundle(Path file, String name, String version, String moreHeaders, Map<String, String> entries)
            throws IOException {
        var manifest = new Manifest();
        var headers = manifest.getMainAttributes();
        headers.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        headers.putValue(Constants.BUNDLE_MANIFESTVERSION, "2");
        headers.putValue(Constants.BUNDLE_SYMBOLICNAME, name);
        headers.putValue(Constants.BUNDLE_VERSION, version);
        for (var header : moreHeaders.lines().toList()) {
            var parts = header.split(": ", 2);
            headers.putValue(parts[0], parts[1]);
        }
        Files.createDirectories(file.getParent());
        try (var jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
            for (var entry : entries.entrySet()) {
                jar.putNextEntry(new JarEntry(entry.getKey()));
                jar.write(entry.getValue().getBytes(StandardCharsets.UTF_8));
                jar.closeEntry();
            }
        }
        return file;
    }

    void stop() throws BundleException, InterruptedException {
        framework.stop();
        framework.waitForStop(STOP_MILLIS);
    }
}
