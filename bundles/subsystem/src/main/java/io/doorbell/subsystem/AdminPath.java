package io.doorbell.subsystem;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AnaLog;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.ControllerList;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.ReservationNotificationLog;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import io.doorbell.target.CommandPath;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Admin commands. NVMe Base 2.1 §5 "Admin Command Set". Those that are about queues are the transport's, and are no
 * commands here.
 *
 * <p>Owner: the thread that serves the transport's admin queue.
 */
final class AdminPath implements CommandPath {
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;
    private static final int INVALID_NAMESPACE = Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;

    private static final int SELECT_MASK = 0xF;
    private static final int MANAGEMENT_CREATE = 0;
    private static final int MANAGEMENT_DELETE = 1;
    private static final int ATTACH = 0;
    private static final int DETACH = 1;

    /** Get Log Page: dword 10 bit 15, dword 14 bit 23. */
    private static final int RETAIN_ASYNCHRONOUS_EVENT = 1 << 15;

    private static final int OFFSET_IS_INDEX = 1 << 23;

    private final NvmController controller;
    private final NvmSubsystem subsystem;

    /** Commands that take longer. */
    private final Background background;

    private final ReservationFeatures reservationFeatures;
    private final Maintenance maintenance;

    AdminPath(NvmController controller) {
        this.controller = controller;
        this.subsystem = controller.subsystem();
        background = new Background(controller::wakeTransport);
        reservationFeatures = new ReservationFeatures(controller, background);
        maintenance = new Maintenance(controller, background);
    }

    @Override
    public int admit(NvmRequest request) {
        request.result = 0;
        request.dataToHost = false;
        request.dataBytes = 0;
        if ((request.flags & 3) != 0) {
            return INVALID_FIELD; // No admin command can be fused.
        }
        int refusal = subsystem.sanitize().refusal(request.opc);
        if (refusal != Status.SUCCESS) {
            return refusal;
        }
        int conflict = ReservationRules.refusal(controller, request);
        if (conflict != Status.SUCCESS) {
            return conflict;
        }
        int unreachable = ControllerAccess.refusal(controller, request);
        if (unreachable != Status.SUCCESS) {
            return unreachable;
        }
        switch (request.opc) {
            case AdminOpcode.IDENTIFY -> {
                request.dataToHost = true;
                request.dataBytes = IdentifyCns.DATA_BYTES;
            }
            case AdminOpcode.GET_LOG_PAGE -> {
                // NUMD in two halves, 0's based, as dwords.
                long bytes = ((request.cdw10 >>> 16 | (request.cdw11 & 0xFFFFL) << 16) + 1) * 4;
                if (bytes > controller.setup().maxTransferBytes()) {
                    return INVALID_FIELD;
                }
                request.dataToHost = true;
                request.dataBytes = (int) bytes;
            }
            case AdminOpcode.GET_FEATURES -> {
                request.dataToHost = true;
                request.dataBytes = Features.dataBytes(request, false);
            }
            case AdminOpcode.SET_FEATURES -> request.dataBytes = Features.dataBytes(request, true);
            case AdminOpcode.NAMESPACE_MANAGEMENT -> {
                if ((request.cdw10 & SELECT_MASK) == MANAGEMENT_CREATE) {
                    request.dataBytes = IdentifyNamespace.SIZE_BYTES;
                }
            }
            case AdminOpcode.NAMESPACE_ATTACHMENT -> request.dataBytes = ControllerList.SIZE_BYTES;
            case AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST, AdminOpcode.KEEP_ALIVE -> {}
            default -> {
                return Maintenance.isOne(request.opc) ? maintenance.admit(request) : Status.INVALID_OPCODE | Status.DNR;
            }
        }
        return Status.SUCCESS;
    }

    @Override
    public int execute(NvmRequest request) {
        return switch (request.opc) {
            case AdminOpcode.IDENTIFY -> identify(request);
            case AdminOpcode.GET_LOG_PAGE -> logPage(request);
            case AdminOpcode.GET_FEATURES ->
                ReservationFeatures.isOne(request.cdw10 & 0xFF)
                        ? reservationFeatures.get(request)
                        : controller.features(request, false);
            case AdminOpcode.SET_FEATURES ->
                ReservationFeatures.isOne(request.cdw10 & 0xFF)
                        ? reservationFeatures.set(request)
                        : controller.features(request, true);
            case AdminOpcode.NAMESPACE_MANAGEMENT -> manage(request);
            case AdminOpcode.NAMESPACE_ATTACHMENT -> attach(request);
            case AdminOpcode.ASYNCHRONOUS_EVENT_REQUEST ->
                controller.asyncEvents().request(request);
            case AdminOpcode.KEEP_ALIVE -> {
                controller.hostSeen();
                yield Status.SUCCESS;
            }
            default ->
                Maintenance.isOne(request.opc) ? maintenance.execute(request) : Status.INVALID_OPCODE | Status.DNR;
        };
    }

    @Override
    public int executeFused(NvmRequest compare, NvmRequest write) {
        return INVALID_FIELD;
    }

    private int identify(NvmRequest request) {
        var page = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
        int cntid = request.cdw10 >>> 16;
        int nsid = request.nsid;
        int csi = request.cdw11 >>> 24;
        int status = Status.SUCCESS;
        switch (request.cdw10 & 0xFF) {
            case IdentifyCns.CONTROLLER -> IdentifyPages.controller(page, controller);
            case IdentifyCns.NAMESPACE -> status = namespace(page, nsid, controller.attached(nsid));
            case IdentifyCns.ALLOCATED_NAMESPACE -> status = namespace(page, nsid, controller.allocated(nsid));
            case IdentifyCns.ACTIVE_NAMESPACE_LIST -> status = list(page, nsid, activeAfter(nsid));
            case IdentifyCns.COMMAND_SET_ACTIVE_NAMESPACE_LIST ->
                status = CommandSets.isOne(csi)
                        ? list(page, nsid, CommandSets.active(controller, nsid, csi))
                        : INVALID_FIELD;
            case IdentifyCns.COMMAND_SET_ALLOCATED_NAMESPACE_LIST ->
                status = CommandSets.isOne(csi)
                        ? list(page, nsid, CommandSets.allocated(controller, nsid, csi))
                        : INVALID_FIELD;
            case IdentifyCns.COMMAND_SET_ALLOCATED_NAMESPACE ->
                status = valid(nsid) == Status.SUCCESS
                        ? CommandSets.namespace(page, controller.allocated(nsid), csi)
                        : INVALID_NAMESPACE;
            case IdentifyCns.IO_COMMAND_SETS -> CommandSets.combinations(page);
            case IdentifyCns.ALLOCATED_NAMESPACE_LIST -> status = list(page, nsid, controller.allocatedAfter(nsid));
            case IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS -> status = identifiers(page, nsid);
            case IdentifyCns.COMMAND_SET_NAMESPACE ->
                status = valid(nsid) == Status.SUCCESS
                        ? CommandSets.namespace(page, controller.attached(nsid), csi)
                        : INVALID_NAMESPACE;
            case IdentifyCns.COMMAND_SET_CONTROLLER ->
                status = CommandSets.isOne(csi) ? Status.SUCCESS : INVALID_FIELD; // All zero: no limits but MDTS.
            case IdentifyCns.INDEPENDENT_NAMESPACE -> {
                status = valid(nsid);
                var namespace = controller.attached(nsid);
                if (namespace != null) {
                    IdentifyPages.independentNamespace(page, namespace, controller.reportsAccess());
                }
            }
            case IdentifyCns.NAMESPACE_ATTACHED_CONTROLLER_LIST -> status = attachedControllers(page, nsid, cntid);
            case IdentifyCns.CONTROLLER_LIST -> ControllerList.write(page, 0, subsystem.controllersFrom(cntid, null));
            default -> status = INVALID_FIELD;
        }
        if (status == Status.SUCCESS) {
            request.copyToHost(0, page, 0, IdentifyCns.DATA_BYTES);
        }
        return status;
    }

    private static int valid(int nsid) {
        return nsid >= 1 && nsid <= NvmSubsystem.MAX_NSID ? Status.SUCCESS : INVALID_NAMESPACE;
    }

    /** An identifier without a namespace gives zeroes; all of them at once what they have in common. */
    private int namespace(MemorySegment page, int nsid, SubsystemNamespace namespace) {
        if (nsid == NamespaceList.BROADCAST_NSID) {
            IdentifyPages.formats(page);
            return Status.SUCCESS;
        }
        if (namespace != null) {
            IdentifyPages.namespace(page, namespace);
            if (controller.reportsAccess()) {
                IdentifyPages.access(page, namespace.group(), controller.access());
            }
        }
        return valid(nsid);
    }

    private int identifiers(MemorySegment page, int nsid) {
        var namespace = controller.attached(nsid);
        if (namespace == null) {
            return valid(nsid) == Status.SUCCESS ? INVALID_FIELD : INVALID_NAMESPACE;
        }
        IdentifyPages.identifiers(page, namespace);
        return Status.SUCCESS;
    }

    private int attachedControllers(MemorySegment page, int nsid, int cntid) {
        var namespace = controller.allocated(nsid);
        if (namespace != null) {
            ControllerList.write(page, 0, subsystem.controllersFrom(cntid, namespace));
        }
        return valid(nsid);
    }

    private int[] activeAfter(int nsid) {
        return Arrays.stream(controller.attached())
                .filter(namespace ->
                        controller.isActive(namespace) && Integer.compareUnsigned(namespace.nsid(), nsid) > 0)
                .mapToInt(SubsystemNamespace::nsid)
                .toArray();
    }

    private static int list(MemorySegment page, int after, int[] nsids) {
        if (Integer.compareUnsigned(after, 0xFFFF_FFFE) >= 0) {
            return INVALID_NAMESPACE;
        }
        NamespaceList.write(page, 0, nsids);
        return Status.SUCCESS;
    }

    private int logPage(NvmRequest request) {
        int lid = request.cdw10 & 0xFF;
        long offset = Integer.toUnsignedLong(request.cdw12) | (long) request.cdw13 << 32;
        int size = LogPages.size(lid, controller);
        if (size < 0) {
            return Status.INVALID_LOG_PAGE | Status.DNR;
        }
        if (offset < 0 || offset > size || (offset & 3) != 0 || (request.cdw14 & OFFSET_IS_INDEX) != 0) {
            return INVALID_FIELD;
        }
        boolean retain = (request.cdw10 & RETAIN_ASYNCHRONOUS_EVENT) != 0;
        long told = controller.asyncEvents().raised();
        var page = MemorySegment.ofArray(new byte[size]);
        switch (lid) {
            case LogPageId.SUPPORTED_LOG_PAGES -> LogPages.supportedLogPages(page, controller);
            case LogPageId.ERROR_INFORMATION -> controller.errors().writeTo(page);
            case LogPageId.SMART_HEALTH_INFORMATION -> {
                if (request.nsid != 0 && request.nsid != NamespaceList.BROADCAST_NSID) {
                    return INVALID_FIELD; // LPA: the page is of the controller, not of a namespace.
                }
                LogPages.smart(page, controller);
            }
            case LogPageId.ASYMMETRIC_NAMESPACE_ACCESS ->
                controller.accessLog(page, (request.cdw10 >> 8 & AnaLog.RETURN_GROUPS_ONLY) != 0);
            case LogPageId.FIRMWARE_SLOT_INFORMATION -> subsystem.firmware().writeTo(page);
            case LogPageId.NVME_MI_COMMANDS_SUPPORTED_AND_EFFECTS -> {} // None; LPA wants the page there.
            case LogPageId.DEVICE_SELF_TEST -> subsystem.selfTests().writeTo(page);
            case LogPageId.SANITIZE_STATUS -> subsystem.sanitize().writeTo(page);
            case LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST ->
                ChangedNamespaceList.write(page, 0, controller.changedNamespaces(retain));
            case LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS -> {
                int csi = request.cdw14 >>> 24;
                if (!CommandSets.isOne(csi)) {
                    return INVALID_FIELD;
                }
                LogPages.commands(page, controller.setup(), csi);
            }
            case LogPageId.FEATURE_IDENTIFIERS_SUPPORTED_AND_EFFECTS -> LogPages.features(page, controller);
            case LogPageId.RESERVATION_NOTIFICATION -> {
                return reservationNotification(request, offset, retain, told);
            }
            default ->
                throw new IllegalStateException("log page " + LogPageId.name(lid) + " has a size but no content");
        }
        answer(request, page, offset);
        if (!retain) {
            controller.asyncEvents().read(lid, told);
        }
        return Status.SUCCESS;
    }

    private static void answer(NvmRequest request, MemorySegment page, long offset) {
        long there = Math.min(request.dataBytes, page.byteSize() - offset);
        request.copyToHost(0, page, offset, there);
        if (there < request.dataBytes) {
            // What lies behind the page reads zero, and is no leftover of the host's buffer.
            var zeroes = MemorySegment.ofArray(new byte[(int) (request.dataBytes - there)]);
            request.copyToHost(there, zeroes, 0, zeroes.byteSize());
        }
    }

    /** One notification at a time; while there are more, the host hears of the next one when it has read this one. */
    private int reservationNotification(NvmRequest request, long offset, boolean retain, long told) {
        var page = MemorySegment.ofArray(new byte[ReservationNotificationLog.SIZE_BYTES]);
        int left = controller.reservationNotices().writeTo(page, retain);
        answer(request, page, offset);
        if (!retain) {
            controller.asyncEvents().read(LogPageId.RESERVATION_NOTIFICATION, told);
            if (left > 0) {
                controller.reservationLogAvailable();
            }
        }
        return Status.SUCCESS;
    }

    private int manage(NvmRequest request) {
        switch (request.cdw10 & SELECT_MASK) {
            case MANAGEMENT_CREATE -> {
                return create(request);
            }
            case MANAGEMENT_DELETE -> {
                if (request.nsid == NamespaceList.BROADCAST_NSID) {
                    return Status.OPERATION_DENIED | Status.DNR; // All, and with them those of the configuration.
                }
                int status = valid(request.nsid);
                return status == Status.SUCCESS ? subsystem.deleteNamespace(request.nsid, controller) : status;
            }
            default -> {
                return INVALID_FIELD;
            }
        }
    }

    private int create(NvmRequest request) {
        if (request.nsid != 0) {
            return INVALID_FIELD;
        }
        if (request.cdw11 >>> 24 != IdentifyCns.CSI_NVM) {
            return Status.IO_COMMAND_SET_NOT_SUPPORTED | Status.DNR;
        }
        var wanted = MemorySegment.ofArray(new byte[IdentifyNamespace.SIZE_BYTES]);
        request.copyFromHost(0, wanted, 0, wanted.byteSize());
        long blocks = IdentifyNamespace.NSZE.get(wanted);
        long capacity = IdentifyNamespace.NCAP.get(wanted);
        int flbas = IdentifyNamespace.FLBAS.get(wanted);
        var format = IdentifyPages.format(flbas, IdentifyNamespace.DPS.get(wanted));
        if (format == null) {
            return Status.INVALID_FORMAT | Status.DNR;
        }
        boolean sets = IdentifyNamespace.NVMSETID.get(wanted) != 0 || IdentifyNamespace.ENDGID.get(wanted) != 0;
        if (blocks <= 0 || sets || Long.compareUnsigned(capacity, blocks) > 0) {
            return INVALID_FIELD;
        }
        if (capacity != blocks) {
            return Status.THIN_PROVISIONING_NOT_SUPPORTED | Status.DNR;
        }
        return background.start("create namespace", request, job -> {
            int nsidOrStatus = subsystem.createNamespace(format, blocks);
            job.result = Math.max(0, nsidOrStatus);
            return nsidOrStatus < 0 ? -nsidOrStatus : Status.SUCCESS;
        });
    }

    private int attach(NvmRequest request) {
        int select = request.cdw10 & SELECT_MASK;
        if (select > DETACH) {
            return INVALID_FIELD;
        }
        int status = valid(request.nsid);
        if (status != Status.SUCCESS) {
            return status;
        }
        var list = MemorySegment.ofArray(new byte[ControllerList.SIZE_BYTES]);
        request.copyFromHost(0, list, 0, list.byteSize());
        if (ControllerList.count(list, 0) > ControllerList.MAX_ENTRIES) {
            return Status.CONTROLLER_LIST_INVALID | Status.DNR;
        }
        return subsystem.changeAttachment(request.nsid, select == ATTACH, ControllerList.read(list, 0), controller);
    }

    @Override
    public int poll(long nowNanos) {
        return controller.asyncEvents().poll() + background.poll();
    }

    /** Nothing that is pending is completed any more. */
    @Override
    public void close() {
        background.forget();
        controller.asyncEvents().forgetRequests();
    }
}
