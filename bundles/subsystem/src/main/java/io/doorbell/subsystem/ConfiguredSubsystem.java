package io.doorbell.subsystem;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.target.IoLimits;
import io.doorbell.target.IoUsage;
import io.doorbell.target.SubsystemOperator;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a subsystem what configuration says, with the backends there are: namespaces come and go as either changes, and
 * controllers live on. Only another name, serial or model makes another subsystem.
 *
 * <p>It is published when every backend it needs has been there once, so that a host that comes early does not find it
 * half filled. A namespace that cannot be opened is left out, with a message, and tried again at the next change. One that differs in
 * its size only is resized where it is, under the hosts that use it.
 *
 * <p>Any thread.
 */
final class ConfiguredSubsystem implements SubsystemOperator, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConfiguredSubsystem.class);

    /** How long a namespace that is removed or changed may still be in use. */
    private static final Duration REMOVE_BOUND = Duration.ofSeconds(5);

    private static final String MEMORY = "memory";

    /** A namespace as it should be. */
    private record Wanted(NamespaceSpec spec, NamespaceOptions options) {
        /** Whether what is open can become it where it is. */
        boolean isChangeOf(Wanted is) {
            boolean same = spec.byteSize() == is.spec.byteSize();
            return Objects.equals(options.zones(), is.options.zones())
                    && (same || options.zones() == null)
                    && spec.kind().equals(is.spec.kind())
                    && spec.isFound() == is.spec.isFound()
                    && (spec.isFound() || spec.format().equals(is.spec.format()))
                    && spec.path().equals(is.spec.path());
        }

        @Override
        public String toString() {
            return spec.toString() + options;
        }
    }

    /** Where a subsystem that is complete goes; what it answers takes it back. */
    @FunctionalInterface
    interface Publisher {
        Runnable publish(NvmSubsystem subsystem);
    }

    private final Publisher publisher;
    private final Path reservationFolder;
    private final Path lifeFolder;

    // Guarded by this.
    private final Map<String, List<BackendProvider>> backends = new HashMap<>();
    private final Map<BackendProvider, AutoCloseable> watches = new IdentityHashMap<>();
    private final Map<Integer, Wanted> open = new TreeMap<>();
    /** What of the last change could not be, by namespace. */
    private final Map<Integer, RuntimeException> problems = new TreeMap<>();

    private SubsystemSettings settings;
    private NvmSubsystem subsystem;
    private Runnable withdraw;

    /**
     * @param reservationFolder where reservations are kept, or null
     * @param lifeFolder where it is kept how often and how long subsystems ran, or null
     */
    ConfiguredSubsystem(Publisher publisher, Path reservationFolder, Path lifeFolder) {
        this.publisher = publisher;
        this.lifeFolder = lifeFolder;
        this.reservationFolder = reservationFolder;
    }

    synchronized void apply(SubsystemSettings next) {
        if (settings == null || !settings.isSameSubsystem(next)) {
            close();
            subsystem = new NvmSubsystem(
                    next.nqn(), next.serial(), next.model(), reservationFolder, lifeFolder, InstantSource.system());
        }
        settings = next;
        problems.clear();
        subsystem.restrict(next.access());
        subsystem.limit(next.limits());
        var before = new TreeMap<Integer, Wanted>();
        for (var entry : List.copyOf(open.entrySet())) {
            int nsid = entry.getKey();
            var is = entry.getValue();
            var wanted = wanted(nsid);
            if (wanted != null && wanted.isChangeOf(is)) {
                change(nsid, is, wanted);
            } else if (!is.equals(wanted)) {
                remove(nsid);
                before.put(nsid, is);
            }
        }
        openMissing();
        before.forEach((nsid, was) -> {
            // It cannot be as it should: then as it was, rather than not at all.
            var backend = backend(was.spec().kind());
            if (next.namespaces().containsKey(nsid) && !open.containsKey(nsid) && backend != null) {
                LOG.warn("namespace {} of {} stays {}", nsid, subsystem, was);
                open(nsid, was, backend);
            }
        });
    }

    synchronized void addBackend(BackendProvider backend) {
        backends.computeIfAbsent(backend.kind(), ignored -> new ArrayList<>()).add(backend);
        watches.put(backend, backend.onChange(this::placesChanged));
        if (subsystem != null) {
            openMissing();
        }
    }

    /** A backend has a place for namespaces that it may not have had before. */
    private synchronized void placesChanged() {
        if (subsystem != null) {
            openMissing();
        }
    }

    private static void unwatch(AutoCloseable watch) {
        try {
            watch.close();
        } catch (Exception failed) {
            LOG.warn("a backend cannot be watched no more", failed);
        }
    }

    synchronized void removeBackend(BackendProvider backend) {
        var watch = watches.remove(backend);
        if (watch != null) {
            unwatch(watch);
        }
        var ofKind = backends.getOrDefault(backend.kind(), List.of());
        // Its namespaces are made by whichever came first, and run that one's code.
        boolean used = !ofKind.isEmpty() && ofKind.getFirst() == backend;
        ofKind.remove(backend);
        if (subsystem == null || !used) {
            return;
        }
        for (var entry : List.copyOf(open.entrySet())) {
            if (entry.getValue().spec().kind().equals(backend.kind())) {
                remove(entry.getKey());
            }
        }
        openMissing();
    }

    /** Makes an open namespace what is wanted, where it is; or leaves it as it was. */
    private void change(int nsid, Wanted is, Wanted wanted) {
        try {
            if (is.spec().byteSize() != wanted.spec().byteSize()) {
                var shape = subsystem.namespace(nsid).shape();
                requireShrink(shape, wanted);
                subsystem.resizeNamespace(nsid, wanted.spec().byteSize());
            }
            subsystem.groupNamespace(nsid, wanted.options().group());
            open.put(nsid, wanted);
        } catch (RuntimeException failed) {
            problems.put(nsid, failed);
            LOG.error("namespace {} of {} stays {}: {}", nsid, subsystem, is, failed.getMessage());
        }
    }

    private static void requireShrink(NamespaceShape shape, Wanted wanted) {
        if (wanted.spec().byteSize() / shape.blockBytes() < shape.blockCount()
                && !wanted.options().shrink()) {
            throw new IllegalArgumentException(shape.backend() + " has " + shape.byteSize() + " bytes and is to have "
                    + wanted.spec().byteSize() + ": to let go of what lies behind that, say ;shrink behind it");
        }
    }

    private void remove(int nsid) {
        open.remove(nsid);
        var namespace = subsystem.namespace(nsid);
        if (namespace == null) {
            return;
        }
        subsystem.removeNamespace(nsid);
        try {
            // The file of the one may be the file of the next.
            if (!namespace.closed().await(REMOVE_BOUND.toNanos(), TimeUnit.NANOSECONDS)) {
                LOG.warn("{} of {} is still in use {} after it was removed", namespace, subsystem, REMOVE_BOUND);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void openMissing() {
        var waitsFor = new TreeSet<String>();
        settings.namespaces().forEach((nsid, spec) -> {
            if (!open.containsKey(nsid)) {
                var backend = backend(spec.kind());
                if (backend == null) {
                    waitsFor.add(spec.kind());
                } else if (!backend.isThere(spec)) {
                    LOG.info("namespace {} of {} waits for {}", nsid, subsystem, spec);
                } else {
                    open(nsid, wanted(nsid), backend);
                }
            }
        });
        var memory = backend(MEMORY);
        subsystem.allowNamespaceManagement(memory, settings.creatableBytes());
        if (!waitsFor.isEmpty()) {
            LOG.info("subsystem {} waits for backends of kind {}", subsystem, String.join(", ", waitsFor));
        } else if (withdraw == null) {
            withdraw = publisher.publish(subsystem);
            LOG.info("subsystem {} has namespaces {}", subsystem, open);
        }
    }

    private BackendProvider backend(String kind) {
        var ofKind = backends.getOrDefault(kind, List.of());
        return ofKind.isEmpty() ? null : ofKind.getFirst();
    }

    /** Null where there should be none. */
    private Wanted wanted(int nsid) {
        var spec = settings.namespaces().get(nsid);
        return spec == null ? null : new Wanted(spec, settings.options(nsid));
    }

    private static Namespace made(Wanted wanted, BackendProvider backend) {
        var namespace = backend.open(wanted.spec());
        try {
            var shape = namespace.shape();
            var zones = wanted.options().zones();
            if (!wanted.spec().isFound() && wanted.spec().byteSize() / shape.blockBytes() != shape.blockCount()) {
                if (zones != null) {
                    throw new IllegalArgumentException(shape.backend() + " has " + shape.byteSize()
                            + " bytes, but is configured with " + wanted.spec().byteSize()
                            + ". Zoned namespaces keep their size: configure what it has, or another path");
                }
                requireShrink(shape, wanted);
                namespace.resize(wanted.spec().byteSize());
            }
            return zones == null ? namespace : new ZonedNamespace(namespace, zones);
        } catch (RuntimeException failed) {
            namespace.close();
            throw failed;
        }
    }

    private void add(int nsid, Namespace namespace) {
        try {
            subsystem.addNamespace(nsid, namespace);
        } catch (RuntimeException refused) {
            namespace.close();
            throw refused;
        }
    }

    private void open(int nsid, Wanted spec, BackendProvider backend) {
        try {
            add(nsid, made(spec, backend));
            subsystem.groupNamespace(nsid, spec.options().group());
            open.put(nsid, spec);
        } catch (IllegalArgumentException | UncheckedIOException said) {
            if (isNews(nsid, said)) {
                LOG.error("namespace {} ({}) of {} is left out: {}", nsid, spec, subsystem, said.getMessage());
            }
        } catch (RuntimeException failed) {
            if (isNews(nsid, failed)) {
                LOG.error("namespace {} ({}) of {} is left out", nsid, spec, subsystem, failed);
            }
        }
    }

    /** Some are tried again and again. */
    private boolean isNews(int nsid, RuntimeException problem) {
        var before = problems.put(nsid, problem);
        return before == null || !before.toString().equals(problem.toString());
    }

    // What an operator asks for.

    @Override
    public synchronized String nqn() {
        return there().nqn();
    }

    @Override
    public synchronized void addNamespace(int nsid, NamespaceSpec spec) {
        var before = there();
        SubsystemSettings.nsid("namespace", spec.toString(), Integer.toString(nsid));
        if (before.namespaces().containsKey(nsid) || subsystem.namespace(nsid) != null) {
            throw new IllegalArgumentException("namespace id " + nsid + " of " + subsystem + " is taken");
        }
        if (backend(spec.kind()) == null) {
            throw new IllegalArgumentException("no backend stores namespaces of kind \"" + spec.kind()
                    + "\". There are " + String.join(", ", new TreeSet<>(backends.keySet())));
        }
        ask(before, before.with(nsid, spec, NamespaceOptions.NONE), nsid);
    }

    @Override
    public synchronized void resizeNamespace(int nsid, long byteSize, boolean shrink) {
        var before = there();
        var spec = before.namespaces().get(nsid);
        var options = before.options(nsid);
        if (spec == null) {
            throw new IllegalArgumentException("no namespace " + nsid + " is configured in " + subsystem);
        }
        if (options.zones() != null) {
            throw new IllegalArgumentException(
                    "namespace " + nsid + " of " + subsystem + " has zones, and keeps its size");
        }
        var resized = new NamespaceSpec(spec.kind(), byteSize, spec.format(), spec.path());
        ask(before, before.with(nsid, resized, options.withShrink(shrink)), nsid);
        // Asked for once, and not for whatever size it gets next.
        settings = settings.with(nsid, resized, options);
        open.put(nsid, wanted(nsid));
    }

    @Override
    public synchronized void groupNamespace(int nsid, int group) {
        var before = there();
        var spec = before.namespaces().get(nsid);
        if (spec == null) {
            throw new IllegalArgumentException("no namespace " + nsid + " is configured in " + subsystem);
        }
        ask(before, before.with(nsid, spec, before.options(nsid).withGroup(group)), nsid);
    }

    @Override
    public synchronized void limitNamespace(int nsid, IoLimits limits) {
        var before = there();
        SubsystemSettings.nsid("namespace.limits", nsid + "=" + limits, Integer.toString(nsid));
        apply(before.with(before.limits().withNamespace(nsid, limits)));
    }

    @Override
    public synchronized void limitHost(String hostNqn, IoLimits limits) {
        var before = there();
        apply(before.with(before.limits().withHost(RateLimits.Settings.host(hostNqn), limits)));
    }

    @Override
    public synchronized void removeNamespace(int nsid) {
        var before = there();
        if (before.namespaces().containsKey(nsid)) {
            ask(before, before.with(nsid, null, NamespaceOptions.NONE), nsid);
        } else if (!subsystem.removeNamespace(nsid)) {
            throw new IllegalArgumentException(subsystem + " has no namespace " + nsid);
        }
    }

    @Override
    public synchronized List<IoUsage> usage() {
        there();
        return subsystem.usage();
    }

    @Override
    public synchronized Map<String, Object> configuration() {
        return there().spelled();
    }

    private SubsystemSettings there() {
        if (settings == null) {
            throw new IllegalStateException("the subsystem is not there any more");
        }
        return settings;
    }

    private void ask(SubsystemSettings before, SubsystemSettings next, int nsid) {
        apply(next);
        var problem = problems.get(nsid);
        if (problem != null) {
            settings = before;
            throw problem;
        }
    }

    /** Takes the subsystem back and closes it. It can be applied anew. */
    @Override
    public synchronized void close() {
        if (withdraw != null) {
            withdraw.run();
            withdraw = null;
        }
        if (subsystem != null) {
            subsystem.close();
            subsystem = null;
        }
        open.clear();
        settings = null;
    }
}
