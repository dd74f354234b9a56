package io.doorbell.driver;

import io.doorbell.host.MetadataFormat;
import io.doorbell.host.NvmCommand;
import io.doorbell.host.NvmeNamespace;
import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.IdentifyCns;
import io.doorbell.nvme.IdentifyNamespace;
import io.doorbell.nvme.IdentifyNvmNamespace;
import io.doorbell.nvme.NamespaceIdentifiers;
import io.doorbell.nvme.NamespaceList;
import io.doorbell.nvme.NvmeException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads which namespaces are active, and how they are made. Control plane. */
public final class NamespaceReader {
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceReader.class);

    /** More than this many active namespaces are not looked at. */
    public static final int MAX_NAMESPACES = 4096;

    /** All commands of one reading take so many times the bound of one, at most: there may be thousands. */
    private static final int BOUNDS_OF_ALL = 6;

    private static final UUID NO_NGUID = new UUID(0, 0);
    private static final int FLBAS_METADATA_IN_DATA = 1 << 4;
    private static final int DPS_TYPE_MASK = 7;
    private static final int DPS_LAST_TYPE = 3;
    private static final int DPS_FIRST = 1 << 3;

    /** Both views of the same namespaces. */
    public record Read(List<NvmeNamespace> namespaces, List<BlockFormats.Format> formats) {}

    private final AdminQueue admin;
    private final Duration bound;
    private final String name;

    private final TransferLimits limits;
    private final boolean extendedFormats;
    private final ZoneReader zones;

    /** Of the reading that goes on. Guarded by this. */
    private long deadlineNanos;

    /**
     * @param bound of one command; no command of a reading begins after six times as long
     * @param extendedFormats whether the controller has the larger formats of protection information (CTRATT, ELBAS)
     * @param zones null where there are no zoned namespaces
     */
    public NamespaceReader(
            AdminQueue admin,
            Duration bound,
            String name,
            TransferLimits limits,
            boolean extendedFormats,
            ZoneReader zones) {
        this.zones = zones;
        this.admin = admin;
        this.bound = bound;
        this.name = name;
        this.limits = limits;
        this.extendedFormats = extendedFormats;
    }

    /**
     * One reading at a time; whoever comes meanwhile waits for its end.
     *
     * @throws NvmeException also when the controller takes too long over all of them
     */
    public synchronized Read read() {
        deadlineNanos = System.nanoTime() + BOUNDS_OF_ALL * bound.toNanos();
        var namespaces = new ArrayList<NvmeNamespace>();
        var formats = new ArrayList<BlockFormats.Format>();
        var data = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
        var zoned = zones == null ? List.<Integer>of() : activeList(IdentifyCns.CSI_ZONED);
        for (int nsid : zones == null ? activeList() : inOrder(activeList(IdentifyCns.CSI_NVM), zoned)) {
            identify(IdentifyCns.NAMESPACE, nsid, data);
            var format = IdentifyNamespace.currentFormat(data);
            long blocks = IdentifyNamespace.NSZE.get(data);
            if (blocks == 0) {
                continue; // It went away since the list was read.
            }
            if (!format.isUsable() || blocks < 0) {
                LOG.warn(
                        "{}: namespace {} is left alone: {} blocks, LBA format {}",
                        name,
                        Integer.toUnsignedString(nsid),
                        Long.toUnsignedString(blocks),
                        format);
                continue;
            }
            var metadata = metadata(data, nsid, format.ms());
            var nguid = IdentifyNamespace.NGUID.get(data);
            int boundary = IdentifyNamespace.NOIOB.get(data);
            var namespace = new NvmeNamespace(
                    nsid,
                    blocks,
                    format.blockBytes(),
                    metadata,
                    boundary,
                    globalName(nsid, nguid),
                    zoned.contains(nsid)
                            ? zones.geometry(nsid, IdentifyNamespace.formatIndex(data, 0))
                            : Optional.empty());
            namespaces.add(namespace);
            formats.add(BlockFormats.Format.of(namespace, limits));
        }
        return new Read(List.copyOf(namespaces), List.copyOf(formats));
    }

    /** NVM Command Set 1.1 §4.1.5.1 "NVM Command Set Identify Namespace Data Structure", FLBAS and DPS. */
    private MetadataFormat metadata(MemorySegment data, int nsid, int bytes) {
        boolean extended = (IdentifyNamespace.FLBAS.get(data) & FLBAS_METADATA_IN_DATA) != 0;
        int settings = IdentifyNamespace.DPS.get(data);
        int type = settings & DPS_TYPE_MASK;
        if (type == 0 || type > DPS_LAST_TYPE || bytes < MetadataFormat.PROTECTION_BYTES) {
            return MetadataFormat.of(bytes, extended);
        }
        boolean first = (settings & DPS_FIRST) != 0;
        if (!extendedFormats) {
            return MetadataFormat.withProtection(bytes, extended, type, first);
        }
        var more = MemorySegment.ofArray(new byte[IdentifyNvmNamespace.SIZE_BYTES]);
        identify(IdentifyCns.COMMAND_SET_NAMESPACE, nsid, more);
        var format = IdentifyNvmNamespace.elbaf(more, IdentifyNamespace.formatIndex(data, 0));
        // Of the tags' room in the tuple, the storage tag has the upper part.
        return switch (format.pif()) {
            case IdentifyNvmNamespace.PIF_16_BIT_GUARD ->
                new MetadataFormat(
                        bytes, extended, type, MetadataFormat.PROTECTION_BYTES, first, tagBits(32, format.sts()));
            case IdentifyNvmNamespace.PIF_32_BIT_GUARD ->
                new MetadataFormat(bytes, extended, type, 16, first, tagBits(80, format.sts()));
            default -> new MetadataFormat(bytes, extended, type, 16, first, tagBits(48, format.sts()));
        };
    }

    private static int tagBits(int room, int storageTagBits) {
        return Math.clamp(room - storageTagBits, 0, Long.SIZE);
    }

    private static List<Integer> inOrder(List<Integer> some, List<Integer> others) {
        return Stream.concat(some.stream(), others.stream())
                .sorted(Integer::compareUnsigned)
                .toList();
    }

    private List<Integer> activeList() {
        return activeList(IdentifyCns.ACTIVE_NAMESPACE_LIST, 0);
    }

    /** Those of one command set. */
    private List<Integer> activeList(int csi) {
        return activeList(IdentifyCns.COMMAND_SET_ACTIVE_NAMESPACE_LIST, csi);
    }

    private List<Integer> activeList(int cns, int csi) {
        var nsids = new ArrayList<Integer>();
        var data = MemorySegment.ofArray(new byte[IdentifyCns.DATA_BYTES]);
        int last = 0;
        while (nsids.size() < MAX_NAMESPACES) {
            identify(cns, csi, last, data);
            var page = NamespaceList.read(data, 0);
            for (int nsid : page) {
                // Rising order is what makes the loop end.
                if (Integer.compareUnsigned(nsid, last) <= 0) {
                    throw new NvmeException(
                            NvmeException.Kind.GIVE_UP,
                            name,
                            "the active namespace list is not in rising order: " + Integer.toUnsignedString(nsid)
                                    + " after " + Integer.toUnsignedString(last));
                }
                nsids.add(nsid);
                last = nsid;
            }
            if (page.length < NamespaceList.MAX_ENTRIES) {
                return nsids;
            }
        }
        LOG.warn("{}: only the first {} namespaces are used", name, nsids.size());
        return nsids;
    }

    /** NGUID, or the UUID, or the EUI64, whichever there is first; empty where there is none. In hex digits. */
    private String globalName(int nsid, UUID nguid) {
        if (!nguid.equals(NO_NGUID)) {
            return digits(nguid);
        }
        var data = MemorySegment.ofArray(new byte[NamespaceIdentifiers.SIZE_BYTES]);
        try {
            identify(IdentifyCns.NAMESPACE_IDENTIFICATION_DESCRIPTORS, nsid, data);
        } catch (NvmeException e) {
            if (e.status().isEmpty()) {
                throw e;
            }
            // Controllers before 1.3 do not have the list.
            LOG.debug("{}", e.getMessage());
            return "";
        }
        var identifiers = NamespaceIdentifiers.readFrom(data, 0);
        return identifiers
                .nguid()
                .or(identifiers::uuid)
                .map(NamespaceReader::digits)
                .orElseGet(() -> identifiers.eui64().isPresent()
                        ? HexFormat.of().toHexDigits(identifiers.eui64().getAsLong())
                        : "");
    }

    private static String digits(UUID id) {
        var hex = HexFormat.of();
        return hex.toHexDigits(id.getMostSignificantBits()) + hex.toHexDigits(id.getLeastSignificantBits());
    }

    private void identify(int cns, int nsid, MemorySegment data) {
        identify(cns, 0, nsid, data);
    }

    private void identify(int cns, int csi, int nsid, MemorySegment data) {
        var command = new NvmCommand().reset(AdminOpcode.IDENTIFY, nsid);
        command.cdw10 = cns;
        command.cdw11 = csi << 24;
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
            throw new NvmeException(
                    NvmeException.Kind.RESET,
                    name,
                    "the namespaces were not all read within " + BOUNDS_OF_ALL * bound.toMillis()
                            + " ms, the next one is " + Integer.toUnsignedString(nsid));
        }
        admin.execute(command, data, bound);
    }
}
