package io.doorbell.pcie;

import io.doorbell.driver.AdminQueue;
import io.doorbell.driver.AdminThread;
import io.doorbell.driver.NamespaceReader;
import io.doorbell.driver.RetryPolicy;
import io.doorbell.driver.RunningController;
import io.doorbell.driver.TransferLimits;
import io.doorbell.driver.ZoneReader;
import io.doorbell.host.ControllerInfo;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.ControllerConfiguration;
import io.doorbell.nvme.Doorbell;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
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
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a controller from whatever state it is in to one that takes I/O: a straight sequence, run on a control thread.
 * NVMe Base 2.1 §3.5.1 "Memory-based Controller Initialization (PCIe)".
 */
final class BringUp {
    private static final Logger LOG = LoggerFactory.getLogger(BringUp.class);

    private static final int SUBMISSION_ENTRY_SHIFT = 6;
    private static final int COMPLETION_ENTRY_SHIFT = 4;

    /** SMART / health critical warnings, all of them. */
    private static final int EVENTS_SMART = 0x1F;

    private static final int EVENTS_OPTIONAL =
            AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES | AsyncEvent.CONFIG_FIRMWARE_ACTIVATION_NOTICES;

    private static final int KEEP_ALIVE_UNIT_MILLIS = 100;
    private static final int HOST_ID_128 = 1;

    /** Vendor specific byte 3: the stripe in pages, as a power of two. See {@link Quirk#STRIPES}. */
    private static final int STRIPE_OFFSET_BYTES = 3072 + 3;

    private static final int MOST_STRIPE_SHIFT = 16;
    private static final int HOST_BEHAVIOR_BYTES = 512;

    private final PciAccess access;
    private final ControllerRegisters registers;
    private final PcieOptions options;
    private final Set<Quirk> quirks;
    private final String name;
    private final MemorySegment identity = MemorySegment.ofArray(new byte[IdentifyController.SIZE_BYTES]);

    // Found out on the way.
    private ControllerCapabilities cap;
    private PcieAdminQueue admin;
    private AdminThread thread;

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
        cap = step("reading capabilities", this::checkedCapabilities);
        var readyBound = step("reading capabilities", () -> registers.readyBound(cap));
        perform("disabling", () -> registers.disable(readyBound));
        int entries = Math.min(adminQueueEntries(), cap.maxQueueEntries());
        admin = PcieAdminQueue.make(access, entries, cap.dstrd(), name, parts::adminQueueFailed);
        perform(
                "setting the admin queues",
                () -> registers.adminQueues(entries, entries, admin.submissionIova(), admin.completionIova()));
        perform("enabling", () -> registers.enable(configuration(), readyBound));
        thread = parts.startThread(admin);

        perform("identifying the controller", () -> {
            identify();
            checkIdentity();
        });
        int queuePairs = step("setting the number of queues", this::negotiateQueuePairs);
        perform("configuring asynchronous events", this::configureEvents);
        var shadows = optional("configuring doorbell buffers", () -> configureDoorbellBuffers(parts, queuePairs));
        optional("setting the host identifier", this::setHostIdentifier);
        var keepAlive = optional("setting the keep alive timer", this::setKeepAlive);
        var retry = optional("enabling retry delays", this::enableRetryDelays);
        var limits = limits();
        var reader = new NamespaceReader(
                admin,
                options.adminTimeout(),
                name,
                limits,
                attribute(IdentifyController.CTRATT_EXTENDED_LBA_FORMATS),
                zoneReader(limits));
        var namespaces = step("identifying namespaces", reader::read);

        var running = new RunningController(
                admin,
                thread,
                info(queuePairs, shadows != null, limits),
                reader,
                namespaces,
                limits,
                retry == null ? new RetryPolicy(options.retries(), 0, 0, 0) : retry,
                keepAlive == null ? Duration.ZERO : keepAlive,
                Math.min(AdminQueue.MAX_EVENT_REQUESTS, IdentifyController.AERL.get(identity) + 1),
                Duration.ofNanos(IdentifyController.RTD3E.unsigned(identity) * 1000));
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
            throw unusable("its smallest memory page has " + found.minPageBytes() + " bytes, this host's has "
                    + PrpMath.PAGE_BYTES);
        }
        if ((found.css() & (ControllerCapabilities.CSS_NVM | ControllerCapabilities.CSS_IO_COMMAND_SETS)) == 0) {
            throw unusable("it has no NVM command set, " + found);
        }
        // Of the admin queue and one more: their stride is the device's to say, their memory is as large as it is.
        if (Doorbell.shadowCompletionHeadOffset(1, found.dstrd()) + Doorbell.SIZE_BYTES
                > access.doorbells().byteSize()) {
            throw unusable("its doorbells, " + Doorbell.strideBytes(found.dstrd()) + " bytes apart, do not lie in the "
                    + access.doorbells().byteSize() + " bytes there are for them");
        }
        if (found.maxQueueEntries() < AdminQueue.MIN_ENTRIES) {
            throw unusable("its queues have at most " + found.maxQueueEntries() + " entries, at least "
                    + AdminQueue.MIN_ENTRIES + " are needed");
        }
        return found;
    }

    private ControllerConfiguration configuration() {
        return ControllerConfiguration.DISABLED
                .withCss(
                        hasCommandSets()
                                ? ControllerConfiguration.CSS_IO_COMMAND_SETS
                                : ControllerConfiguration.CSS_NVM)
                .withIosqes(SUBMISSION_ENTRY_SHIFT)
                .withIocqes(COMPLETION_ENTRY_SHIFT);
    }

    /** Whether there may be others than the NVM Command Set. */
    private boolean hasCommandSets() {
        return (cap.css() & ControllerCapabilities.CSS_IO_COMMAND_SETS) != 0;
    }

    /** Null where there are no zoned namespaces. */
    private ZoneReader zoneReader(TransferLimits limits) {
        if (!hasCommandSets()) {
            return null;
        }
        var zones = new ZoneReader(admin, options.adminTimeout(), limits.maxTransferBytes(), cap.minPageBytes());
        boolean zoned = Boolean.TRUE.equals(optional("choosing command sets", zones::choose));
        return zoned ? zones : null;
    }

    private void identify() {
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, 0);
        command.cdw10 = IdentifyCns.CONTROLLER;
        admin.execute(command, identity, options.adminTimeout());
    }

    private void checkIdentity() {
        int sqes = IdentifyController.SQES.get(identity);
        int cqes = IdentifyController.CQES.get(identity);
        if ((sqes & 0xF) > SUBMISSION_ENTRY_SHIFT || (cqes & 0xF) > COMPLETION_ENTRY_SHIFT) {
            throw unusable(String.format("it requires larger queue entries: sqes %02Xh, cqes %02Xh", sqes, cqes));
        }
    }

    /** NVMe Base 2.1 §5.1.25.2.1 "Number of Queues (Feature Identifier 07h)". */
    private int negotiateQueuePairs() {
        int wanted = Math.min(options.maxQueuePairs(), queuePairsWithDoorbells());
        var command = setFeatures(FeatureId.NUMBER_OF_QUEUES);
        command.cdw11 = wanted - 1 << 16 | wanted - 1;
        int granted = (int) admin.execute(command, null, options.adminTimeout());
        return Math.min(wanted, Math.min(granted & 0xFFFF, granted >>> 16) + 1);
    }

    private int queuePairsWithDoorbells() {
        long words = access.doorbells().byteSize() / Doorbell.strideBytes(cap.dstrd());
        return (int) Math.min(words / 2 - 1, Integer.MAX_VALUE);
    }

    /** NVMe Base 2.1 §5.1.25.1.5 "Asynchronous Event Configuration (Feature Identifier 0Bh)". */
    private void configureEvents() {
        var command = setFeatures(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION);
        command.cdw11 = EVENTS_SMART | IdentifyController.OAES.get(identity) & EVENTS_OPTIONAL;
        admin.execute(command, null, options.adminTimeout());
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
        boolean wide = attribute(IdentifyController.CTRATT_HOST_IDENTIFIER_128);
        if (options.hostId().isEmpty() || !wide) {
            return null;
        }
        UUID id = options.hostId().get();
        var data = MemorySegment.ofArray(new byte[16]);
        var bigEndian = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
        data.set(bigEndian, 0, id.getMostSignificantBits());
        data.set(bigEndian, 8, id.getLeastSignificantBits());
        var command = setFeatures(FeatureId.HOST_IDENTIFIER);
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
        var command = setFeatures(FeatureId.KEEP_ALIVE_TIMER);
        command.cdw11 = (int) Math.min(timeout, Integer.MAX_VALUE);
        admin.execute(command, null, options.adminTimeout());
        return Duration.ofMillis(timeout / 2);
    }

    /**
     * NVMe Base 2.1 §5.1.25.1.14 "Host Behavior Support (Feature Identifier 16h)", ACRE: without it the controller names no
     * delays, and does not interrupt commands.
     */
    private RetryPolicy enableRetryDelays() {
        int first = IdentifyController.CRDT1.get(identity);
        int second = IdentifyController.CRDT2.get(identity);
        int third = IdentifyController.CRDT3.get(identity);
        if (options.retries() == 0 || (first | second | third) == 0) {
            return null;
        }
        var data = MemorySegment.ofArray(new byte[HOST_BEHAVIOR_BYTES]);
        data.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
        admin.execute(setFeatures(FeatureId.HOST_BEHAVIOR_SUPPORT), data, options.adminTimeout());
        int unit = RetryPolicy.UNIT_MILLIS;
        return new RetryPolicy(options.retries(), first * unit, second * unit, third * unit);
    }

    private TransferLimits limits() {
        long mdts = PrpMath.maxTransferBytes(IdentifyController.MDTS.get(identity), cap.minPageBytes());
        boolean excluded = attribute(IdentifyController.CTRATT_MDTS_WITHOUT_METADATA)
                || quirks.contains(Quirk.MDTS_WITHOUT_METADATA);
        return new TransferLimits((int) Math.min(mdts, options.maxTransferBytes()), excluded, stripeBytes());
    }

    private int stripeBytes() {
        int shift = identity.get(ValueLayout.JAVA_BYTE, STRIPE_OFFSET_BYTES);
        return quirks.contains(Quirk.STRIPES) && shift > 0 && shift < MOST_STRIPE_SHIFT
                ? cap.minPageBytes() << shift
                : 0;
    }

    private boolean attribute(int ctratt) {
        return (IdentifyController.CTRATT.get(identity) & ctratt) != 0;
    }

    private ControllerInfo info(int queuePairs, boolean shadowDoorbells, TransferLimits limits) {
        return new ControllerInfo(
                IdentifyController.SN.get(identity),
                IdentifyController.MN.get(identity),
                IdentifyController.FR.get(identity),
                registers.vs().raw(),
                IdentifyController.CNTLID.get(identity),
                limits.maxTransferBytes(),
                queuePairs,
                cap.maxQueueEntries(),
                shadowDoorbells,
                identity.toArray(ValueLayout.JAVA_BYTE));
    }

    private static NvmCommand setFeatures(int fid) {
        var command = new NvmCommand().reset(AdminOpcode.SET_FEATURES, 0);
        command.cdw10 = fid;
        return command;
    }

    private NvmeException unusable(String why) {
        return new NvmeException(NvmeException.Kind.GIVE_UP, name, "cannot be driven: " + why);
    }

    private void perform(String what, Runnable action) {
        step(what, () -> {
            action.run();
            return null;
        });
    }

    private <T> T step(String what, Supplier<T> action) {
        try {
            return action.get();
        } catch (NvmeException e) {
            throw new NvmeException(
                    e.kind(), name + ", bring-up, " + what, e.getMessage() + " (" + registers.describe() + ")", e);
        }
    }

    /** A step the controller may refuse; null then. If it does not answer at all, that is no refusal. */
    private <T> T optional(String what, Supplier<T> action) {
        return step(what, () -> {
            try {
                return action.get();
            } catch (NvmeException e) {
                if (e.status().isEmpty()) {
                    throw e;
                }
                LOG.warn("{}, bring-up goes on without {}: {}", name, what, e.getMessage());
                return null;
            }
        });
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
