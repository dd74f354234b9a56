package io.doorbell.host.admin;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.doorbell.host.AdminCompletion;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeController;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.ChangedNamespaceList;
import io.doorbell.nvme.CommandsSupportedAndEffects;
import io.doorbell.nvme.ControllerList;
import io.doorbell.nvme.DeviceSelfTestLog;
import io.doorbell.nvme.ErrorLogEntry;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.FirmwareSlotLog;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NamespaceIdentifiers;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SanitizeStatusLog;
import io.doorbell.nvme.SmartLog;
import io.doorbell.nvme.SupportedLogPages;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Admin commands of one controller, each with its arguments' names. Any thread; each call is one command, or the few that
 * its data takes, and waits for {@code bound} at most for each of them. Structures come as memory of the caller's own, to
 * be read with {@code io.doorbell.nvme}.
 */
public final class AdminCommands {
    private static final int NSIDS_OF_A_CONTROLLER = 1 << 16;
    private static final int RETAIN_EVENT = 1 << 15;

    private final NvmeController controller;
    private final Duration bound;
    private final boolean retainsEvents;

    /** @param bound for each command; those that take long by their nature are given one of their own */
    public AdminCommands(NvmeController controller, Duration bound) {
        this(controller, bound, false);
    }

    private AdminCommands(NvmeController controller, Duration bound, boolean retainsEvents) {
        this.controller = Objects.requireNonNull(controller, "controller");
        this.bound = Objects.requireNonNull(bound, "bound");
        this.retainsEvents = retainsEvents;
    }

    public NvmeController controller() {
        return controller;
    }

    /** The same with another bound. */
    public AdminCommands within(Duration otherBound) {
        return new AdminCommands(controller, otherBound, retainsEvents);
    }

    /**
     * The same for who only looks: reading a log page does not count as the answer to an asynchronous event, which is for those
     * who wait for events to give. NVMe Base 2.1 §5.1.12 "Get Log Page command", RAE.
     */
    public AdminCommands retainingEvents() {
        return new AdminCommands(controller, bound, true);
    }

    AdminCommands longerBy(Duration more) {
        return within(bound.plus(more));
    }

    /** Any admin command, as it is. Those about queues and events are the driver's, and refused. */
    public AdminCompletion raw(NvmCommand command, MemorySegment data) {
        return controller.admin(command, data, bound);
    }

    // ------ Identify. NVMe Base 2.1 §5.1.13 "Identify command"

    /**
     * Any of the structures.
     *
     * @param cns one of {@link IdentifyCns}
     * @param nsid 0 where the structure is of no namespace
     * @param cntid controller identifier, 0 mostly
     * @param csi Command Set Identifier, 0 mostly
     * @return its 4,096 bytes
     */
    public MemorySegment identify(int cns, int nsid, int cntid, int csi) {
        var data = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, nsid);
        command.cdw10 = cns & 0xFF | cntid << 16;
        command.cdw11 = csi << 24;
        raw(command, data);
        return data;
    }

    public MemorySegment identify(int cns, int nsid) {
        return identify(cns, nsid, 0, IdentifyCns.CSI_NVM);
    }

    public MemorySegment identifyController() {
        return identify(IdentifyCns.CONTROLLER, 0);
    }

    /** Of an active namespace; all zero when it is not active here. */
    public MemorySegment identifyNamespace(int nsid) {
        return identify(IdentifyCns.NAMESPACE, nsid);
    }

    public NamespaceIdentifiers namespaceIdentifiers(int nsid) {
        return NamespaceIdentifiers.readFrom(identify(IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS, nsid), 0);
    }

    /** Attached to this controller, rising. */
    public List<Integer> activeNamespaces() {
        return namespaces(IdentifyCns.ACTIVE_NAMESPACE_LIST);
    }

    /** All of the subsystem, attached or not, rising. */
    public List<Integer> allocatedNamespaces() {
        return namespaces(IdentifyCns.ALLOCATED_NAMESPACE_LIST);
    }

    private List<Integer> namespaces(int cns) {
        var nsids = new ArrayList<Integer>();
        int last = 0;
        while (nsids.size() < NSIDS_OF_A_CONTROLLER) {
            int[] page = NamespaceList.read(identify(cns, last), 0);
            for (int nsid : page) {
                // Rising order is what makes the loop end.
                if (Integer.compareUnsigned(nsid, last) <= 0) {
                    throw new NvmeException(
                            NvmeException.Kind.GIVE_UP,
                            controller + ", " + IdentifyCns.name(cns),
                            "is not in rising order: " + Integer.toUnsignedString(nsid) + " after "
                                    + Integer.toUnsignedString(last));
                }
                nsids.add(nsid);
                last = nsid;
            }
            if (page.length < NamespaceList.MAX_ENTRIES) {
                break;
            }
        }
        return List.copyOf(nsids);
    }

    /** Controllers that have a namespace attached; with {@code nsid} 0 all of the subsystem. */
    public List<Integer> controllers(int nsid) {
        int cns = nsid == 0 ? IdentifyCns.CONTROLLER_LIST : IdentifyCns.NAMESPACE_ATTACHED_CONTROLLER_LIST;
        var ids = new ArrayList<Integer>();
        for (int id : ControllerList.read(identify(cns, nsid), 0)) {
            ids.add(id);
        }
        return List.copyOf(ids);
    }

    // ------ Log pages

    /**
     * Reads a log page, in pieces where it is longer than one command moves. An event stays retained until the last
     * piece, so that what it tells of cannot change under the reader unnoticed.
     *
     * @throws NvmeException of kind {@code GIVE_UP} also when it takes pieces and the controller has no offsets (LPA)
     */
    public MemorySegment log(LogPage page) {
        int piece = Math.min(controller.maxAdminDataBytes(), controller.info().maxTransferBytes());
        if (page.bytes() > piece && !hasOffsets()) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    controller + ", Get Log Page, " + LogPageId.name(page.lid()),
                    page.bytes() + " bytes take more than one command of " + piece
                            + ", and the controller has no offsets in log pages");
        }
        var data = MemorySegment.ofArray(new byte[page.bytes()]);
        for (int done = 0; done < page.bytes(); done += piece) {
            int bytes = Math.min(piece, page.bytes() - done);
            boolean last = done + bytes == page.bytes();
            logPiece(
                    page,
                    page.offset() + done,
                    data.asSlice(done, bytes),
                    !last || retainsEvents || page.retainEvent());
        }
        return data;
    }

    private boolean hasOffsets() {
        var identity = MemorySegment.ofArray(controller.info().raw());
        return (IdentifyController.LPA.get(identity) & IdentifyController.LPA_EXTENDED_DATA) != 0;
    }

    private void logPiece(LogPage page, long offset, MemorySegment data, boolean retain) {
        int dwordsZeroBased = (int) (data.byteSize() / 4) - 1;
        var command = new NvmCommand().reset(AdminOpcode.GET_LOG_PAGE, page.nsid());
        command.cdw10 = page.lid() | page.lsp() << 8 | (retain ? RETAIN_EVENT : 0) | (dwordsZeroBased & 0xFFFF) << 16;
        command.cdw11 = dwordsZeroBased >>> 16 | page.lsi() << 16;
        command.cdw12 = (int) offset;
        command.cdw13 = (int) (offset >>> 32);
        command.cdw14 = page.csi() << 24;
        raw(command, data);
    }

    /** A dword for each log page identifier. */
    public MemorySegment supportedLogPages() {
        return log(LogPage.of(LogPageId.SUPPORTED_LOG_PAGES, SupportedLogPages.SIZE_BYTES));
    }

    /** The newest errors, as many as the controller keeps: {@link ErrorLogEntry} each, until one has no count. */
    public MemorySegment errorLog() {
        var identity = MemorySegment.ofArray(controller.info().raw());
        int entries = IdentifyController.ELPE.get(identity) + 1;
        return log(LogPage.of(LogPageId.ERROR_INFORMATION, entries * ErrorLogEntry.SIZE_BYTES));
    }

    /** Of the controller. */
    public MemorySegment smart() {
        return log(LogPage.of(LogPageId.SMART_HEALTH_INFORMATION, SmartLog.SIZE_BYTES));
    }

    public MemorySegment firmwareSlots() {
        return log(LogPage.of(LogPageId.FIRMWARE_SLOT_INFORMATION, FirmwareSlotLog.SIZE_BYTES));
    }

    /** Namespaces that changed since the last reading; the driver reads this too, at each event, and then it is empty. */
    public List<Integer> changedNamespaces() {
        var ids = new ArrayList<Integer>();
        var page = log(LogPage.of(LogPageId.CHANGED_ATTACHED_NAMESPACE_LIST, NamespaceList.SIZE_BYTES));
        for (int nsid : ChangedNamespaceList.read(page, 0)) {
            ids.add(nsid);
        }
        return List.copyOf(ids);
    }

    public MemorySegment commandEffects(int csi) {
        return log(LogPage.of(LogPageId.COMMANDS_SUPPORTED_AND_EFFECTS, CommandsSupportedAndEffects.SIZE_BYTES)
                .ofCommandSet(csi));
    }

    public MemorySegment selfTestLog() {
        return log(LogPage.of(LogPageId.DEVICE_SELF_TEST, DeviceSelfTestLog.SIZE_BYTES));
    }

    public MemorySegment sanitizeStatus() {
        return log(LogPage.of(LogPageId.SANITIZE_STATUS, SanitizeStatusLog.SIZE_BYTES));
    }

    /** The oldest notification that was not read, 64 bytes; its first eight are 0 when there is none. */
    public MemorySegment reservationNotification() {
        return log(LogPage.of(LogPageId.RESERVATION_NOTIFICATION, 64));
    }

    // ------ Features. NVMe Base 2.1 §5.1.11 "Get Features command", §5.1.25 "Set Features command"

    /** Dword 0 of a feature's current value. */
    public int feature(int fid) {
        return feature(fid, FeatureId.Select.CURRENT, 0, 0, null).dw0();
    }

    /**
     * A feature's value.
     *
     * @param select one of {@link FeatureId.Select}
     * @param nsid 0 where the feature is the controller's
     * @param cdw11 what the feature asks for there, 0 mostly
     * @param data where a feature with data goes, else null
     */
    public AdminCompletion feature(int fid, int select, int nsid, int cdw11, MemorySegment data) {
        var command = new NvmCommand().reset(AdminOpcode.GET_FEATURES, nsid);
        command.cdw10 = fid & 0xFF | (select & 7) << 8;
        command.cdw11 = cdw11;
        return raw(command, data);
    }

    public AdminCompletion setFeature(int fid, int value) {
        return setFeature(fid, 0, value, false, null);
    }

    /** @param save whether the value is kept over resets and power cycles; a controller may refuse that */
    public AdminCompletion setFeature(int fid, int nsid, int cdw11, boolean save, MemorySegment data) {
        var command = new NvmCommand().reset(AdminOpcode.SET_FEATURES, nsid);
        command.cdw10 = fid & 0xFF | (save ? FeatureId.SAVE : 0);
        command.cdw11 = cdw11;
        return raw(command, data);
    }

    // ------ The rest

    /**
     * Asks the controller to abort a command, best effort. NVMe Base 2.1 §5.1.1 "Abort command".
     *
     * @return whether it was aborted; it ends by itself if not
     */
    public boolean abort(int sqid, int cid) {
        var command = new NvmCommand().reset(AdminOpcode.ABORT, 0);
        command.cdw10 = sqid & 0xFFFF | cid << 16;
        return (raw(command, null).dw0() & 1) == 0;
    }

    /**
     * NVMe Base 2.1 §5.1.23 "Security Receive command".
     *
     * @param secp security protocol
     * @param spsp its specific field, 16 bits
     * @param nssf NVMe security specific field
     */
    public MemorySegment securityReceive(int secp, int spsp, int nssf, int nsid, int bytes) {
        var data = MemorySegment.ofArray(new byte[bytes]);
        raw(security(AdminOpcode.SECURITY_RECEIVE, secp, spsp, nssf, nsid, bytes), data);
        return data;
    }

    /** NVMe Base 2.1 §5.1.24 "Security Send command". */
    public void securitySend(int secp, int spsp, int nssf, int nsid, MemorySegment data) {
        raw(security(AdminOpcode.SECURITY_SEND, secp, spsp, nssf, nsid, Math.toIntExact(data.byteSize())), data);
    }

    private static NvmCommand security(int opc, int secp, int spsp, int nssf, int nsid, int bytes) {
        var command = new NvmCommand().reset(opc, nsid);
        command.cdw10 = nssf & 0xFF | (spsp & 0xFFFF) << 8 | (secp & 0xFF) << 24;
        command.cdw11 = bytes;
        return command;
    }

    /** Security protocols the controller has: what protocol 00h lists. SPC-5 "Supported security protocols list". */
    public List<Integer> securityProtocols() {
        var data = securityReceive(0, 0, 0, 0, 512);
        int count = Byte.toUnsignedInt(data.get(JAVA_BYTE, 6)) << 8 | Byte.toUnsignedInt(data.get(JAVA_BYTE, 7));
        var protocols = new ArrayList<Integer>();
        for (int i = 0; i < Math.min(count, 512 - 8); i++) {
            protocols.add(Byte.toUnsignedInt(data.get(JAVA_BYTE, 8 + i)));
        }
        return List.copyOf(protocols);
    }

    /**
     * NVMe Base 2.1 §5.1.6 "Directive Receive command".
     *
     * @param type directive type
     * @param operation of the directive
     * @param specific DSPEC, such as a stream's identifier
     * @param data where the answer goes, or null
     */
    public AdminCompletion directiveReceive(
            int nsid, int type, int operation, int specific, int cdw12, MemorySegment data) {
        return raw(directive(AdminOpcode.DIRECTIVE_RECEIVE, nsid, type, operation, specific, cdw12, data), data);
    }

    /** NVMe Base 2.1 §5.1.7 "Directive Send command"; see {@link #directiveReceive}. */
    public AdminCompletion directiveSend(
            int nsid, int type, int operation, int specific, int cdw12, MemorySegment data) {
        return raw(directive(AdminOpcode.DIRECTIVE_SEND, nsid, type, operation, specific, cdw12, data), data);
    }

    private static NvmCommand directive(
            int opc, int nsid, int type, int operation, int specific, int cdw12, MemorySegment data) {
        var command = new NvmCommand().reset(opc, nsid);
        command.cdw10 = data == null ? 0 : (int) (data.byteSize() / 4) - 1;
        command.cdw11 = operation & 0xFF | (type & 0xFF) << 8 | specific << 16;
        command.cdw12 = cdw12;
        return command;
    }
}
