package io.doorbell.driver;

import io.doorbell.host.NvmCommand;
import io.doorbell.host.ZoneGeometry;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.Field.U32;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.IdentifyZoned;
import io.doorbell.nvme.PrpMath;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;

/**
 * Command sets beside NVM: chooses them, and reads what the Zoned Namespace Command Set says of namespaces. Control plane.
 * NVMe Base 2.1 §5.1.13 "Identify command", "I/O Command Set data structure (CNS 1Ch)".
 */
public final class ZoneReader {
    private static final long NVM = 1L << IdentifyCns.CSI_NVM;
    private static final long ZONED = 1L << IdentifyCns.CSI_ZONED;
    private static final int COMBINATIONS = IdentifyCns.DATA_BYTES / Long.BYTES;
    private static final int THIS_CONTROLLER = 0xFFFF;
    private static final ValueLayout.OfLong LE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final AdminQueue admin;
    private final Duration bound;
    private final int maxTransferBytes;
    private final int minPageBytes;
    private final MemorySegment data = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
    private int maxAppendBytes;

    public ZoneReader(AdminQueue admin, Duration bound, int maxTransferBytes, int minPageBytes) {
        this.admin = admin;
        this.bound = bound;
        this.maxTransferBytes = maxTransferBytes;
        this.minPageBytes = minPageBytes;
    }

    /**
     * Chooses the first combination of command sets with NVM and zones. Returns whether there is one; the controller stays
     * with the combination it has otherwise.
     */
    public boolean choose() {
        identify(IdentifyCns.IO_COMMAND_SETS | THIS_CONTROLLER << 16, 0, 0);
        for (int index = 0; index < COMBINATIONS; index++) {
            long sets = data.get(LE64, (long) index * Long.BYTES);
            if (sets == 0) {
                return false;
            }
            if ((sets & NVM) != 0 && (sets & ZONED) != 0) {
                select(index);
                identify(IdentifyCns.COMMAND_SET_CONTROLLER, IdentifyCns.CSI_ZONED, 0);
                int zasl = IdentifyZoned.ZASL.get(data);
                long limit = zasl == 0 ? maxTransferBytes : PrpMath.maxTransferBytes(zasl, minPageBytes);
                maxAppendBytes = (int) Math.min(limit, maxTransferBytes);
                return true;
            }
        }
        return false;
    }

    /** NVMe Base 2.1 §5.1.25 "Set Features command", I/O Command Set Profile. */
    private void select(int index) {
        var command = new NvmCommand().reset(AdminOpcode.GET_FEATURES, 0);
        command.cdw10 = FeatureId.IO_COMMAND_SET_PROFILE;
        if ((admin.execute(command, null, bound) & 0x1FF) == index) {
            return;
        }
        command.reset(AdminOpcode.SET_FEATURES, 0);
        command.cdw10 = FeatureId.IO_COMMAND_SET_PROFILE;
        command.cdw11 = index;
        admin.execute(command, null, bound);
    }

    /** Empty where the namespace does not say how large its zones are: it has gone meanwhile. */
    public Optional<ZoneGeometry> geometry(int nsid, int format) {
        identify(IdentifyCns.COMMAND_SET_NAMESPACE, IdentifyCns.CSI_ZONED, nsid);
        long blocks = IdentifyZoned.zsze(Math.min(format, IdentifyNamespace.MAX_LBA_FORMATS - 1))
                .get(data);
        return blocks < 1
                ? Optional.empty()
                : Optional.of(
                        new ZoneGeometry(blocks, limit(IdentifyZoned.MOR), limit(IdentifyZoned.MAR), maxAppendBytes));
    }

    private long limit(U32 zeroBased) {
        return zeroBased.get(data) == IdentifyZoned.NO_LIMIT ? 0 : zeroBased.unsigned(data) + 1;
    }

    private void identify(int cdw10, int csi, int nsid) {
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, nsid);
        command.cdw10 = cdw10;
        command.cdw11 = csi << 24;
        admin.execute(command, data, bound);
    }
}
