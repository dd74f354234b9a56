package io.doorbell.resources;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.ResourceManager;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.apache.felix.framework.FrameworkFactory;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.launch.Framework;

/**
 * A Felix in the test's JVM with Declarative Services, Config Admin and the bundle under test. What bundles say to each
 * other comes from the class path through the system bundle, so that a test speaks with services as a bundle does.
 */
final class TestFramework implements AutoCloseable {
    private static final long STOP_MILLIS = 20_000;

    private static final String SHARED_PACKAGES = String.join(
            ",",
            "io.doorbell.host;version=1.0",
            "io.doorbell.lease;version=1.0",
            "io.doorbell.reactor;version=1.0",
            "io.doorbell.statistics;version=1.0",
            "io.doorbell.nvme;version=1.0",
            "io.doorbell.platform;version=1.0",
            "org.osgi.service.cm;version=1.6.1",
            "org.osgi.service.event;version=1.4.1",
            "org.slf4j;version=2.0.20");

    private final Framework framework;
    private final List<Bundle> consumers = new ArrayList<>();
    final Bundle resources;

    TestFramework(Path storage) throws BundleException {
        framework = new FrameworkFactory()
                .newFramework(Map.of(
                        Constants.FRAMEWORK_STORAGE,
                        storage.toString(),
                        Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
                        SHARED_PACKAGES,
                        "felix.service.urlhandlers",
                        "false",
                        "felix.log.level",
                        "1"));
        framework.start();
        for (var name : new String[] {
            "org.osgi.util.function",
            "org.osgi.util.promise",
            "org.osgi.service.component-",
            "org.apache.felix.configadmin",
            "org.apache.felix.scr"
        }) {
            context().installBundle(jar(name).toUri().toString());
        }
        // As it is before it is packed: bnd has written the manifest and the component descriptions into it.
        resources =
                context().installBundle("reference:" + Path.of("target/classes").toUri());
        for (var bundle : context().getBundles()) {
            bundle.start();
        }
    }

    private static Path jar(String name) {
        return Arrays.stream(System.getProperty("java.class.path").split(":"))
                .map(Path::of)
                .filter(path -> path.getFileName().toString().startsWith(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no " + name + " on the class path"));
    }

    BundleContext context() {
        return framework.getBundleContext();
    }

    /** Installs and starts a bundle with nothing in it: what it does, the test does in its name. */
    Bundle consumer(String symbolicName) throws BundleException, IOException {
        var bundle = context().installBundle(symbolicName, content(symbolicName, "1.0.0"));
        bundle.start();
        consumers.add(bundle);
        return bundle;
    }

    void uninstallConsumers() throws BundleException {
        for (var consumer : consumers) {
            if (consumer.getState() != Bundle.UNINSTALLED) {
                consumer.uninstall();
            }
        }
        consumers.clear();
    }

    static InputStream content(String symbolicName, String version) throws IOException {
        var manifest = new Manifest();
        var headers = manifest.getMainAttributes();
        headers.put(Attributes.Name.MANIFEST_VERSION, "1.0");
        headers.putValue(Constants.BUNDLE_MANIFESTVERSION, "2");
        headers.putValue(Constants.BUNDLE_SYMBOLICNAME, symbolicName);
        headers.putValue(Constants.BUNDLE_VERSION, version);
        var bytes = new ByteArrayOutputStream();
        new JarOutputStream(bytes, manifest).close();
        return new ByteArrayInputStream(bytes.toByteArray());
    }

    /** What a bundle gets when it asks for the service. */
    static ResourceManager resourceManager(Bundle consumer) {
        return service(consumer.getBundleContext(), ResourceManager.class);
    }

    static <T> T service(BundleContext context, Class<T> type) {
        var reference = context.getServiceReference(type);
        if (reference == null) {
            throw new IllegalStateException("no service " + type.getName());
        }
        return context.getService(reference);
    }

    ServiceRegistration<NvmeController> register(NvmeController controller) {
        return context()
                .registerService(
                        NvmeController.class,
                        controller,
                        new Hashtable<>(Map.of(
                                NvmeController.TRID_PROPERTY,
                                controller.transportId().toString())));
    }

    @Override
    public void close() {
        try {
            framework.stop();
            framework.waitForStop(STOP_MILLIS);
        } catch (BundleException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
