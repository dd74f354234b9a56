package io.doorbell.driver;

import io.doorbell.host.ControllerInfo;
import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.ControllerCapabilities;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.PrpMath;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;

/** What every enabled controller is asked and told before it takes I/O: the part of a bring-up that is alike for all. Control plane. */
public final class ControllerSetup {
    public static final int SUBMISSION_ENTRY_SHIFT = 6;
    public static final int COMPLETION_ENTRY_SHIFT = 4;

    /** SMART / health critical warnings, all of them. */
    private static final int EVENTS_SMART = 0x1F;

    private static final int EVENTS_OPTIONAL =
            AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES | AsyncEvent.CONFIG_FIRMWARE_ACTIVATION_NOTICES;

    private static final int HOST_BEHAVIOR_BYTES = 512;

    private final String name;
    private final AdminQueue admin;
    private final ControllerCapabilities cap;
    private final BringUpSteps steps;
    private final Duration bound;
    private final MemorySegment identity = MemorySegment.ofArray(new byte[IdentifyController.SIZE_BYTES]);

    /** @param bound of one admin command */
    public ControllerSetup(
            String name, AdminQueue admin, ControllerCapabilities cap, BringUpSteps steps, Duration bound) {
        this.name = name;
        this.admin = admin;
        this.cap = cap;
        this.steps = steps;
        this.bound = bound;
    }

    /** Identify Controller, after {@link #identify}. */
    public MemorySegment identity() {
        return identity;
    }

    public void identify() {
        steps.perform("identifying the controller", () -> {
            var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, 0);
            command.cdw10 = IdentifyCns.CONTROLLER;
            admin.execute(command, identity, bound);
            int sqes = IdentifyController.SQES.get(identity);
            int cqes = IdentifyController.CQES.get(identity);
            if ((sqes & 0xF) > SUBMISSION_ENTRY_SHIFT || (cqes & 0xF) > COMPLETION_ENTRY_SHIFT) {
                throw steps.unusable(
                        String.format("it requires larger queue entries: sqes %02Xh, cqes %02Xh", sqes, cqes));
            }
        });
    }

    /** Whether there may be others than the NVM Command Set. */
    public static boolean hasCommandSets(ControllerCapabilities cap) {
        return (cap.css() & ControllerCapabilities.CSS_IO_COMMAND_SETS) != 0;
    }

    /** Returns as many as the controller grants. NVMe Base 2.1 §5.1.25.2.1 "Number of Queues (Feature Identifier 07h)". */
    public int negotiateQueuePairs(int wanted) {
        return steps.step("setting the number of queues", () -> {
            var command = setFeatures(FeatureId.NUMBER_OF_QUEUES);
            command.cdw11 = wanted - 1 << 16 | wanted - 1;
            int granted = (int) admin.execute(command, null, bound);
            return Math.min(wanted, Math.min(granted & 0xFFFF, granted >>> 16) + 1);
        });
    }

    /** NVMe Base 2.1 §5.1.25.1.5 "Asynchronous Event Configuration (Feature Identifier 0Bh)". */
    public void configureEvents() {
        steps.perform("configuring asynchronous events", () -> {
            var command = setFeatures(FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION);
            command.cdw11 = EVENTS_SMART | IdentifyController.OAES.get(identity) & EVENTS_OPTIONAL;
            admin.execute(command, null, bound);
        });
    }

    /**
     * NVMe Base 2.1 §5.1.25.1.14 "Host Behavior Support (Feature Identifier 16h)", ACRE: without it the controller names no
     * delays, and does not interrupt commands.
     *
     * @param retries times that a command is given to the controller again
     */
    public RetryPolicy retryPolicy(int retries) {
        var withDelays = steps.optional("enabling retry delays", () -> enableRetryDelays(retries));
        return withDelays == null ? new RetryPolicy(retries, 0, 0, 0) : withDelays;
    }

    private RetryPolicy enableRetryDelays(int retries) {
        int first = IdentifyController.CRDT1.get(identity);
        int second = IdentifyController.CRDT2.get(identity);
        int third = IdentifyController.CRDT3.get(identity);
        if (retries == 0 || (first | second | third) == 0) {
            return null;
        }
        var data = MemorySegment.ofArray(new byte[HOST_BEHAVIOR_BYTES]);
        data.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
        admin.execute(setFeatures(FeatureId.HOST_BEHAVIOR_SUPPORT), data, bound);
        int unit = RetryPolicy.UNIT_MILLIS;
        return new RetryPolicy(retries, first * unit, second * unit, third * unit);
    }

    /** MDTS, in bytes. */
    public long maxTransferBytes() {
        return PrpMath.maxTransferBytes(IdentifyController.MDTS.get(identity), cap.minPageBytes());
    }

    public boolean attribute(int ctratt) {
        return (IdentifyController.CTRATT.get(identity) & ctratt) != 0;
    }

    /** Chooses command sets, so call it once. */
    public NamespaceReader namespaceReader(TransferLimits limits) {
        return new NamespaceReader(
                admin,
                bound,
                name,
                limits,
                attribute(IdentifyController.CTRATT_EXTENDED_LBA_FORMATS),
                zoneReader(limits));
    }

    /** Null where there are no zoned namespaces. */
    private ZoneReader zoneReader(TransferLimits limits) {
        if (!hasCommandSets(cap)) {
            return null;
        }
        var zones = new ZoneReader(admin, bound, limits.maxTransferBytes(), cap.minPageBytes());
        boolean zoned = Boolean.TRUE.equals(steps.optional("choosing command sets", zones::choose));
        return zoned ? zones : null;
    }

    /** What it is once all is done. */
    public RunningController running(
            AdminThread thread,
            ControllerInfo info,
            NamespaceReader reader,
            TransferLimits limits,
            RetryPolicy retry,
            Duration keepAlive) {
        return new RunningController(
                admin,
                thread,
                info,
                reader,
                steps.step("identifying namespaces", reader::read),
                limits,
                retry,
                keepAlive,
                attribute(IdentifyController.CTRATT_TRAFFIC_BASED_KEEP_ALIVE),
                Math.min(AdminQueue.MAX_EVENT_REQUESTS, IdentifyController.AERL.get(identity) + 1),
                Duration.ofNanos(IdentifyController.RTD3E.unsigned(identity) * 1000));
    }

    public ControllerInfo info(
            int version, int queuePairs, int maxQueueEntries, boolean shadowDoorbells, TransferLimits limits) {
        return new ControllerInfo(
                IdentifyController.SN.get(identity),
                IdentifyController.MN.get(identity),
                IdentifyController.FR.get(identity),
                version,
                IdentifyController.CNTLID.get(identity),
                limits.maxTransferBytes(),
                queuePairs,
                maxQueueEntries,
                shadowDoorbells,
                identity.toArray(ValueLayout.JAVA_BYTE));
    }

    public static NvmCommand setFeatures(int fid) {
        var command = new NvmCommand().reset(AdminOpcode.SET_FEATURES, 0);
        command.cdw10 = fid;
        return command;
    }
}
