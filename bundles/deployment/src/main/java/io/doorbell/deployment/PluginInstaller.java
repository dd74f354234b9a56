package io.doorbell.deployment;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.felix.fileinstall.ArtifactInstaller;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the plug-ins of {@code deploy/}, one version of each. The newest version there runs; if it cannot be started, the
 * next one does. So a newer file beside the old one replaces it, and taking the newer one away brings the old one back.
 * Plug-ins get the framework's initial bundle start level, which the launcher sets. A plug-in is stopped, exchanged and started as one bundle: whoever has a service of it sees it go and come.
 *
 * <p>File Install's own handling would run two versions side by side, and two drivers would reach for one device.
 *
 * <p>Called by File Install's thread; one monitor guards all state.
 */
@Component(service = ArtifactInstaller.class, property = "service.ranking:Integer=100")
public final class PluginInstaller implements ArtifactInstaller {
    private static final Logger LOG = LoggerFactory.getLogger(PluginInstaller.class);

    /** A refresh restarts what was wired to the old revision; longer than this and something hangs. */
    private static final Duration REFRESH_BOUND = Duration.ofSeconds(30);

    /** Before its start level is reached a bundle is only marked for it; longer than this and something hangs. */
    private static final Duration START_BOUND = Duration.ofSeconds(30);

    private static final String LOCATION = "deploy:";

    private final BundleContext context;
    private final Map<Path, Plugin> files = new HashMap<>();
    /** By symbolic name: what is in the framework now. */
    private final Map<String, Plugin> running = new HashMap<>();

    @Activate
    public PluginInstaller(BundleContext context) {
        this.context = context;
        context.addFrameworkListener(this::onStartLevel);
    }

    @Override
    public boolean canHandle(File artifact) {
        return artifact.getName().endsWith(".jar");
    }

    @Override
    public synchronized void install(File artifact) throws InterruptedException {
        var path = artifact.toPath();
        var names = new HashSet<String>();
        try {
            var plugin = Plugin.read(path);
            names.add(plugin.symbolicName());
            var former = files.put(path, plugin);
            if (former != null) {
                names.add(former.symbolicName());
            }
        } catch (IOException e) {
            LOG.error("{} is not taken: {}. What runs stays", path, e.getMessage());
        }
        settle(names);
    }

    @Override
    public void update(File artifact) throws InterruptedException {
        install(artifact);
    }

    @Override
    public synchronized void uninstall(File artifact) throws InterruptedException {
        var gone = files.remove(artifact.toPath());
        if (gone != null) {
            settle(Set.of(gone.symbolicName()));
        }
    }

    private void settle(Set<String> names) throws InterruptedException {
        for (var name : names) {
            settle(name);
        }
        if (!nodeIsStarting()) {
            // A plug-in that could not be resolved may be by now, since another one came.
            for (var name : List.copyOf(running.keySet())) {
                if (!isUp(context.getBundle(LOCATION + name))) {
                    settle(name);
                }
            }
        }
    }

    /** What the framework found in its turn, while the node started, may not have started. */
    private synchronized void onStartLevel(FrameworkEvent event) {
        if (event.getType() == FrameworkEvent.STARTED || event.getType() == FrameworkEvent.STARTLEVEL_CHANGED) {
            try {
                settle(Set.of());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Makes the newest version that starts the one that runs. */
    private void settle(String name) throws InterruptedException {
        var bundle = context.getBundle(LOCATION + name);
        var candidates = files.values().stream()
                .filter(plugin -> plugin.symbolicName().equals(name))
                .sorted(Plugin.NEWEST_FIRST)
                .toList();
        if (candidates.isEmpty()) {
            running.remove(name);
            if (bundle != null) {
                remove(bundle);
            }
            return;
        }
        if (candidates.getFirst().isSameAs(running.get(name)) && isUp(bundle)) {
            return;
        }
        var ofDistribution = ofDistribution(name);
        if (ofDistribution.isPresent()) {
            LOG.error(
                    "{} is part of the distribution ({}) and no plug-in: it is not taken from deploy/",
                    name,
                    ofDistribution.get().getLocation());
            return;
        }
        for (var candidate : candidates) {
            if (run(candidate)) {
                return;
            }
        }
        LOG.error("no version of {} could be started", name);
    }

    /** False where it cannot be installed or started. Before its start level is reached it is started later. */
    private boolean run(Plugin plugin) throws InterruptedException {
        var name = plugin.symbolicName();
        var bundle = context.getBundle(LOCATION + name);
        var former = running.get(name);
        try {
            try (var content = Files.newInputStream(plugin.file())) {
                if (bundle == null) {
                    bundle = context.installBundle(LOCATION + name, content);
                } else {
                    // Stopped first, so that it starts once: after the refresh, with nothing left of the old revision.
                    bundle.stop(Bundle.STOP_TRANSIENT);
                    bundle.update(content);
                    refresh(bundle);
                }
            }
            running.put(name, plugin);
            start(bundle);
            if (former != null) {
                LOG.info("{} runs, in place of {}", plugin, former.version());
            } else {
                LOG.info("{} {}", plugin, bundle.getState() == Bundle.ACTIVE ? "runs" : "is installed");
            }
            return true;
        } catch (BundleException | IOException e) {
            LOG.error("{} does not start: {}", plugin, e.getCause() == null ? e.getMessage() : e + ", " + e.getCause());
            LOG.debug("{} does not start", plugin, e);
            return false;
        }
    }

    private void start(Bundle bundle) throws BundleException, InterruptedException {
        if (!nodeIsStarting()) {
            bundle.start(Bundle.START_ACTIVATION_POLICY);
            return;
        }
        // Felix starts a bundle at once, whatever its level, if it is the thread of the start levels that asks: then
        // plug-ins would run before the ground they stand on. Asked by any other, it starts the bundle in its turn.
        var asking = Thread.ofPlatform().name("plug-in-start").start(() -> {
            try {
                bundle.start(Bundle.START_ACTIVATION_POLICY);
            } catch (BundleException e) {
                LOG.error("{} does not start: {}", bundle, e.getMessage());
            }
        });
        if (!asking.join(START_BOUND)) {
            LOG.warn("{} has been starting for {}; the others go on", bundle, START_BOUND);
        }
    }

    private boolean nodeIsStarting() {
        var levels = context.getBundle(Constants.SYSTEM_BUNDLE_ID).adapt(FrameworkStartLevel.class);
        return levels.getStartLevel() < levels.getInitialBundleStartLevel();
    }

    private void remove(Bundle bundle) throws InterruptedException {
        try {
            bundle.uninstall();
            refresh(bundle);
            LOG.info("{} {} is gone", bundle.getSymbolicName(), bundle.getVersion());
        } catch (BundleException e) {
            LOG.error("{} cannot be uninstalled", bundle, e);
        }
    }

    /** Also where the framework will start it in its turn, and where somebody stopped it by hand. */
    private boolean isUp(Bundle bundle) {
        return bundle != null
                && (bundle.getState() == Bundle.ACTIVE
                        || nodeIsStarting()
                        || !bundle.adapt(BundleStartLevel.class).isPersistentlyStarted());
    }

    private Optional<Bundle> ofDistribution(String name) {
        return Arrays.stream(context.getBundles())
                .filter(bundle -> name.equals(bundle.getSymbolicName()))
                .filter(bundle -> !bundle.getLocation().startsWith(LOCATION))
                .findAny();
    }

    /** Waits: the next update before the end of a refresh would fail, and the old class loader would still be there. */
    private void refresh(Bundle bundle) throws InterruptedException {
        var refreshed = new CountDownLatch(1);
        context.getBundle(Constants.SYSTEM_BUNDLE_ID)
                .adapt(FrameworkWiring.class)
                .refreshBundles(Set.of(bundle), _ -> refreshed.countDown());
        if (!refreshed.await(REFRESH_BOUND.toMillis(), TimeUnit.MILLISECONDS)) {
            LOG.warn("packages of {} are still being refreshed after {}", bundle, REFRESH_BOUND);
        }
    }
}
