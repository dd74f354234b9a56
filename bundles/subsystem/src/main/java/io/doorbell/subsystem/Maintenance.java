package io.doorbell.subsystem;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.AsyncEvent;
import io.doorbell.nvme.FormatSettings;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.Status;
import io.doorbell.storage.NvmRequest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The admin commands that are about a device as a whole: Format NVM, Firmware Image Download and Commit, Sanitize, Device
 * Self-test, Security Send and Receive. Owner: the admin path.
 */
final class Maintenance {
    private static final int INVALID_FIELD = Status.INVALID_FIELD | Status.DNR;

    private static final int SELF_TEST_CODE_MASK = 0xF;

    /** Supported security protocols: six reserved bytes, the length of the list, and the one protocol that makes it. */
    private static final byte[] SECURITY_PROTOCOLS = {0, 0, 0, 0, 0, 0, 0, 1, 0};

    private static final int SECURITY_INFORMATION = 0;

    private final NvmController controller;
    private final NvmSubsystem subsystem;
    private final Background background;

    Maintenance(NvmController controller, Background background) {
        this.controller = controller;
        this.subsystem = controller.subsystem();
        this.background = background;
    }

    static boolean isOne(int opc) {
        return switch (opc) {
            case AdminOpcode.FORMAT_NVM,
                    AdminOpcode.FIRMWARE_IMAGE_DOWNLOAD,
                    AdminOpcode.FIRMWARE_COMMIT,
                    AdminOpcode.SANITIZE,
                    AdminOpcode.DEVICE_SELF_TEST,
                    AdminOpcode.SECURITY_SEND,
                    AdminOpcode.SECURITY_RECEIVE -> true;
            default -> false;
        };
    }

    /** How much data moves: a status. */
    int admit(NvmRequest request) {
        long bytes = switch (request.opc) {
            case AdminOpcode.FIRMWARE_IMAGE_DOWNLOAD -> FirmwareSlots.pieceBytes(request);
            case AdminOpcode.SECURITY_SEND, AdminOpcode.SECURITY_RECEIVE -> Integer.toUnsignedLong(request.cdw11);
            default -> 0;
        };
        if (bytes > controller.setup().maxTransferBytes()) {
            return INVALID_FIELD;
        }
        request.dataToHost = request.opc == AdminOpcode.SECURITY_RECEIVE;
        request.dataBytes = (int) bytes;
        return Status.SUCCESS;
    }

    int execute(NvmRequest request) {
        return switch (request.opc) {
            case AdminOpcode.FORMAT_NVM -> format(request);
            case AdminOpcode.FIRMWARE_IMAGE_DOWNLOAD -> subsystem.firmware().download(request);
            case AdminOpcode.FIRMWARE_COMMIT -> subsystem.firmware().commit(request.cdw10, this::firmwareActivated);
            case AdminOpcode.SANITIZE -> subsystem.sanitize().start(request.cdw10, request.cdw11);
            case AdminOpcode.DEVICE_SELF_TEST ->
                subsystem.selfTests().command(request.nsid, request.cdw10 & SELF_TEST_CODE_MASK, controller);
            case AdminOpcode.SECURITY_RECEIVE -> securityReceive(request);
            default -> INVALID_FIELD; // Security Send: there is no protocol that takes anything.
        };
    }

    private int format(NvmRequest request) {
        int nsid = request.nsid;
        if (nsid == NamespaceList.BROADCAST_NSID) {
            return INVALID_FIELD; // FNA: one namespace at a time.
        }
        var namespace = controller.attached(nsid);
        if (namespace == null) {
            return nsid >= 1 && nsid <= NvmSubsystem.MAX_NSID
                    ? INVALID_FIELD
                    : Status.INVALID_NAMESPACE_OR_FORMAT | Status.DNR;
        }
        var settings = FormatSettings.ofCdw10(request.cdw10);
        var format = IdentifyPages.format(settings);
        if (format == null || namespace.zones() != null && format.metadataBytes() != 0) {
            return Status.INVALID_FORMAT | Status.DNR;
        }
        if (settings.secureErase() > FormatSettings.USER_DATA_ERASE) {
            return INVALID_FIELD; // No cryptographic erase: nothing is encrypted.
        }
        int denied = namespace.reservations().state().denied(controller.host());
        if ((denied & ReservationState.DENIES_WRITES) != 0) {
            return Status.RESERVATION_CONFLICT | Status.DNR;
        }
        boolean erase = settings.secureErase() == FormatSettings.USER_DATA_ERASE;
        return background.start(
                "format namespace " + nsid,
                request,
                job -> new NamespaceFormat(subsystem, namespace).to(format, erase, controller));
    }

    private void firmwareActivated() {
        subsystem.tellAll(
                AsyncEvent.TYPE_NOTICE,
                AsyncEvent.NOTICE_FIRMWARE_ACTIVATION_STARTING,
                LogPageId.FIRMWARE_SLOT_INFORMATION);
    }

    /** SPC-5 "Security protocol information". Only the list of protocols, which has one entry: itself. */
    private static int securityReceive(NvmRequest request) {
        int secp = request.cdw10 >>> 24;
        int spsp = request.cdw10 >> 8 & 0xFFFF;
        if (secp != SECURITY_INFORMATION || spsp != 0) {
            return INVALID_FIELD;
        }
        var data = MemorySegment.ofArray(new byte[request.dataBytes]);
        for (int i = 0; i < Math.min(SECURITY_PROTOCOLS.length, request.dataBytes); i++) {
            data.set(ValueLayout.JAVA_BYTE, i, SECURITY_PROTOCOLS[i]);
        }
        request.copyToHost(0, data, 0, request.dataBytes);
        return Status.SUCCESS;
    }
}
