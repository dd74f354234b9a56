package io.doorbell.pcie;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminThread;
import io.doorbell.driver.BringUpSteps;
import io.doorbell.driver.ControllerSetup;
import io.doorbell.driver.RunningController;
import io.doorbell.driver.TransferLimits;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.PrpMath;
import io.doorbell.nvme.SubmissionEntry;
import io.doorbell.pci.PciAccess;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a controller from whatever state it is in to one that takes I/O: a straight sequence, run on a control thread.
 * NVMe Base 2.1 §3.5.1 "Memory-based Controller Initialization (PCIe)".
 */
final class BringUp {
    private static final Logger LOG = LoggerFactory.getLogger(BringUp.class);

    private static final int KEEP_ALIVE_UNIT_MILLIS = 100;
    private static final int HOST_ID_128 = 1;

    /** Vendor specific byte 3: the stripe in pages, as a power of two. See {@link Quirk#STRIPES}. */
    private static final int STRIPE_OFFSET_BYTES = 3072 + 3;

    private static final int MOST_STRIPE_SHIFT = 16;

    private final PciAccess access;
    private final ControllerRegisters registers;
    private final PcieOptions options;
    private final Set<Quirk> quirks;
    private final String name;
    private final BringUpSteps steps;

    // Found out on the way.
    private ControllerCapabilities cap;
    private PcieAdminQueue admin;
    private AdminThread thread;
    private ControllerSetup setup;
    private MemorySegment identity;

    /**
     * A controller that runs, until it is disabled.
     *
     * @param shadows null where Doorbell Buffer Config is not in use
     */
    record Running(RunningController common, SglSupport sgl, DoorbellBuffers shadows, int dstrd) {}

    /** How the parts that differ between two runs are made. */
    interface Parts {
        AdminThread startThread(PcieAdminQueue queue);

        /** Cleared; the same ones at each reset. */
        DoorbellBuffers doorbellBuffers();

        void adminQueueFailed(String reason);

        /** The controller may still reach the admin queues, which are freed when this returns: it is to be cut off. */
        void cannotBeDisabled();
    }

    BringUp(PciAccess access, ControllerRegisters registers, PcieOptions options, Set<Quirk> quirks, String name) {
        this.quirks = quirks;
        this.access = access;
        this.registers = registers;
        this.options = options;
        this.name = name;
        steps = new BringUpSteps(name, registers::describe);
    }

    /**
     * Runs the sequence. When it throws, the controller is disabled, or cut off, and holds nothing of ours.
     *
     * @throws NvmeException naming the step, what was expected and what the registers say
     */
    Running run(Parts parts) {
        try {
            return sequence(parts);
        } catch (RuntimeException failed) {
            undo(parts, failed);
            throw failed;
        }
    }

    private Running sequence(Parts parts) {
        cap = steps.step("reading capabilities", this::checkedCapabilities);
        var readyBound = steps.step("reading capabilities", () -> registers.readyBound(cap));
        steps.perform("disabling", () -> registers.disable(readyBound));
        int entries = Math.min(adminQueueEntries(), cap.maxQueueEntries());
        admin = PcieAdminQueue.make(access, entries, cap.dstrd(), name, parts::adminQueueFailed);
        steps.perform(
                "setting the admin queues",
                () -> registers.adminQueues(entries, entries, admin.submissionIova(), admin.completionIova()));
        steps.perform("enabling", () -> registers.enable(configuration(), readyBound));
        thread = parts.startThread(admin);

        setup = new ControllerSetup(name, admin, cap, steps, options.adminTimeout());
        setup.identify();
        identity = setup.identity();
        int queuePairs = setup.negotiateQueuePairs(Math.min(options.maxQueuePairs(), queuePairsWithDoorbells()));
        setup.configureEvents();
        var shadows = steps.optional("configuring doorbell buffers", () -> configureDoorbellBuffers(parts, queuePairs));
        steps.optional("setting the host identifier", this::setHostIdentifier);
        var keepAlive = steps.optional("setting the keep alive timer", this::setKeepAlive);
        var retry = setup.retryPolicy(options.retries());
        var limits = limits();
        var running = setup.running(
                thread,
                setup.info(registers.vs().raw(), queuePairs, cap.maxQueueEntries(), shadows != null, limits),
                setup.namespaceReader(limits),
                limits,
                retry,
                keepAlive == null ? Duration.ZERO : keepAlive);
        var sgl = quirks.contains(Quirk.NO_SGLS)
                ? SglSupport.NONE
                : SglSupport.of(IdentifyController.SGLS.get(identity), options.sglFromBytes());
        return new Running(running, sgl, shadows, cap.dstrd());
    }

    private int adminQueueEntries() {
        int entries = options.adminQueueEntries();
        int page = PrpMath.PAGE_BYTES / SubmissionEntry.SIZE_BYTES;
        return quirks.contains(Quirk.ADMIN_QUEUES_IN_PAGES) ? Math.ceilDiv(entries, page) * page : entries;
    }

    private ControllerCapabilities checkedCapabilities() {
        var found = registers.cap();
        if (found.minPageBytes() > PrpMath.PAGE_BYTES) {
            throw steps.unusable("its smallest memory page has " + found.minPageBytes() + " bytes, this host's has "
                    + PrpMath.PAGE_BYTES);
        }
        if ((found.css() & (ControllerCapabilities.CSS_NVM | ControllerCapabilities.CSS_IO_COMMAND_SETS)) == 0) {
            throw steps.unusable("it has no NVM command set, " + found);
        }
        // Of the admin queue and one more: their stride is the device's to say, their memory is as large as it is.
        if (Doorbell.shadowCompletionHeadOffset(1, found.dstrd()) + Doorbell.SIZE_BYTES
                > access.doorbells().byteSize()) {
            throw steps.unusable("its doorbells, " + Doorbell.strideBytes(found.dstrd())
                    + " bytes apart, do not lie in the " + access.doorbells().byteSize() + " bytes there are for them");
        }
        if (found.maxQueueEntries() < AdminQueue.MIN_ENTRIES) {
            throw steps.unusable("its queues have at most " + found.maxQueueEntries() + " entries, at least "
                    + AdminQueue.MIN_ENTRIES + " are needed");
        }
        return found;
    }

    private ControllerConfiguration configuration() {
        return ControllerConfiguration.DISABLED
                .withCss(
                        ControllerSetup.hasCommandSets(cap)
                                ? ControllerConfiguration.CSS_IO_COMMAND_SETS
                                : ControllerConfiguration.CSS_NVM)
                .withIosqes(ControllerSetup.SUBMISSION_ENTRY_SHIFT)
                .withIocqes(ControllerSetup.COMPLETION_ENTRY_SHIFT);
    }

    private int queuePairsWithDoorbells() {
        long words = access.doorbells().byteSize() / Doorbell.strideBytes(cap.dstrd());
        return (int) Math.min(words / 2 - 1, Integer.MAX_VALUE);
    }

    private DoorbellBuffers configureDoorbellBuffers(Parts parts, int queuePairs) {
        boolean offered = (IdentifyController.OACS.get(identity) & IdentifyController.OACS_DOORBELL_BUFFER_CONFIG) != 0;
        if (!offered || !options.shadowDoorbells()) {
            return null;
        }
        if (!DoorbellBuffers.hold(queuePairs, cap.dstrd())) {
            LOG.info("{}: no shadow doorbells, one page does not hold {} queue pairs", name, queuePairs);
            return null;
        }
        var buffers = parts.doorbellBuffers();
        var command = new NvmCommand().reset(AdminOpcode.DOORBELL_BUFFER_CONFIG, 0);
        admin.executeWith(command, buffers.shadowIova(), buffers.eventIndexIova(), options.adminTimeout());
        return buffers;
    }

    /** NVMe Base 2.1 §5.1.25.1.28 "Host Identifier (Feature Identifier 81h)": sixteen bytes where they are supported. */
    private Void setHostIdentifier() {
        boolean wide = setup.attribute(IdentifyController.CTRATT_HOST_IDENTIFIER_128);
        if (options.hostId().isEmpty() || !wide) {
            return null;
        }
        UUID id = options.hostId().get();
        var data = MemorySegment.ofArray(new byte[16]);
        var bigEndian = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
        data.set(bigEndian, 0, id.getMostSignificantBits());
        data.set(bigEndian, 8, id.getLeastSignificantBits());
        var command = ControllerSetup.setFeatures(FeatureId.HOST_IDENTIFIER);
        command.cdw11 = HOST_ID_128;
        admin.execute(command, data, options.adminTimeout());
        return null;
    }

    /** NVMe Base 2.1 §5.1.25.1.8 "Keep Alive Timer (Feature Identifier 0Fh)". Returns the interval to send in. */
    private Duration setKeepAlive() {
        int granularity = IdentifyController.KAS.get(identity) * KEEP_ALIVE_UNIT_MILLIS;
        if (granularity == 0 || options.keepAlive().isZero()) {
            return Duration.ZERO;
        }
        long timeout = Math.ceilDiv(Math.max(1, options.keepAlive().toMillis()), granularity) * (long) granularity;
        var command = ControllerSetup.setFeatures(FeatureId.KEEP_ALIVE_TIMER);
        command.cdw11 = (int) Math.min(timeout, Integer.MAX_VALUE);
        admin.execute(command, null, options.adminTimeout());
        return Duration.ofMillis(timeout / 2);
    }

    private TransferLimits limits() {
        long mdts = setup.maxTransferBytes();
        boolean excluded = setup.attribute(IdentifyController.CTRATT_MDTS_WITHOUT_METADATA)
                || quirks.contains(Quirk.MDTS_WITHOUT_METADATA);
        return new TransferLimits((int) Math.min(mdts, options.maxTransferBytes()), excluded, stripeBytes());
    }

    private int stripeBytes() {
        int shift = identity.get(ValueLayout.JAVA_BYTE, STRIPE_OFFSET_BYTES);
        return quirks.contains(Quirk.STRIPES) && shift > 0 && shift < MOST_STRIPE_SHIFT
                ? cap.minPageBytes() << shift
                : 0;
    }

    private void undo(Parts parts, RuntimeException failed) {
        if (admin == null) {
            return;
        }
        admin.fail("bring-up failed");
        if (thread != null) {
            thread.close();
        }
        try {
            registers.disable(registers.readyBound(cap));
        } catch (RuntimeException e) {
            failed.addSuppressed(e);
            parts.cannotBeDisabled();
        }
        admin.close();
    }
}
