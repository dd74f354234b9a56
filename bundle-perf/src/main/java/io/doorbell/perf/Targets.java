package io.doorbell.perf;

import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.TransportId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;

/** Finds the namespaces that a run is to drive. Control plane. */
final class Targets {
    /** Drivers bring controllers up in the background: a command at the start of a node may be a moment early. */
    static final Duration APPEARANCE_BOUND = Duration.ofSeconds(10);

    /** Where all controllers are meant, the list has to stay the same for so long. */
    private static final Duration SETTLING = Duration.ofMillis(200);

    private static final Duration LOOK_AGAIN = Duration.ofMillis(10);

    private final ResourceManager resourceManager;
    private final PerfOptions options;
    private final Duration bound;

    /** @param bound how long controllers may take to appear */
    Targets(ResourceManager resourceManager, PerfOptions options, Duration bound) {
        this.resourceManager = resourceManager;
        this.options = options;
        this.bound = bound;
    }

    /**
     * Each namespace once, at least one.
     *
     * @throws PerfException when a controller or a namespace is not there, or cannot be driven with these options
     */
    List<Target> find() throws InterruptedException {
        var found = new LinkedHashMap<TransportId, Target>();
        if (options.targets().isEmpty()) {
            for (var controller : allControllers()) {
                add(found, controller, 0);
            }
        } else {
            for (var id : options.targets()) {
                add(found, controller(id.withoutNamespace()), id.ns());
            }
        }
        if (found.isEmpty()) {
            throw new PerfException("no active namespace on any controller");
        }
        if (options.protection() != BlockProtection.NONE
                && found.values().stream()
                        .noneMatch(each -> each.namespace().metadata().isProtected())) {
            throw new PerfException("-e: none of these namespaces has protection information: "
                    + String.join(
                            "; ", found.values().stream().map(Target::name).toList()));
        }
        return List.copyOf(found.values());
    }

    private NvmeController controller(TransportId id) throws InterruptedException {
        var deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            var controller = resourceManager.controller(id);
            if (controller.isPresent()) {
                return controller.get();
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new PerfException(
                        "no controller " + id + " within " + bound.toMillis() + " ms; there are: " + names());
            }
            Thread.sleep(LOOK_AGAIN);
        }
    }

    private List<NvmeController> allControllers() throws InterruptedException {
        var deadline = System.nanoTime() + bound.toNanos();
        var known = List.<TransportId>of();
        var knownSince = System.nanoTime();
        while (true) {
            var controllers = resourceManager.controllers();
            var now = System.nanoTime();
            var ids = controllers.stream().map(NvmeController::transportId).toList();
            if (!ids.equals(known)) {
                known = ids;
                knownSince = now;
            }
            if (!ids.isEmpty() && now - knownSince >= SETTLING.toNanos()) {
                return controllers.stream()
                        .sorted(Comparator.comparing(each -> each.transportId().toString()))
                        .toList();
            }
            if (now - deadline >= 0) {
                throw new PerfException("no NVMe controllers found within " + bound.toMillis() + " ms");
            }
            Thread.sleep(LOOK_AGAIN);
        }
    }

    private String names() {
        var ids = resourceManager.controllers().stream()
                .map(each -> each.transportId().toString())
                .sorted()
                .toList();
        return ids.isEmpty() ? "none" : String.join("; ", ids);
    }

    private void add(LinkedHashMap<TransportId, Target> found, NvmeController controller, int nsid) {
        var id = controller.transportId();
        var namespaces = new ArrayList<NvmeNamespace>();
        for (var namespace : controller.namespaces()) {
            if (nsid == 0 || nsid == namespace.nsid()) {
                namespaces.add(namespace);
            }
        }
        if (namespaces.isEmpty() && nsid != 0) {
            var active =
                    controller.namespaces().stream().map(NvmeNamespace::nsid).toList();
            throw new PerfException("no active namespace " + Integer.toUnsignedString(nsid) + " on "
                    + Target.controllerName(id) + "; active: " + (active.isEmpty() ? "none" : active));
        }
        for (var namespace : namespaces) {
            var target = new Target(
                    id,
                    namespace,
                    controller.info().maxTransferBytes(),
                    controller.info().maxQueueEntries());
            check(target);
            found.put(id.withNamespace(namespace.nsid()), target);
        }
    }

    private void check(Target target) {
        var namespace = target.namespace();
        if (options.ioBytes() % namespace.blockBytes() != 0) {
            throw new PerfException("-o " + options.ioBytes() + ": " + target.name() + " has blocks of "
                    + namespace.blockBytes() + " bytes: allowed: a multiple of it");
        }
        if (options.ioBytes() > namespace.byteSize()) {
            throw new PerfException("-o " + options.ioBytes() + ": " + target.name() + " has " + namespace.byteSize()
                    + " bytes: allowed: at most that");
        }
        var refusal = IoLayout.refusal(options, namespace);
        if (refusal != null) {
            throw new PerfException(target.name() + ": " + refusal);
        }
    }
}
