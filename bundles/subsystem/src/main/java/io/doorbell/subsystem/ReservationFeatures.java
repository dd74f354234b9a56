package io.doorbell.subsystem;

import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.Reservation;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.util.ArrayList;

/**
 * The features that are about reservations: of a namespace, and not only of the controller. Reservation Notification Mask
 * belongs to the controller and goes with a reset; Reservation Persistence belongs to the namespace.
 *
 * <p>Owner: the admin path.
 */
final class ReservationFeatures {
    private static final int MASKS = Reservation.MASK_REGISTRATION_PREEMPTED
            | Reservation.MASK_RESERVATION_RELEASED
            | Reservation.MASK_RESERVATION_PREEMPTED;

    private static final int CHANGEABLE_PER_NAMESPACE = 4 | 2;

    private final NvmController controller;
    private final Background background;

    ReservationFeatures(NvmController controller, Background background) {
        this.controller = controller;
        this.background = background;
    }

    static boolean isOne(int fid) {
        return fid == FeatureId.RESERVATION_NOTIFICATION_MASK || fid == FeatureId.RESERVATION_PERSISTENCE;
    }

    int get(NvmRequest request) {
        int select = request.cdw10 >> 8 & 7;
        if (select > FeatureId.Select.SUPPORTED_CAPABILITIES) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (select == FeatureId.Select.SUPPORTED_CAPABILITIES) {
            request.result = CHANGEABLE_PER_NAMESPACE;
            return Status.SUCCESS;
        }
        var namespace = controller.attached(request.nsid);
        if (namespace == null) {
            return noNamespace(request.nsid);
        }
        if (select == FeatureId.Select.CURRENT) {
            request.result = (request.cdw10 & 0xFF) == FeatureId.RESERVATION_NOTIFICATION_MASK
                    ? controller.reservationNotices().mask(request.nsid)
                    : persistence(namespace);
        }
        return Status.SUCCESS;
    }

    private static int persistence(SubsystemNamespace namespace) {
        return namespace.reservations().state().persistent() ? Reservation.PERSIST_THROUGH_POWER_LOSS : 0;
    }

    private static int noNamespace(int nsid) {
        return nsid >= 1 && nsid <= NvmSubsystem.MAX_NSID
                ? Status.INVALID_FIELD | Status.DNR
                : Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
    }

    int set(NvmRequest request) {
        if ((request.cdw10 & FeatureId.SAVE) != 0) {
            return Status.FEATURE_NOT_SAVEABLE | Status.DNR;
        }
        boolean all = request.nsid == NamespaceList.BROADCAST_NSID;
        if (!all && controller.attached(request.nsid) == null) {
            return noNamespace(request.nsid);
        }
        if ((request.cdw10 & 0xFF) == FeatureId.RESERVATION_NOTIFICATION_MASK) {
            controller.reservationNotices().mask(request.nsid, request.cdw11 & MASKS);
            return Status.SUCCESS;
        }
        return setPersistence(request, all);
    }

    private int setPersistence(NvmRequest request, boolean all) {
        boolean stays = (request.cdw11 & Reservation.PERSIST_THROUGH_POWER_LOSS) != 0;
        if (stays && !controller.subsystem().persistsReservations()) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        var which = new ArrayList<NamespaceReservations>();
        for (var namespace : controller.attached()) {
            if (namespace != null && (all || namespace.nsid() == request.nsid)) {
                which.add(namespace.reservations());
            }
        }
        return background.start("reservation persistence", request, job -> {
            int worst = Status.SUCCESS;
            for (var reservations : which) {
                int status = reservations.change(false, state -> state.persist(stays));
                worst = worst == Status.SUCCESS ? status : worst;
            }
            return worst;
        });
    }
}
