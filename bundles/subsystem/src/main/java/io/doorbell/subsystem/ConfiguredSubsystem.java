package io.doorbell.subsystem;

import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
 * half filled. A namespace that cannot be opened is left out, with a message, and tried again at the next change.
 *
 * <p>Any thread.
 */
final class ConfiguredSubsystem implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConfiguredSubsystem.class);

    /** How long a namespace that is removed or changed may still be in use. */
    private static final Duration REMOVE_BOUND = Duration.ofSeconds(5);

    private static final String MEMORY = "memory";

    /** A namespace as it should be; {@code zones} is null where it has none. */
    private record Wanted(NamespaceSpec spec, ZoneOptions zones) {
        @Override
        public String toString() {
            return zones == null ? spec.toString() : spec + ";" + zones;
        }
    }

    /** Where a subsystem that is complete goes; what it answers takes it back. */
    @FunctionalInterface
    interface Publisher {
        Runnable publish(NvmSubsystem subsystem);
    }

    private final Publisher publisher;
    private final Path reservationFolder;

    // Guarded by this.
    private final Map<String, List<BackendProvider>> backends = new HashMap<>();
    private final Map<Integer, Wanted> open = new TreeMap<>();
    private SubsystemSettings settings;
    private NvmSubsystem subsystem;
    private Runnable withdraw;

    /** @param reservationFolder where reservations are kept, or null */
    ConfiguredSubsystem(Publisher publisher, Path reservationFolder) {
        this.publisher = publisher;
        this.reservationFolder = reservationFolder;
    }

    synchronized void apply(SubsystemSettings next) {
        if (settings == null || !settings.isSameSubsystem(next)) {
            close();
            subsystem = new NvmSubsystem(next.nqn(), next.serial(), next.model(), reservationFolder);
        }
        settings = next;
        subsystem.restrict(next.access());
        var before = new TreeMap<Integer, Wanted>();
        for (var entry : List.copyOf(open.entrySet())) {
            if (!entry.getValue().equals(wanted(entry.getKey()))) {
                remove(entry.getKey());
                before.put(entry.getKey(), entry.getValue());
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
        if (subsystem != null) {
            openMissing();
        }
    }

    synchronized void removeBackend(BackendProvider backend) {
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
        return spec == null ? null : new Wanted(spec, settings.zones().get(nsid));
    }

    private static Namespace made(Wanted wanted, BackendProvider backend) {
        var namespace = backend.open(wanted.spec());
        if (wanted.zones() == null) {
            return namespace;
        }
        try {
            return new ZonedNamespace(namespace, wanted.zones());
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
            open.put(nsid, spec);
        } catch (IllegalArgumentException | UncheckedIOException said) {
            LOG.error("namespace {} ({}) of {} is left out: {}", nsid, spec, subsystem, said.getMessage());
        } catch (RuntimeException failed) {
            LOG.error("namespace {} ({}) of {} is left out", nsid, spec, subsystem, failed);
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
