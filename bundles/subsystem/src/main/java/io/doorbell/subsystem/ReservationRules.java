package io.doorbell.subsystem;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;

/** NVMe Base 2.1 "Reservations", command behavior in the presence of a reservation: the groups Read and Write. */
final class ReservationRules {
    private static final int CONFLICT = Status.RESERVATION_CONFLICT | Status.DNR;

    private ReservationRules() {}

    /** Whether an I/O command is one of those that {@link ReservationState#denied} tells of. */
    static boolean isDenied(int opc, int denied) {
        return switch (opc) {
            case NvmOpcode.RESERVATION_REGISTER,
                    NvmOpcode.RESERVATION_REPORT,
                    NvmOpcode.RESERVATION_ACQUIRE,
                    NvmOpcode.RESERVATION_RELEASE -> false;
            case NvmOpcode.READ, NvmOpcode.COMPARE, NvmOpcode.VERIFY, NvmOpcode.ZONE_MANAGEMENT_RECEIVE ->
                (denied & ReservationState.DENIES_READS) != 0;
            default -> (denied & ReservationState.DENIES_WRITES) != 0;
        };
    }

    /** The same for admin commands: a status. */
    static int refusal(NvmController controller, NvmRequest request) {
        return switch (request.opc) {
            case AdminOpcode.FORMAT_NVM,
                    AdminOpcode.NAMESPACE_MANAGEMENT,
                    AdminOpcode.NAMESPACE_ATTACHMENT,
                    AdminOpcode.SECURITY_SEND -> of(controller, request.nsid, ReservationState.DENIES_WRITES);
            case AdminOpcode.SECURITY_RECEIVE -> of(controller, request.nsid, ReservationState.DENIES_READS);
            case AdminOpcode.SANITIZE -> of(controller, NamespaceList.BROADCAST_NSID, ReservationState.DENIES_WRITES);
            default -> Status.SUCCESS;
        };
    }

    private static int of(NvmController controller, int nsid, int what) {
        boolean all = nsid == NamespaceList.BROADCAST_NSID;
        for (int id : all ? controller.subsystem().allocatedAfter(0) : new int[] {nsid}) {
            var namespace = controller.subsystem().namespace(id);
            if (namespace != null && (namespace.reservations().denied(controller.host()) & what) != 0) {
                return CONFLICT;
            }
        }
        return Status.SUCCESS;
    }
}
