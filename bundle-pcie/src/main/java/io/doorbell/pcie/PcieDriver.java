package io.doorbell.pcie;

import io.doorbell.host.NvmeController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.pci.PciFunction;
import java.time.Duration;
import java.util.Arrays;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * In a container: drives each NVMe function that is there, and registers its {@link NvmeController} while it is up. When a
 * function goes, or this component does, the service goes first, so that the resource manager takes its leases back from a
 * controller that still answers; then the controller is closed.
 */
@Component(
        immediate = true,
        service = {},
        configurationPid = "io.doorbell.pcie")
@Designate(ocd = PcieDriver.Config.class)
public final class PcieDriver {
    private static final Logger LOG = LoggerFactory.getLogger(PcieDriver.class);

    /** The file {@code config/io.doorbell.pcie.cfg}. */
    @ObjectClassDefinition(name = "NVMe over PCI", description = "How bundle-pcie drives the controllers it finds")
    public @interface Config {
        @AttributeDefinition(
                name = "Admin timeout",
                description = "Milliseconds. An admin command that takes longer is aborted; if that does not help, the"
                        + " controller is reset.",
                min = "100",
                max = "600000")
        long admin_timeout_ms() default 10_000;

        @AttributeDefinition(
                name = "I/O timeout",
                description = "Milliseconds. The same for reads, writes and their kin. 0 waits for ever.",
                min = "0",
                max = "600000")
        long io_timeout_ms() default 30_000;

        @AttributeDefinition(
                name = "Ready timeout",
                description =
                        "Milliseconds. The longest wait for a controller to be enabled or disabled. It says itself"
                                + " how long it takes; that is not waited for when it is longer.",
                min = "500",
                max = "600000")
        long ready_timeout_ms() default 120_000;

        @AttributeDefinition(
                name = "Admin queue entries",
                description = "Entries of the admin queues.",
                min = "16",
                max = "4096")
        int admin_queue_entries() default 64;

        @AttributeDefinition(
                name = "Shadow doorbells",
                description =
                        "Whether Doorbell Buffer Config is used where a controller offers it (emulated and virtual"
                                + " ones do): doorbells are then memory, and the device is woken only when it asks for it.")
        boolean shadow_doorbells() default true;

        @AttributeDefinition(
                name = "Interrupts of the admin queue",
                description =
                        "Whether the driver's thread sleeps until the admin queue interrupts, where the function can,"
                                + " instead of polling it while a command is out.")
        boolean admin_interrupts() default false;

        @AttributeDefinition(
                name = "Longest transfer",
                description = "KiB. Longer reads and writes are split. Controllers may set a lower limit (MDTS).",
                min = "4",
                max = "2048")
        int max_transfer_kib() default 2048;

        @AttributeDefinition(
                name = "SGLs",
                description =
                        "KiB. Data in one piece, so long or longer, is described by an SGL where a controller has them,"
                                + " which takes one descriptor instead of a PRP list. 0: only what PRPs cannot describe.",
                min = "0",
                max = "2048")
        int sgl_from_kib() default 32;

        @AttributeDefinition(
                name = "Retries of I/O",
                description =
                        "Times that a command is given to a controller again which says that this may help (namespace"
                                + " not ready, format in progress, internal path error, interrupted), when it says so. 0: never.",
                min = "0",
                max = "255")
        int io_retries() default 4;

        @AttributeDefinition(
                name = "Queue pairs",
                description = "Queue pairs asked of each controller; it may grant fewer.",
                min = "1",
                max = "65534")
        int max_queue_pairs() default 128;

        @AttributeDefinition(
                name = "DMA memory",
                description = "MiB. The most memory for data at once, over all leases of a controller.",
                min = "1",
                max = "1048576")
        long max_dma_mib() default 4096;

        @AttributeDefinition(
                name = "Keep alive",
                description =
                        "Milliseconds. Keep Alive Timeout set where a controller has the feature; the controller fails"
                                + " when this node falls silent for so long. 0 sets none.",
                min = "0",
                max = "600000")
        long keep_alive_ms() default 0;

        @AttributeDefinition(
                name = "Host identifier",
                description =
                        "UUID that names this host to controllers which share a subsystem, for reservations. Empty"
                                + " sets none.")
        String host_id() default "";

        @AttributeDefinition(
                name = "Excluded functions",
                description = "Addresses of PCI functions that are left alone: 0000:01:00.0, or the name of an emulated"
                        + " device.")
        String[] exclude() default {};
    }

    private final BundleContext context;
    private final PcieOptions options;
    private final Set<String> excluded;
    private final ConcurrentHashMap<PciFunction, DrivenFunction> driven = new ConcurrentHashMap<>();

    @Activate
    public PcieDriver(BundleContext context, Config config) {
        this.context = context;
        options = options(config);
        excluded = Arrays.stream(config.exclude()).collect(Collectors.toUnmodifiableSet());
    }

    static PcieOptions options(Config config) {
        return new PcieOptions(
                Duration.ofMillis(config.admin_timeout_ms()),
                Duration.ofMillis(config.io_timeout_ms()),
                Duration.ofMillis(config.ready_timeout_ms()),
                config.admin_queue_entries(),
                config.shadow_doorbells(),
                config.max_transfer_kib() * 1024,
                config.max_queue_pairs(),
                config.max_dma_mib() << 20,
                Duration.ofMillis(config.keep_alive_ms()),
                hostId(config.host_id()),
                config.admin_interrupts(),
                config.sgl_from_kib() * 1024,
                config.io_retries());
    }

    private static Optional<UUID> hostId(String text) {
        try {
            return text.isBlank() ? Optional.empty() : Optional.of(UUID.fromString(text.strip()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "io.doorbell.pcie: host.id \"" + text + "\" is no UUID, as in 01234567-89ab-cdef-0123-456789abcdef",
                    e);
        }
    }

    @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
    void addFunction(PciFunction function) {
        if (!function.identity().isNvme()) {
            return;
        }
        if (excluded.contains(function.address())) {
            LOG.info("{} is left alone: it is in the list \"exclude\" of io.doorbell.pcie", function.address());
            return;
        }
        driven.computeIfAbsent(function, DrivenFunction::new);
    }

    void removeFunction(PciFunction function) {
        var gone = driven.remove(function);
        if (gone != null) {
            gone.close();
        }
    }

    @Deactivate
    void deactivate() {
        // Side by side: each may take as long as its controller's shutdown.
        var closing = driven.values().stream()
                .map(function -> Thread.ofVirtual().start(function::close))
                .toList();
        driven.clear();
        for (var thread : closing) {
            DrivenFunction.join(thread, DrivenFunction.CLOSE_BOUND);
        }
    }

    /** One function from when it came to when it goes. */
    private final class DrivenFunction {
        /** Shutdown notification, disabling and a bring-up that has to end first, each with bounds of their own. */
        static final Duration CLOSE_BOUND = Duration.ofSeconds(60);

        private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
        private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

        /** Two minutes: longer than whoever has the function may take to close. */
        private static final int MOST_ATTEMPTS = 18;

        private final PciFunction function;
        private final CountDownLatch closing = new CountDownLatch(1);
        private final Thread bringUp;

        // Guarded by this, and so is the step of closing.
        private PcieController controller;
        private ServiceRegistration<NvmeController> registration;

        DrivenFunction(PciFunction function) {
            this.function = function;
            // Not on the thread of the service registry: a controller may take seconds to become ready.
            bringUp = Thread.ofVirtual()
                    .name("nvme-" + function.address() + "-bring-up")
                    .start(this::open);
        }

        private void open() {
            var opened = openSoonerOrLater();
            if (opened != null && !publish(opened)) {
                opened.close();
            }
        }

        /** Null when it is not usable, or goes before it is. Another driver, or our predecessor, may have to let go first. */
        private PcieController openSoonerOrLater() {
            var pause = FIRST_PAUSE;
            for (int attempt = 1; ; attempt++) {
                try {
                    return PcieController.open(function, options);
                } catch (RuntimeException e) {
                    boolean hopeless =
                            e instanceof NvmeException refused && refused.kind() == NvmeException.Kind.GIVE_UP;
                    if (hopeless || attempt == MOST_ATTEMPTS) {
                        LOG.error("{} is not usable: {}", function.address(), e.getMessage(), e);
                        return null;
                    }
                    LOG.warn(
                            "{} is not usable, and tried again in {} ms: {}",
                            function.address(),
                            pause.toMillis(),
                            e.getMessage());
                }
                if (closedWithin(pause)) {
                    return null;
                }
                pause = pause.compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
            }
        }

        private boolean closedWithin(Duration pause) {
            try {
                return closing.await(pause.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return true;
            }
        }

        /** Without a lock: those who bind the service do what they like. */
        private boolean publish(PcieController opened) {
            if (closing.getCount() == 0) {
                return false;
            }
            ServiceRegistration<NvmeController> published;
            try {
                published = context.registerService(NvmeController.class, opened, properties(opened));
            } catch (IllegalStateException e) {
                // This bundle is stopping; close() comes, or has nothing left to do.
                return false;
            }
            synchronized (this) {
                if (closing.getCount() > 0) {
                    controller = opened;
                    registration = published;
                    return true;
                }
            }
            unregister(published);
            return false;
        }

        private Dictionary<String, Object> properties(PcieController opened) {
            var properties = new Hashtable<String, Object>();
            properties.put(NvmeController.TRID_PROPERTY, opened.transportId().toString());
            return properties;
        }

        void close() {
            ServiceRegistration<NvmeController> published;
            PcieController toClose;
            synchronized (this) {
                closing.countDown();
                published = registration;
                toClose = controller;
                registration = null;
                controller = null;
            }
            unregister(published);
            if (toClose != null) {
                toClose.close();
            }
            if (Thread.currentThread() != bringUp) {
                join(bringUp, CLOSE_BOUND);
            }
        }

        private void unregister(ServiceRegistration<NvmeController> published) {
            if (published == null) {
                return;
            }
            try {
                // Returns when everybody has heard of it: the resource manager has its leases back then.
                published.unregister();
            } catch (IllegalStateException e) {
                LOG.debug("{}: unregistered already", function.address());
            }
        }

        static void join(Thread thread, Duration bound) {
            try {
                if (!thread.join(bound)) {
                    LOG.warn("{} did not end within {} s", thread.getName(), bound.toSeconds());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
