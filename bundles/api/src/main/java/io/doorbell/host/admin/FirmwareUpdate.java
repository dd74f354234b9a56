package io.doorbell.host.admin;

import io.doorbell.host.NvmCommand;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FirmwareCommitAction;
import io.doorbell.nvme.FirmwareSlotLog;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Firmware of a controller: downloaded in pieces, committed to a slot, activated. NVMe Base 2.1 §5.1.8 "Firmware Commit
 * command", §5.1.9 "Firmware Image Download command", §3.11 "Firmware Update Process". Any thread; one update at a time,
 * since the pieces of two would mix in the controller.
 */
public final class FirmwareUpdate {
    private static final int GRANULARITY_UNIT_BYTES = 4096;

    /** FWUG: pieces of any number of dwords. */
    private static final int NO_GRANULARITY = 0xFF;

    private static final int DWORD_BYTES = 4;
    private static final int MTFA_UNIT_MILLIS = 100;

    private final AdminCommands admin;

    /** What it takes until committed firmware runs. */
    public enum Activation {
        /** Nothing: it runs, or it waits in its slot for an activation. */
        NONE,
        /** {@link io.doorbell.host.NvmeController#reset}. */
        CONTROLLER_RESET,
        /** {@link io.doorbell.host.NvmeController#resetSubsystem}. */
        SUBSYSTEM_RESET,
        /** A reset of the PCI function, or a power cycle: not ours to do. */
        CONVENTIONAL_RESET,
        /** A reset, since it would take longer than the controller promised (MTFA); ask again with an activation at reset. */
        LONGER_THAN_PROMISED
    }

    /**
     * What is in the slots.
     *
     * @param active slot that the running firmware came from, 1 to 7
     * @param next slot that is activated at the next controller level reset; 0 where it is not said
     * @param revisions of slots 1 to 7, empty where there is none
     */
    public record Slots(int active, int next, List<String> revisions) {}

    /** @param admin its bound has to do for a commit; an activation at once is given MTFA besides */
    public FirmwareUpdate(AdminCommands admin) {
        this.admin = admin;
    }

    public Slots slots() {
        var page = admin.firmwareSlots();
        int afi = FirmwareSlotLog.AFI.get(page);
        var revisions = new ArrayList<String>();
        for (int slot = 1; slot <= FirmwareSlotLog.MAX_SLOTS; slot++) {
            revisions.add(FirmwareSlotLog.frs(slot).get(page));
        }
        return new Slots(afi & 7, afi >> 4 & 7, List.copyOf(revisions));
    }

    /**
     * Downloads an image, in pieces that keep to the controller's granularity (FWUG).
     *
     * @param image a whole number of dwords
     */
    public void download(MemorySegment image) {
        long total = image.byteSize();
        if (total == 0 || total % DWORD_BYTES != 0 || total > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException(
                    "a firmware image of " + total + " bytes: a whole number of dwords, 1 and up, below 4 GiB");
        }
        int piece = pieceBytes();
        for (long offset = 0; offset < total; offset += piece) {
            var data = image.asSlice(offset, Math.min(piece, total - offset));
            var command = new NvmCommand().reset(AdminOpcode.FIRMWARE_IMAGE_DOWNLOAD, 0);
            command.cdw10 = (int) (data.byteSize() / DWORD_BYTES) - 1;
            command.cdw11 = (int) (offset / DWORD_BYTES);
            admin.raw(command, data);
        }
    }

    private int pieceBytes() {
        var controller = admin.controller();
        int most = Math.min(controller.maxAdminDataBytes(), controller.info().maxTransferBytes());
        int fwug = IdentifyController.FWUG.get(identity());
        // 0 says nothing; a page is what controllers before FWUG took.
        int unit = fwug == NO_GRANULARITY ? DWORD_BYTES : Math.max(1, fwug) * GRANULARITY_UNIT_BYTES;
        if (unit > most) {
            throw new NvmeException(
                    NvmeException.Kind.GIVE_UP,
                    controller + ", Firmware Image Download",
                    "pieces have to be multiples of " + unit + " bytes, and one command moves " + most);
        }
        return most / unit * unit;
    }

    /**
     * Commits what was downloaded to a slot, or activates what is in it.
     *
     * @param slot 1 to 7; 0 lets the controller choose
     * @param action one of {@link FirmwareCommitAction}
     * @return what it takes now until it runs
     */
    public Activation commit(int slot, int action) {
        return commit(slot, action, 0);
    }

    /** As above, for the actions on boot partitions. */
    public Activation commit(int slot, int action, int bootPartition) {
        if (slot < 0 || slot > FirmwareSlotLog.MAX_SLOTS || action < 0 || action > 7) {
            throw new IllegalArgumentException("firmware slot " + slot + ", action " + action + ": 0 to 7 each");
        }
        var command = new NvmCommand().reset(AdminOpcode.FIRMWARE_COMMIT, 0);
        command.cdw10 = FirmwareCommitAction.cdw10(action, slot, bootPartition);
        try {
            // The controller may stand still for so long.
            var promised = action == FirmwareCommitAction.ACTIVATE_NOW
                    ? Duration.ofMillis((long) IdentifyController.MTFA.get(identity()) * MTFA_UNIT_MILLIS)
                    : Duration.ZERO;
            admin.longerBy(promised).raw(command, null);
        } catch (NvmeException e) {
            return e.status().map(status -> neededFor(status, e)).orElseThrow(() -> e);
        }
        return action == FirmwareCommitAction.REPLACE_AND_ACTIVATE || action == FirmwareCommitAction.ACTIVATE
                ? Activation.CONTROLLER_RESET
                : Activation.NONE;
    }

    /** Committed all the same: these statuses say what is still to be done. */
    private static Activation neededFor(Status status, NvmeException refused) {
        return switch (status.code()) {
            case Status.FIRMWARE_NEEDS_CONTROLLER_RESET -> Activation.CONTROLLER_RESET;
            case Status.FIRMWARE_NEEDS_SUBSYSTEM_RESET -> Activation.SUBSYSTEM_RESET;
            case Status.FIRMWARE_NEEDS_CONVENTIONAL_RESET -> Activation.CONVENTIONAL_RESET;
            case Status.FIRMWARE_NEEDS_MAXIMUM_TIME_VIOLATION -> Activation.LONGER_THAN_PROMISED;
            default -> throw refused;
        };
    }

    /**
     * Downloads, commits, and does the reset that it takes, where that is ours to do: every queue pair of the controller is
     * lost then.
     *
     * @return what is left to be done, {@link Activation#NONE} mostly
     */
    public Activation update(MemorySegment image, int slot, int action) {
        download(image);
        var needed = commit(slot, action);
        switch (needed) {
            case CONTROLLER_RESET -> admin.controller().reset("new firmware");
            case SUBSYSTEM_RESET -> admin.controller().resetSubsystem("new firmware");
            default -> {
                return needed;
            }
        }
        return Activation.NONE;
    }

    private MemorySegment identity() {
        return MemorySegment.ofArray(admin.controller().info().raw());
    }
}
