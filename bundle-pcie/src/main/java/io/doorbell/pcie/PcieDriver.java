package io.doorbell.pcie;

import io.doorbell.driver.ControllerKeeper;
import io.doorbell.driver.ControllerServices;
import io.doorbell.host.NvmeController;
import io.doorbell.pci.PciFunction;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
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

    /** Another driver, or our predecessor, may have to let go first: two minutes, longer than whoever has the function may take to close. */
    private static final ControllerKeeper.Patience PATIENCE =
            new ControllerKeeper.Patience(Duration.ofMillis(100), Duration.ofSeconds(10), 18, false);

    private final BundleContext context;
    private final PcieOptions options;
    private final Set<String> excluded;
    private final ConcurrentHashMap<PciFunction, ControllerKeeper> driven = new ConcurrentHashMap<>();

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
        driven.computeIfAbsent(function, this::keep);
    }

    void removeFunction(PciFunction function) {
        var gone = driven.remove(function);
        if (gone != null) {
            gone.close();
        }
    }

    @Deactivate
    void deactivate() {
        var keepers = List.copyOf(driven.values());
        driven.clear();
        ControllerKeeper.closeAll(keepers);
    }

    private ControllerKeeper keep(PciFunction function) {
        return new ControllerKeeper(
                function.address(), () -> PcieController.open(function, options), this::publish, PATIENCE);
    }

    private Runnable publish(NvmeController opened) {
        return ControllerServices.publish(context, opened);
    }
}
