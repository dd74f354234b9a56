package io.doorbell.backends;

import io.doorbell.host.NvmeController;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.IdentifyNvmController;
import io.doorbell.nvme.NamespaceIdentifiers;
import io.doorbell.nvme.NvmeException;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.NamespaceShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.UUID;

/**
 * A namespace as its controller describes it: who it is, and what can be asked of it.
 *
 * @param identity what stays as long as the data does, in words
 * @param separateMetadataBytes of a block, in a buffer of its own; 0 where there are none or they travel in the data
 * @param deallocates whether Deallocate is handed on: only where blocks read zero then
 * @param fillsBuffers whether a Read that succeeds is believed to have filled its buffer: a device that does not say what
 *     deallocated blocks read as is not
 * @param writeZeroesBlocks the most of one Write Zeroes; 0 where the device has no such command
 * @param verifyBlocks the most of one Verify; 0 where it has none
 * @param rangeCount the most ranges of one Dataset Management
 * @param rangeBlocks the most blocks of one of them
 * @param rangesBlocks the most blocks of all of them
 * @param fusedBlocks the most blocks of a fused pair; 0 where it has none
 */
record DeviceNamespace(
        int nsid,
        String identity,
        BlockFormat format,
        long blockCount,
        int separateMetadataBytes,
        boolean volatileCache,
        boolean deallocates,
        boolean fillsBuffers,
        boolean compares,
        int writeZeroesBlocks,
        int verifyBlocks,
        int rangeCount,
        long rangeBlocks,
        long rangesBlocks,
        int fusedBlocks) {
    /** NLB has 16 bits. */
    private static final int MOST_BLOCKS = 0x10000;

    private static final int MOST_RANGES = 256;
    private static final int PAGE_BYTES = 4096;
    private static final int NGUID_BYTES = 16;
    private static final int DLFEAT_READ = 7;
    private static final Duration ADMIN_BOUND = Duration.ofSeconds(10);

    /** The most data of each half of a fused pair. */
    static final int FUSED_BYTES = 128 << 10;

    /**
     * Asks the controller.
     *
     * @throws IllegalStateException when it has no such namespace now
     * @throws IllegalArgumentException when the namespace is one that cannot be served
     * @throws NvmeException when it does not answer
     */
    static DeviceNamespace read(NvmeController controller, int nsid) {
        NvmeNamespace namespace = controller.namespaces().stream()
                .filter(each -> each.nsid() == nsid)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        controller.transportId() + " has no namespace " + Integer.toUnsignedString(nsid) + "; it has "
                                + controller.namespaces().stream()
                                        .map(NvmeNamespace::nsid)
                                        .toList()));
        var format = format(namespace);
        var admin = new AdminCommands(controller, ADMIN_BOUND);
        var page = admin.identifyNamespace(nsid);
        var identity = MemorySegment.ofArray(controller.info().raw());
        var limits = limits(admin);
        int oncs = IdentifyController.ONCS.get(identity);
        int readsAs = IdentifyNamespace.DLFEAT.get(page) & DLFEAT_READ;
        boolean zeroes = readsAs == IdentifyNamespace.DLFEAT_READS_ZEROES;
        return new DeviceNamespace(
                nsid,
                identity(admin, nsid, page, controller),
                format,
                namespace.blockCount(),
                namespace.metadata().separateBytes(),
                (IdentifyController.VWC.get(identity) & IdentifyController.VWC_PRESENT) != 0,
                zeroes && (oncs & IdentifyController.ONCS_DATASET_MANAGEMENT) != 0,
                readsAs != 0,
                (oncs & IdentifyController.ONCS_COMPARE) != 0,
                (oncs & IdentifyController.ONCS_WRITE_ZEROES) == 0
                        ? 0
                        : blocks(IdentifyNvmController.WZSL.get(limits), format),
                (oncs & IdentifyController.ONCS_VERIFY) == 0
                        ? 0
                        : blocks(IdentifyNvmController.VSL.get(limits), format),
                orNone(IdentifyNvmController.DMRL.get(limits), MOST_RANGES),
                orNone(Integer.toUnsignedLong(IdentifyNvmController.DMRSL.get(limits))),
                orNone(IdentifyNvmController.DMSL.get(limits)),
                fused(identity, page, format));
    }

    private static BlockFormat format(NvmeNamespace namespace) {
        if (namespace.zones().isPresent()) {
            throw new IllegalArgumentException(
                    "namespace " + namespace.nsid() + " has zones, and these are not served");
        }
        var metadata = namespace.metadata();
        if (metadata.isProtected() && metadata.protectionBytes() != 8) {
            throw new IllegalArgumentException("namespace " + namespace.nsid()
                    + " has protection information with a guard of more than 16 bits, and that is not served");
        }
        return new BlockFormat(
                namespace.blockBytes(),
                metadata.bytes(),
                metadata.extended(),
                metadata.protectionType(),
                metadata.protectionFirst());
    }

    /** Controllers before NVMe 2.0 have no such structure, and no such limits. */
    private static MemorySegment limits(AdminCommands admin) {
        try {
            return admin.identify(IdentifyCns.COMMAND_SET_CONTROLLER, 0);
        } catch (NvmeException refused) {
            if (refused.status().isEmpty()) {
                throw refused;
            }
            return MemorySegment.ofArray(new byte[IdentifyNvmController.SIZE_BYTES]);
        }
    }

    /** 2^exponent pages of 4096 bytes at the least; 0 for no limit. */
    private static int blocks(int exponent, BlockFormat format) {
        return exponent == 0 || exponent > 30
                ? MOST_BLOCKS
                : Math.clamp(((long) PAGE_BYTES << exponent) / format.blockBytes(), 1, MOST_BLOCKS);
    }

    private static int orNone(int limit, int most) {
        return limit == 0 ? most : Math.min(limit, most);
    }

    private static long orNone(long limit) {
        return limit <= 0 ? Long.MAX_VALUE : limit;
    }

    private static int fused(MemorySegment identity, MemorySegment page, BlockFormat format) {
        if ((IdentifyController.FUSES.get(identity) & IdentifyController.FUSES_COMPARE_AND_WRITE) == 0) {
            return 0;
        }
        boolean own = (IdentifyNamespace.NSFEAT.get(page) & IdentifyNamespace.NSFEAT_ATOMICS) != 0;
        int zeroBased = own ? IdentifyNamespace.NACWU.get(page) : IdentifyController.ACWU.get(identity);
        return Math.min(zeroBased + 1, FUSED_BYTES / format.storedBytes());
    }

    private static String identity(AdminCommands admin, int nsid, MemorySegment page, NvmeController controller) {
        NamespaceIdentifiers ids;
        try {
            ids = admin.namespaceIdentifiers(nsid);
        } catch (NvmeException refused) {
            if (refused.status().isEmpty()) {
                throw refused;
            }
            ids = NamespaceIdentifiers.NONE; // A controller before NVMe 1.3.
        }
        if (ids.uuid().isPresent()) {
            return "UUID " + ids.uuid().get();
        }
        var nguid = page.asSlice(IdentifyNamespace.NGUID.offset(), NGUID_BYTES).toArray(ValueLayout.JAVA_BYTE);
        var hex = HexFormat.of().formatHex(nguid);
        if (!hex.matches("0*")) {
            return "NGUID " + hex;
        }
        long eui64 = IdentifyNamespace.EUI64.get(page);
        if (eui64 != 0) {
            return "EUI64 " + Long.toHexString(eui64);
        }
        return "namespace " + nsid + " of " + controller.info().model().strip() + " "
                + controller.info().serial().strip();
    }

    /**
     * What hosts are told. The identifier is one of its own, made from that of the device: a host that sees both, the device's
     * subsystem and this one, refuses two namespaces of one identity in different subsystems.
     */
    NamespaceShape shape(String backend) {
        var uuid = UUID.nameUUIDFromBytes(("doorbell " + identity).getBytes(StandardCharsets.UTF_8));
        return new NamespaceShape(
                format, blockCount, uuid, true, deallocates, volatileCache, Math.max(1, fusedBlocks), backend);
    }

    /** Why {@code now} cannot stand for it, or null when it can: the same data, in the same blocks, and no fewer. */
    String differs(DeviceNamespace now) {
        if (!identity.equals(now.identity)) {
            return "it is another namespace: " + now.identity + ", not " + identity;
        }
        if (!format.equals(now.format)) {
            return "it is formatted with blocks of " + now.format + ", not " + format;
        }
        return now.blockCount >= blockCount ? null : "it has " + now.blockCount + " blocks, not " + blockCount;
    }
}
