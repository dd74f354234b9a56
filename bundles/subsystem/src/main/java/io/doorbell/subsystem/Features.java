package io.doorbell.subsystem;

import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.ControllerSetup;
import io.doorbell.target.HostIdentity;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Get and Set Features of one controller. NVMe Base 2.1 §5.1.11 "Get Features command", §5.1.25 "Set Features command".
 *
 * <p>Nothing is saveable: a reset brings the defaults back, and Set Features with SV is refused. Owner: the controller,
 * under its lock.
 */
final class Features {
    /** Get Features, Supported Capabilities. */
    private static final int NAMESPACE_SPECIFIC = 2;

    private static final int CHANGEABLE = 4;

    /** What the host may ask to be told of: SMART warnings, namespaces that come and go, firmware. */
    private static final int EVENT_BITS =
            0x1F | AsyncEvent.CONFIG_NAMESPACE_ATTRIBUTE_NOTICES | AsyncEvent.CONFIG_FIRMWARE_ACTIVATION_NOTICES;

    private static final int BROADCAST = -1;
    private static final int TIMESTAMP_BYTES = 8;
    private static final long TIMESTAMP_MASK = (1L << 48) - 1;
    /** Timestamp Origin 001b: set by Set Features. */
    private static final long TIMESTAMP_SET = 1L << 49;

    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final ControllerSetup setup;
    private final HostIdentity identity;
    private final BooleanSupplier volatileCache;
    private final InstantSource clock;

    private final Map<Integer, Integer> errorRecovery = new HashMap<>();
    private final Map<Integer, Integer> vectors = new HashMap<>();
    private int arbitration;
    private int overTemperature;
    private int underTemperature;
    private int queues;
    private int coalescing;
    private int writeAtomicity;
    private int events;
    private int keepAliveMillis;
    private final byte[] hostId = new byte[16];
    private boolean wideHostId;
    private long timestampBase;
    private long timestampSetAtMillis;
    private boolean timestampSet;

    Features(ControllerSetup setup, HostIdentity identity, BooleanSupplier volatileCache, InstantSource clock) {
        this.setup = setup;
        this.identity = identity;
        this.volatileCache = volatileCache;
        this.clock = clock;
        reset();
    }

    /** The defaults, as after a controller level reset. */
    void reset() {
        errorRecovery.clear();
        vectors.clear();
        arbitration = 7; // No limit to a burst: AB 111b.
        overTemperature = IdentifyPages.WARNING_KELVIN;
        underTemperature = 0;
        queues = allQueues();
        coalescing = 0;
        writeAtomicity = 0;
        events = 0;
        keepAliveMillis = 0;
        var id = MemorySegment.ofArray(hostId);
        id.set(LE64, 0, identity.idLow());
        id.set(LE64, 8, identity.idHigh());
        wideHostId = identity.hasId();
        timestampSet = false;
        timestampBase = 0;
        timestampSetAtMillis = clock.millis();
    }

    private int allQueues() {
        int zeroBased = setup.maxIoQueuePairs() - 1;
        return zeroBased | zeroBased << 16;
    }

    int grantedIoQueuePairs() {
        return Math.min(queues & 0xFFFF, queues >>> 16) + 1;
    }

    int keepAliveMillis() {
        return keepAliveMillis;
    }

    /** Whether the host wants events of this kind, by its bit of Asynchronous Event Configuration. */
    boolean wants(int eventBit) {
        return (events & eventBit) != 0;
    }

    int overTemperature() {
        return overTemperature;
    }

    int underTemperature() {
        return underTemperature;
    }

    /** Bytes the command moves, to the host for Get Features. */
    static int dataBytes(NvmRequest request, boolean set) {
        if (!set && select(request) == FeatureId.Select.SUPPORTED_CAPABILITIES) {
            return 0;
        }
        return switch (request.cdw10 & 0xFF) {
            case FeatureId.TIMESTAMP -> TIMESTAMP_BYTES;
            case FeatureId.HOST_IDENTIFIER -> (request.cdw11 & 1) != 0 ? 16 : 8;
            default -> 0;
        };
    }

    private static int select(NvmRequest request) {
        return request.cdw10 >> 8 & 7;
    }

    int get(NvmRequest request) {
        int fid = request.cdw10 & 0xFF;
        int capabilities = capabilities(fid);
        int select = select(request);
        if (capabilities < 0 || select > FeatureId.Select.SUPPORTED_CAPABILITIES) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (select == FeatureId.Select.SUPPORTED_CAPABILITIES) {
            request.result = capabilities;
            return Status.SUCCESS;
        }
        // Nothing is saveable, and then the saved value is the default.
        boolean current = select == FeatureId.Select.CURRENT;
        return current ? getCurrent(fid, request) : getDefault(fid, request);
    }

    boolean isSupported(int fid) {
        return capabilities(fid) >= 0;
    }

    /** Capabilities of a feature, -1 where it is not supported. */
    private int capabilities(int fid) {
        return switch (fid) {
            case FeatureId.ARBITRATION,
                    FeatureId.POWER_MANAGEMENT,
                    FeatureId.TEMPERATURE_THRESHOLD,
                    FeatureId.NUMBER_OF_QUEUES,
                    FeatureId.WRITE_ATOMICITY_NORMAL,
                    FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION,
                    FeatureId.KEEP_ALIVE_TIMER,
                    FeatureId.HOST_IDENTIFIER,
                    FeatureId.IO_COMMAND_SET_PROFILE,
                    FeatureId.TIMESTAMP -> CHANGEABLE;
            case FeatureId.ERROR_RECOVERY -> CHANGEABLE | NAMESPACE_SPECIFIC;
            case FeatureId.VOLATILE_WRITE_CACHE -> volatileCache.getAsBoolean() ? 0 : -1;
            case FeatureId.INTERRUPT_COALESCING, FeatureId.INTERRUPT_VECTOR_CONFIGURATION ->
                setup.pci() ? CHANGEABLE : -1;
            default -> -1;
        };
    }

    private int getCurrent(int fid, NvmRequest request) {
        switch (fid) {
            case FeatureId.ARBITRATION -> request.result = arbitration;
            case FeatureId.POWER_MANAGEMENT -> request.result = 0;
            case FeatureId.TEMPERATURE_THRESHOLD -> {
                return getTemperature(request, overTemperature, underTemperature);
            }
            case FeatureId.ERROR_RECOVERY -> {
                if (request.nsid == BROADCAST || request.nsid == 0) {
                    return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
                }
                request.result = errorRecovery.getOrDefault(request.nsid, 0);
            }
            case FeatureId.VOLATILE_WRITE_CACHE -> request.result = 1;
            case FeatureId.NUMBER_OF_QUEUES -> request.result = Integer.toUnsignedLong(queues);
            case FeatureId.INTERRUPT_COALESCING -> request.result = coalescing;
            case FeatureId.INTERRUPT_VECTOR_CONFIGURATION -> {
                int vector = request.cdw11 & 0xFFFF;
                if (vector > setup.maxIoQueuePairs()) {
                    return Status.INVALID_FIELD | Status.DNR;
                }
                request.result = vector | vectors.getOrDefault(vector, 0);
            }
            case FeatureId.WRITE_ATOMICITY_NORMAL -> request.result = writeAtomicity;
            case FeatureId.IO_COMMAND_SET_PROFILE -> request.result = 0;
            case FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION -> request.result = events;
            case FeatureId.KEEP_ALIVE_TIMER -> request.result = Integer.toUnsignedLong(keepAliveMillis);
            case FeatureId.HOST_IDENTIFIER -> {
                boolean wide = (request.cdw11 & 1) != 0;
                if (wide != wideHostId && !isZero(hostId)) {
                    return Status.HOST_IDENTIFIER_INCONSISTENT_FORMAT | Status.DNR;
                }
                request.copyToHost(0, MemorySegment.ofArray(hostId), 0, wide ? 16 : 8);
            }
            case FeatureId.TIMESTAMP ->
                putTimestamp(
                        request,
                        (timestampBase + clock.millis() - timestampSetAtMillis & TIMESTAMP_MASK)
                                | (timestampSet ? TIMESTAMP_SET : 0));
            default -> throw new IllegalStateException("feature " + FeatureId.name(fid) + " has no value");
        }
        return Status.SUCCESS;
    }

    private int getDefault(int fid, NvmRequest request) {
        switch (fid) {
            case FeatureId.ARBITRATION -> request.result = 7;
            case FeatureId.TEMPERATURE_THRESHOLD -> {
                return getTemperature(request, IdentifyPages.WARNING_KELVIN, 0);
            }
            case FeatureId.VOLATILE_WRITE_CACHE -> request.result = 1;
            case FeatureId.NUMBER_OF_QUEUES -> request.result = Integer.toUnsignedLong(allQueues());
            case FeatureId.INTERRUPT_VECTOR_CONFIGURATION -> request.result = request.cdw11 & 0xFFFF;
            case FeatureId.HOST_IDENTIFIER ->
                request.copyToHost(0, MemorySegment.ofArray(new byte[16]), 0, (request.cdw11 & 1) != 0 ? 16 : 8);
            case FeatureId.TIMESTAMP -> putTimestamp(request, 0);
            default -> request.result = 0;
        }
        return Status.SUCCESS;
    }

    private static int getTemperature(NvmRequest request, int over, int under) {
        int sensor = request.cdw11 >> 16 & 0xF;
        int kind = request.cdw11 >> 20 & 3;
        if (sensor != 0 || kind > 1) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        request.result = kind == 0 ? over : under;
        return Status.SUCCESS;
    }

    private static void putTimestamp(NvmRequest request, long value) {
        var data = MemorySegment.ofArray(new byte[TIMESTAMP_BYTES]);
        data.set(LE64, 0, value);
        request.copyToHost(0, data, 0, TIMESTAMP_BYTES);
    }

    int set(NvmRequest request) {
        int fid = request.cdw10 & 0xFF;
        int value = request.cdw11;
        int capabilities = capabilities(fid);
        if (capabilities < 0) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if ((request.cdw10 & FeatureId.SAVE) != 0) {
            return Status.FEATURE_NOT_SAVEABLE | Status.DNR;
        }
        if ((capabilities & NAMESPACE_SPECIFIC) == 0 && request.nsid != 0 && request.nsid != BROADCAST) {
            return Status.FEATURE_NOT_NAMESPACE_SPECIFIC | Status.DNR;
        }
        return store(fid, value, request);
    }

    private int store(int fid, int value, NvmRequest request) {
        switch (fid) {
            case FeatureId.ARBITRATION -> arbitration = value;
            case FeatureId.POWER_MANAGEMENT -> {
                // There is power state 0 and no other.
                if ((value & 0x1F) != 0) {
                    return Status.INVALID_FIELD | Status.DNR;
                }
            }
            case FeatureId.TEMPERATURE_THRESHOLD -> {
                return setTemperature(value);
            }
            case FeatureId.ERROR_RECOVERY -> {
                return setErrorRecovery(request.nsid, value);
            }
            case FeatureId.VOLATILE_WRITE_CACHE -> {
                // Always on: to honour a change, every path would have to force every write.
                if ((value & 1) == 0) {
                    return Status.FEATURE_NOT_CHANGEABLE | Status.DNR;
                }
            }
            case FeatureId.NUMBER_OF_QUEUES -> {
                return setQueues(request);
            }
            case FeatureId.INTERRUPT_COALESCING -> coalescing = value & 0xFFFF;
            case FeatureId.INTERRUPT_VECTOR_CONFIGURATION -> {
                if ((value & 0xFFFF) > setup.maxIoQueuePairs()) {
                    return Status.INVALID_FIELD | Status.DNR;
                }
                vectors.put(value & 0xFFFF, value & 1 << 16);
            }
            case FeatureId.WRITE_ATOMICITY_NORMAL -> writeAtomicity = value & 1;
            case FeatureId.IO_COMMAND_SET_PROFILE -> {
                // There is one combination, with all there are.
                if ((value & 0x1FF) != 0) {
                    return Status.IO_COMMAND_SET_COMBINATION_REJECTED | Status.DNR;
                }
            }
            case FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION -> events = value & eventBits();
            case FeatureId.KEEP_ALIVE_TIMER -> {
                return setKeepAlive(value);
            }
            case FeatureId.HOST_IDENTIFIER -> {
                return setHostId(request);
            }
            case FeatureId.TIMESTAMP -> {
                var data = MemorySegment.ofArray(new byte[TIMESTAMP_BYTES]);
                request.copyFromHost(0, data, 0, TIMESTAMP_BYTES);
                timestampBase = data.get(LE64, 0) & TIMESTAMP_MASK;
                timestampSetAtMillis = clock.millis();
                timestampSet = true;
            }
            default -> throw new IllegalStateException("feature " + FeatureId.name(fid) + " cannot be set");
        }
        return Status.SUCCESS;
    }

    private int eventBits() {
        return setup.pci() ? EVENT_BITS : EVENT_BITS | AsyncEvent.CONFIG_ANA_CHANGE_NOTICES;
    }

    private int setTemperature(int value) {
        int sensor = value >> 16 & 0xF;
        int kind = value >> 20 & 3;
        // Sensor 0 is the composite temperature, 15 all sensors; there is no other.
        if ((sensor != 0 && sensor != 0xF) || kind > 1) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (kind == 0) {
            overTemperature = value & 0xFFFF;
        } else {
            underTemperature = value & 0xFFFF;
        }
        return Status.SUCCESS;
    }

    private int setErrorRecovery(int nsid, int value) {
        boolean deallocatedErrors = (value & 1 << 16) != 0;
        if (deallocatedErrors) {
            return Status.INVALID_FIELD | Status.DNR; // NSFEAT.DAE is not set.
        }
        if (nsid == BROADCAST) {
            for (int i = 1; i <= NvmSubsystem.MAX_NSID; i++) {
                errorRecovery.put(i, value & 0xFFFF);
            }
        } else if (nsid < 1 || nsid > NvmSubsystem.MAX_NSID) {
            return Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        } else {
            errorRecovery.put(nsid, value & 0xFFFF);
        }
        return Status.SUCCESS;
    }

    /** Grants what is asked for, up to what there is. NVMe Base 2.1 §5.1.25.1.7 "Number of Queues". */
    private int setQueues(NvmRequest request) {
        int submission = request.cdw11 & 0xFFFF;
        int completion = request.cdw11 >>> 16;
        if (submission == 0xFFFF || completion == 0xFFFF) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        int most = setup.maxIoQueuePairs() - 1;
        queues = Math.min(submission, most) | Math.min(completion, most) << 16;
        request.result = Integer.toUnsignedLong(queues);
        return Status.SUCCESS;
    }

    private int setKeepAlive(int millis) {
        if (millis < 0 || millis > IdentifyPages.MAX_KEEP_ALIVE_MILLIS) {
            return Status.KEEP_ALIVE_TIMEOUT_INVALID | Status.DNR; // 24 days and more.
        }
        keepAliveMillis =
                Math.ceilDiv(millis, IdentifyPages.KEEP_ALIVE_UNIT_MILLIS) * IdentifyPages.KEEP_ALIVE_UNIT_MILLIS;
        return Status.SUCCESS;
    }

    private int setHostId(NvmRequest request) {
        if (!setup.pci()) {
            return Status.COMMAND_SEQUENCE_ERROR | Status.DNR; // Fabrics: Connect told it, and that stands.
        }
        var given = new byte[16];
        boolean wide = (request.cdw11 & 1) != 0;
        request.copyFromHost(0, MemorySegment.ofArray(given), 0, wide ? 16 : 8);
        if (isZero(given)) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        System.arraycopy(given, 0, hostId, 0, hostId.length);
        wideHostId = wide;
        return Status.SUCCESS;
    }

    /** As the host has told it. */
    HostId hostId() {
        var id = MemorySegment.ofArray(hostId);
        return new HostId(id.get(LE64, 0), id.get(LE64, 8), wideHostId, 0);
    }

    private static boolean isZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }
}
