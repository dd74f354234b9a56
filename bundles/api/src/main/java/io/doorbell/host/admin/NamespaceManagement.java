package io.doorbell.host.admin;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ControllerList;
import io.doorbell.nvme.FormatSettings;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.NamespaceList;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * Namespaces made, attached, formatted and deleted. NVMe Base 2.1 §5.1.20 "Namespace Attachment command", §5.1.21 "Namespace
 * Management command", §5.1.10 "Format NVM command". Any thread.
 *
 * <p>The list of namespaces of the controller is read anew after each change of what is attached to it.
 */
public final class NamespaceManagement {
    private static final int CREATE = 0;
    private static final int DELETE = 1;
    private static final int ATTACH = 0;
    private static final int DETACH = 1;

    private final AdminCommands admin;

    /** @param admin its bound has to do for a creation */
    public NamespaceManagement(AdminCommands admin) {
        this.admin = admin;
    }

    /**
     * Makes a namespace of the NVM Command Set; it is attached to nobody.
     *
     * @param formatIndex LBA format
     * @return its identifier
     */
    public int create(long blockCount, int formatIndex) {
        return create(blockCount, FormatSettings.ofIndex(formatIndex), false, IdentifyCns.CSI_NVM);
    }

    /**
     * Makes a namespace; it is attached to nobody.
     *
     * @param format its LBA format, metadata and protection information; nothing is erased
     * @param shared whether more than one controller may have it attached
     * @param csi Command Set Identifier
     * @return its identifier
     */
    public int create(long blockCount, FormatSettings format, boolean shared, int csi) {
        var data = MemorySegment.ofArray(new byte[IdentifyNamespace.SIZE_BYTES]);
        IdentifyNamespace.NSZE.set(data, blockCount);
        IdentifyNamespace.NCAP.set(data, blockCount);
        int index = format.formatIndex();
        IdentifyNamespace.FLBAS.set(data, index & 0xF | (format.metadataInData() ? 1 << 4 : 0) | index >> 4 << 5);
        IdentifyNamespace.DPS.set(data, format.protection() | (format.protectionFirst() ? 1 << 3 : 0));
        IdentifyNamespace.NMIC.set(data, shared ? IdentifyNamespace.NMIC_SHARED : 0);
        var command = new NvmCommand().reset(AdminOpcode.NAMESPACE_MANAGEMENT, 0);
        command.cdw10 = CREATE;
        command.cdw11 = csi << 24;
        return admin.raw(command, data).dw0();
    }

    /** Deletes a namespace, wherever it is attached. */
    public void delete(int nsid) {
        var command = new NvmCommand().reset(AdminOpcode.NAMESPACE_MANAGEMENT, nsid);
        command.cdw10 = DELETE;
        admin.raw(command, null);
        admin.controller().refreshNamespaces();
    }

    /** Attaches a namespace to this controller, or to those named. */
    public void attach(int nsid, int... controllerIds) {
        change(ATTACH, nsid, controllerIds);
    }

    /** Detaches a namespace from this controller, or from those named. */
    public void detach(int nsid, int... controllerIds) {
        change(DETACH, nsid, controllerIds);
    }

    private void change(int select, int nsid, int... controllerIds) {
        var list = MemorySegment.ofArray(new byte[ControllerList.SIZE_BYTES]);
        int[] ids =
                controllerIds.length == 0 ? new int[] {admin.controller().info().controllerId()} : controllerIds;
        ControllerList.write(list, 0, ids);
        var command = new NvmCommand().reset(AdminOpcode.NAMESPACE_ATTACHMENT, nsid);
        command.cdw10 = select;
        admin.raw(command, list);
        admin.controller().refreshNamespaces();
    }

    /**
     * Formats a namespace: its data is gone, whatever the settings say about erasing.
     *
     * @param bound how long it may take: minutes, for a large device
     */
    public void format(int nsid, FormatSettings settings, Duration bound) {
        var command = new NvmCommand().reset(AdminOpcode.FORMAT_NVM, nsid);
        command.cdw10 = settings.cdw10();
        admin.within(bound).raw(command, null);
        admin.controller().refreshNamespaces();
    }

    /** Formats all namespaces, where the controller offers that. */
    public void formatAll(FormatSettings settings, Duration bound) {
        format(NamespaceList.BROADCAST_NSID, settings, bound);
    }
}
