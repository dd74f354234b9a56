package io.doorbell.subsystem;

import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyZoned;
import io.doorbell.nvme.Status;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** What Identify tells of command sets: NVM and Zoned Namespace. NVMe Base 2.1 §5.1.13 "Identify command". */
final class CommandSets {
    /** I/O Command Set Vector: a bit for each CSI. */
    private static final long BOTH = 1L << IdentifyCns.CSI_NVM | 1L << IdentifyCns.CSI_ZONED;

    private CommandSets() {}

    static boolean isOne(int csi) {
        return csi == IdentifyCns.CSI_NVM || csi == IdentifyCns.CSI_ZONED;
    }

    /** Combinations that can be enabled: the first has both, and there is no other. */
    static void combinations(MemorySegment page) {
        page.set(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0, BOTH);
    }

    static int[] active(NvmController controller, int after, int csi) {
        return Arrays.stream(controller.attached())
                .filter(namespace -> controller.isActive(namespace)
                        && namespace.csi() == csi
                        && Integer.compareUnsigned(namespace.nsid(), after) > 0)
                .mapToInt(SubsystemNamespace::nsid)
                .toArray();
    }

    static int[] allocated(NvmController controller, int after, int csi) {
        return Arrays.stream(controller.allocatedAfter(after))
                .filter(nsid -> {
                    var namespace = controller.allocated(nsid);
                    return namespace != null && namespace.csi() == csi;
                })
                .toArray();
    }

    /**
     * The part of a namespace's description that belongs to one command set; zero where there is no namespace, and of the NVM
     * Command Set, which has no limits beyond the common part. A zoned namespace has both.
     */
    static int namespace(MemorySegment page, SubsystemNamespace namespace, int csi) {
        if (!isOne(csi)) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        if (namespace == null || csi == IdentifyCns.CSI_NVM) {
            return Status.SUCCESS;
        }
        var zones = namespace.zones();
        if (zones == null) {
            return Status.INVALID_FIELD | Status.DNR;
        }
        var layout = zones.layout();
        IdentifyZoned.MAR.set(page, layout.maxActive() == 0 ? IdentifyZoned.NO_LIMIT : layout.maxActive() - 1);
        IdentifyZoned.MOR.set(page, layout.maxOpen() == 0 ? IdentifyZoned.NO_LIMIT : layout.maxOpen() - 1);
        int format = IdentifyPages.formatIndex(namespace.shape().format());
        IdentifyZoned.zsze(format).set(page, layout.zoneBlocks());
        return Status.SUCCESS;
    }
}
