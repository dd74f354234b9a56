package io.doorbell.runtime;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Felix with the bundles of a distribution in it, working in a home. {@link #start()} returns when every start level is
 * reached: configuration is in force and the plug-ins of {@code deploy/} were started. Any thread may call any method.
 */
final class Node implements AutoCloseable {
    /** Bundles get this long to stop, all together. A node that is told to end must end. */
    static final Duration STOP_BOUND = Duration.ofSeconds(Integer.getInteger("doorbell.stop.seconds", 15));

    /** A start that takes longer hangs; the slowest seen on a loaded two-core machine took 5 s. */
    private static final Duration START_BOUND = Duration.ofSeconds(60);

    private static final int PLUG_IN_START_LEVEL = 15;
    static final int CONSOLE_START_LEVEL = 16;
    static final int MANAGEMENT_START_LEVEL = 12;
    static final int HTTP_START_LEVEL = 4;
    static final int JOLOKIA_START_LEVEL = 5;
    private static final int LAST_START_LEVEL = 20;

    /** Jolokia, and Gogo's profile, make URLs of the text of bundle: URLs, for which the JDK needs a handler. */
    private static final Set<Integer> NEED_BUNDLE_URLS = Set.of(JOLOKIA_START_LEVEL, CONSOLE_START_LEVEL);

    /** How soon a change in config/ or deploy/ is seen; File Install waits for a second look at a growing file. */
    private static final Duration POLL = Duration.ofMillis(500);

    /** What the launcher's class path shares with the bundles, at the versions the bundles were compiled against. */
    private static final String SHARED_PACKAGES = String.join(
            ",",
            "org.slf4j;version=\"2.0.20\"",
            // What asks for 1.7 finds it in 2.
            "org.slf4j;version=\"1.7.36\"",
            "org.slf4j.helpers;version=\"1.7.36\"",
            "org.slf4j.event;version=\"2.0.20\"",
            "org.slf4j.helpers;version=\"2.0.20\"",
            "org.slf4j.spi;version=\"2.0.20\"",
            "org.osgi.service.log;version=\"1.5\"",
            "org.osgi.service.log.admin;version=\"1.0\"",
            "picocli;version=\"4.7.7\"",
            "com.fasterxml.jackson.jr.ob;version=\"2.19.2\"");

    private static final Logger LOG = LoggerFactory.getLogger(Node.class);

    private final Distribution distribution;
    private final Set<Integer> leftOut;
    private final Framework framework;

    /** A node with all bundles of the distribution except those of the start levels left out. Nothing runs yet. */
    Node(Distribution distribution, Home home, Set<Integer> leftOut) {
        this.distribution = distribution;
        this.leftOut = leftOut;
        this.framework = ServiceLoader.load(FrameworkFactory.class)
                .findFirst()
                .orElseThrow()
                .newFramework(settings(home, !leftOut.containsAll(NEED_BUNDLE_URLS)));
    }

    /** @throws IllegalStateException where the framework does not come up; it is stopped again then */
    Node start() {
        try {
            framework.init();
            boot();
            return this;
        } catch (BundleException e) {
            close();
            throw new IllegalStateException("the framework did not start", e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static Map<String, String> settings(Home home, boolean bundleUrls) {
        var settings = new HashMap<String, String>();
        settings.put(
                Constants.FRAMEWORK_STORAGE, home.var().resolve("framework").toString());
        // The files in the home are the only truth: nothing installed or configured earlier may shine through.
        settings.put(Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
        settings.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, Integer.toString(LAST_START_LEVEL));
        settings.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, SHARED_PACKAGES);
        // Errors only: while it stops it warns of its own stopping, on stdout, into what a command prints there.
        settings.put("org.apache.felix.eventadmin.LogLevel", "1");
        settings.put("felix.log.level", "0"); // the framework's own stdout; what matters is in the OSGi log too
        // Set JVM-wide through internals of the JDK, so only where somebody needs them.
        settings.put("felix.service.urlhandlers", Boolean.toString(bundleUrls));
        // Plug-ins before configuration: their options are then known when their files are read.
        settings.put(
                "felix.fileinstall.dir",
                home.root().resolve("deploy") + "," + home.root().resolve("config"));
        settings.put("felix.fileinstall.filter", ".*\\.(cfg|jar)");
        settings.put("felix.fileinstall.poll", Long.toString(POLL.toMillis()));
        settings.put("felix.fileinstall.noInitialDelay", "true");
        settings.put("felix.fileinstall.enableConfigSave", "false");
        settings.put(
                "felix.fileinstall.tmpdir", home.var().resolve("fileinstall").toString());
        // Jetty listens when management says so, and where; what Jolokia would register has no password before it.
        settings.put("org.apache.felix.http.require.config", "true");
        settings.put("org.apache.felix.http.host", "127.0.0.1");
        settings.put("org.jolokia.registerWhiteboardServlet", "false");
        settings.put("org.jolokia.listenForHttpService", "false");
        settings.put("doorbell.home", home.root().toString());
        return settings;
    }

    private void boot() throws BundleException {
        var context = framework.getBundleContext();
        new LogBridge(context).open(); // ends with the framework
        var installed = new ArrayList<Bundle>();
        for (var level : distribution.bundles().entrySet()) {
            if (leftOut.contains(level.getKey())) {
                continue;
            }
            for (Path jar : level.getValue()) {
                // "reference:" runs the jar where it is instead of copying it into the framework's storage.
                var bundle = context.installBundle("reference:" + jar.toUri());
                bundle.adapt(BundleStartLevel.class).setStartLevel(level.getKey());
                installed.add(bundle);
            }
        }
        for (var bundle : installed) {
            if (bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null) {
                bundle.start(Bundle.START_ACTIVATION_POLICY);
            }
        }
        // Not a start level for each: inside a start-level change that would be done later than the start of the
        // bundle.
        framework.adapt(FrameworkStartLevel.class).setInitialBundleStartLevel(PLUG_IN_START_LEVEL);
        var started = new CountDownLatch(1);
        context.addFrameworkListener(event -> {
            if (event.getType() == FrameworkEvent.STARTED) {
                started.countDown();
            }
        });
        framework.start();
        try {
            if (!started.await(START_BOUND.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException("still at start level "
                        + framework.adapt(FrameworkStartLevel.class).getStartLevel() + " after "
                        + START_BOUND.toSeconds() + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the framework started", e);
        }
    }

    /** Bundles that should run and do not, by name with their state; empty in a healthy node. */
    List<String> notActive() {
        return Arrays.stream(framework.getBundleContext().getBundles())
                .filter(bundle -> bundle.getState() != Bundle.ACTIVE)
                .filter(bundle -> bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null)
                .map(bundle -> name(bundle) + " (" + stateOf(bundle) + ")")
                .toList();
    }

    BundleContext context() {
        return framework.getBundleContext();
    }

    /** The service once it is there, or nothing when the bound has passed. It is not given back: the node ends first. */
    <T> Optional<T> await(Class<T> type, String filter, Duration bound) {
        return await(type.getName(), filter, bound).map(type::cast);
    }

    Optional<Object> await(String type, String filter, Duration bound) {
        var context = framework.getBundleContext();
        try {
            var tracker = new ServiceTracker<>(
                    context, context.createFilter("(&(objectClass=" + type + ")" + filter + ")"), null);
            tracker.open(true); // also services with further interfaces, which are no classes of the launcher's
            return Optional.ofNullable(tracker.waitForService(bound.toMillis()));
        } catch (InvalidSyntaxException e) {
            throw new IllegalArgumentException(filter, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /** The transport ids of all controllers there are now, sorted; whoever serves one says so in {@code doorbell.trid}. */
    Set<String> trids() {
        try {
            var found = framework.getBundleContext().getAllServiceReferences(null, "(doorbell.trid=*)");
            var trids = new TreeSet<String>();
            for (var reference : found == null ? List.<org.osgi.framework.ServiceReference<?>>of() : List.of(found)) {
                switch (reference.getProperty("doorbell.trid")) {
                    case String one -> trids.add(one);
                    case String[] several -> trids.addAll(List.of(several));
                    default -> LOG.warn("{} has a doorbell.trid that is no text", reference);
                }
            }
            return trids;
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException("a constant filter", e);
        }
    }

    /** Returns when the framework has stopped, whoever stopped it. */
    void awaitStop() {
        try {
            framework.waitForStop(0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops every bundle, last start level first. Idempotent. */
    @Override
    public void close() {
        stop();
    }

    /** True if all bundles stopped within {@link #STOP_BOUND}; if not, the log names those that did not. */
    synchronized boolean stop() {
        if (framework.getState() != Bundle.ACTIVE && framework.getState() != Bundle.STARTING) {
            return true;
        }
        try {
            var bundles = framework.getBundleContext().getBundles();
            framework.stop();
            if (framework.waitForStop(STOP_BOUND.toMillis()).getType() != FrameworkEvent.WAIT_TIMEDOUT) {
                return true;
            }
            LOG.error(
                    "not stopped after {} s: {}",
                    STOP_BOUND.toSeconds(),
                    Arrays.stream(bundles)
                            .filter(bundle -> bundle != framework && bundle.getState() == Bundle.STOPPING)
                            .map(Node::name)
                            .collect(Collectors.joining(", ")));
        } catch (BundleException e) {
            LOG.error("the framework does not stop", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    private static String name(Bundle bundle) {
        return bundle.getSymbolicName() + " " + bundle.getVersion();
    }

    private static String stateOf(Bundle bundle) {
        return switch (bundle.getState()) {
            case Bundle.INSTALLED -> "not resolved";
            case Bundle.RESOLVED -> "not started";
            case Bundle.STARTING -> "starting";
            case Bundle.STOPPING -> "stopping";
            default -> "state " + bundle.getState();
        };
    }
}
