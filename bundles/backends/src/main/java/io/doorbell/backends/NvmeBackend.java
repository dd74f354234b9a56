package io.doorbell.backends;

import io.doorbell.host.NvmeController;
import io.doorbell.lease.ResourceManager;
import io.doorbell.nvme.TransportId;
import io.doorbell.storage.BackendProvider;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceSpec;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Kind {@code nvme}: a namespace on an NVMe controller of this node, whoever drives it, through queue pairs on lease. Size and
 * format are those it has there.
 */
public final class NvmeBackend implements BackendProvider {
    private static final String FORM = "nvme:transportId, such as nvme:trtype:PCIE traddr:0000:01:00.0 ns:1";

    /** From a namespace that could not be opened to the next look. */
    private static final long FIRST_PAUSE_MILLIS = 500;

    private static final long LAST_PAUSE_MILLIS = 60_000;

    private final ResourceManager resources;
    private final NvmeBackendOptions options;
    private final List<NvmeController> controllers = new CopyOnWriteArrayList<>();
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private final AtomicBoolean looksAgain = new AtomicBoolean();
    private final AtomicLong pauseMillis = new AtomicLong(FIRST_PAUSE_MILLIS);

    /** @param resources whose leases these are */
    public NvmeBackend(ResourceManager resources, NvmeBackendOptions options) {
        this.resources = resources;
        this.options = options;
    }

    @Override
    public String kind() {
        return "nvme";
    }

    /** A controller is there. */
    public void add(NvmeController controller) {
        controllers.add(controller);
        pauseMillis.set(FIRST_PAUSE_MILLIS);
        watchers.forEach(Thread::startVirtualThread);
    }

    /** It is gone; namespaces on it pause. */
    public void remove(NvmeController controller) {
        controllers.remove(controller);
    }

    @Override
    public boolean isThere(NamespaceSpec spec) {
        return controller(place(spec)).isPresent();
    }

    @Override
    public AutoCloseable onChange(Runnable changed) {
        watchers.add(changed);
        return () -> watchers.remove(changed);
    }

    @Override
    public Namespace open(NamespaceSpec spec) {
        var place = place(spec);
        var controller = controller(place)
                .orElseThrow(() -> new IllegalArgumentException("there is no controller "
                        + place.withoutNamespace() + "; there are "
                        + controllers.stream().map(NvmeController::transportId).toList()));
        try {
            var opened = new LeasedNamespace(resources, options, place, controller);
            pauseMillis.set(FIRST_PAUSE_MILLIS);
            return opened;
        } catch (IllegalArgumentException unservable) {
            throw unservable;
        } catch (RuntimeException unsaid) {
            lookAgain();
            throw unsaid;
        } catch (LinkageError replaced) {
            lookAgain();
            throw new IllegalStateException(
                    "the driver of " + place.withoutNamespace() + " is being replaced", replaced);
        }
    }

    /** It is in a reset, or its driver goes: nobody tells when that is over. Ever less often, since who asks a controller that does not answer has it reset. */
    private void lookAgain() {
        if (looksAgain.compareAndSet(false, true)) {
            long pause = pauseMillis.getAndUpdate(before -> Math.min(2 * before, LAST_PAUSE_MILLIS));
            Thread.ofVirtual().name("look for namespaces again").start(() -> {
                try {
                    Thread.sleep(pause);
                } catch (InterruptedException nobodyDoes) {
                    Thread.currentThread().interrupt();
                }
                looksAgain.set(false);
                watchers.forEach(Thread::startVirtualThread);
            });
        }
    }

    private Optional<NvmeController> controller(TransportId place) {
        return controllers.stream()
                .filter(each -> each.transportId().withoutNamespace().equals(place.withoutNamespace()))
                .findFirst();
    }

    private static TransportId place(NamespaceSpec spec) {
        if (!spec.isFound()) {
            throw new IllegalArgumentException(
                    "namespace " + spec + " has the size and format of its controller: " + FORM);
        }
        var place = TransportId.parse(spec.path());
        return place.hasNamespace() ? place : place.withNamespace(1);
    }
}
