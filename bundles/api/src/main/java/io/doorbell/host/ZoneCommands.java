package io.doorbell.host;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Zone;
import io.doorbell.nvme.ZoneReport;

/**
 * Fills commands of the Zoned Namespace Command Set, for {@link QueuePair#submit}. Zoned Namespace Command Set 1.1 §3.4
 * "Zoned Namespace Command Set Commands". Codes are those of {@link Zone}.
 *
 * <p>Stateless; the command is the caller's.
 */
public final class ZoneCommands {
    private static final int MAX_BLOCKS = 65_536;

    private ZoneCommands() {}

    /**
     * Zone Append: to where the write pointer stands; the completion's result is the first block that was written.
     *
     * @param zoneStart the first block of the zone
     * @param blockCount 1 to 65536, and no more than {@link ZoneGeometry#maxAppendBytes}
     * @param ioFlags {@link QueuePair#FUA}, {@link QueuePair#LIMITED_RETRY}; 0 mostly
     */
    public static NvmCommand append(NvmCommand command, int nsid, long zoneStart, int blockCount, int ioFlags) {
        if (blockCount < 1 || blockCount > MAX_BLOCKS) {
            throw new IllegalArgumentException("a Zone Append of " + blockCount + " blocks: 1 to " + MAX_BLOCKS);
        }
        command.reset(NvmOpcode.ZONE_APPEND, nsid).slba(zoneStart);
        command.cdw12 = blockCount - 1 | ioFlags;
        return command;
    }

    /**
     * Zone Management Send for one zone; no data.
     *
     * @param action {@link Zone#OPEN}, {@link Zone#CLOSE}, {@link Zone#FINISH}, {@link Zone#RESET} or
     *     {@link Zone#SET_OFFLINE}
     */
    public static NvmCommand manage(NvmCommand command, int nsid, long zoneStart, int action) {
        command.reset(NvmOpcode.ZONE_MANAGEMENT_SEND, nsid).slba(zoneStart);
        command.cdw13 = action;
        return command;
    }

    /** Zone Management Send for all zones that the action is for; no data. */
    public static NvmCommand manageAll(NvmCommand command, int nsid, int action) {
        command.reset(NvmOpcode.ZONE_MANAGEMENT_SEND, nsid);
        command.cdw13 = action | Zone.SELECT_ALL;
        return command;
    }

    /**
     * Zone Management Receive, Report Zones. {@link ZoneReport#decode} reads the data.
     *
     * @param slba a block of the first zone that is wanted
     * @param dataBytes a multiple of 4, from {@link ZoneReport#HEADER_BYTES} on
     * @param filter {@link Zone#FILTER_ALL}, or of which state
     * @param partial whether the number of zones is that of the descriptors, and not of all that there are
     */
    public static NvmCommand report(
            NvmCommand command, int nsid, long slba, int dataBytes, int filter, boolean partial) {
        if (dataBytes < ZoneReport.HEADER_BYTES || (dataBytes & 3) != 0) {
            throw new IllegalArgumentException("a zone report of " + dataBytes + " bytes: a multiple of 4, from "
                    + ZoneReport.HEADER_BYTES + " on");
        }
        command.reset(NvmOpcode.ZONE_MANAGEMENT_RECEIVE, nsid).slba(slba);
        command.cdw12 = dataBytes / 4 - 1;
        command.cdw13 = Zone.REPORT | filter << Zone.FILTER_SHIFT | (partial ? Zone.PARTIAL : 0);
        return command;
    }
}
