package io.doorbell.subsystem;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AnaLog;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.AccessState;
import io.doorbell.target.AccessStates;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.TreeMap;

/**
 * How one controller reaches the ANA groups of its namespaces, and how often that has changed. NVMe Base 2.1 §8.1.1 "Asymmetric
 * Namespace Access Reporting".
 *
 * <p>Any thread reads; the controller changes it, under its lock.
 */
final class ControllerAccess {
    /** ANATT: how long a host waits for the state Change to end. */
    static final int TRANSITION_SECONDS = 10;

    static final int LOG_BYTES = AnaLog.sizeBytes(AccessStates.MAX_GROUP, NvmSubsystem.MAX_NSID);

    private volatile AccessStates states = AccessStates.ALL_OPTIMIZED;

    // Guarded by the controller.
    private final long[] changes = new long[AccessStates.MAX_GROUP + 1];
    private long allChanges;

    AccessState of(int group) {
        return states.of(group);
    }

    /** Returns the groups that changed, as bits. */
    long change(AccessStates next) {
        long changed = 0;
        for (int group = 1; group <= AccessStates.MAX_GROUP; group++) {
            if (states.of(group) != next.of(group)) {
                changed |= 1L << group;
                changes[group]++;
            }
        }
        states = next;
        allChanges += changed != 0 ? 1 : 0;
        return changed;
    }

    /** A namespace went from one group to another. */
    void moved(int from, int to) {
        changes[from]++;
        changes[to]++;
        allChanges++;
    }

    /** What a command to a namespace of a group ends with, or 0. The host may try another way. */
    int refusal(int group) {
        return switch (states.of(group)) {
            case OPTIMIZED, NON_OPTIMIZED -> Status.SUCCESS;
            case INACCESSIBLE -> Status.ASYMMETRIC_ACCESS_INACCESSIBLE;
            case PERSISTENT_LOSS -> Status.ASYMMETRIC_ACCESS_PERSISTENT_LOSS;
            case CHANGE -> Status.ASYMMETRIC_ACCESS_TRANSITION;
        };
    }

    /** Whether its capacity is told. */
    boolean tellsUse(int group) {
        var state = states.of(group);
        return state != AccessState.INACCESSIBLE && state != AccessState.PERSISTENT_LOSS;
    }

    /** The same for admin commands: those that touch what a namespace stores, and features that are kept with it. A status. */
    static int refusal(NvmController controller, NvmRequest request) {
        boolean touches = switch (request.opc) {
            case AdminOpcode.FORMAT_NVM -> true;
            case AdminOpcode.GET_FEATURES, AdminOpcode.SET_FEATURES -> {
                int fid = request.cdw10 & 0xFF;
                boolean supported = request.opc == AdminOpcode.GET_FEATURES
                        && (request.cdw10 >> 8 & 7) == FeatureId.Select.SUPPORTED_CAPABILITIES;
                yield !supported && (fid == FeatureId.ERROR_RECOVERY || ReservationFeatures.isOne(fid));
            }
            default -> false;
        };
        var namespace = touches ? controller.attached(request.nsid) : null;
        return namespace == null ? Status.SUCCESS : controller.access().refusal(namespace.group());
    }

    /** The log page, with the groups that have namespaces here. */
    void writeTo(MemorySegment page, SubsystemNamespace[] attached, boolean groupsOnly) {
        var members = new TreeMap<Integer, ArrayList<Integer>>();
        Arrays.stream(attached)
                .filter(each -> each != null)
                .forEach(each -> members.computeIfAbsent(each.group(), ignored -> new ArrayList<>())
                        .add(each.nsid()));
        var groups = new ArrayList<AnaLog.Group>();
        members.forEach((group, nsids) -> groups.add(
                new AnaLog.Group(group, changes[group], states.of(group).code(), nsids)));
        new AnaLog(allChanges, groups).writeTo(page, groupsOnly);
    }
}
