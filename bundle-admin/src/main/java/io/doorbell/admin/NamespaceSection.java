package io.doorbell.admin;

import static io.doorbell.nvme.IdentifyNamespace.*;

import io.doorbell.admin.Report.Builder;
import io.doorbell.admin.Report.Cell;
import io.doorbell.admin.Report.Section;
import io.doorbell.nvme.Field;
import io.doorbell.nvme.IdentifyNvmNamespace;
import io.doorbell.nvme.NamespaceIdentifiers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Identify Namespace, with what its command set adds. NVM Command Set 1.1 §4.1.5.1; Zoned Namespace Command Set 1.2 §4.1.5.1
 * "I/O Command Set Specific Identify Namespace Data Structure".
 */
final class NamespaceSection {
    private static final int CSI_NVM = 0;
    private static final int CSI_ZNS = 2;
    private static final UUID NO_NGUID = new UUID(0, 0);

    private static final Bits NSFEAT_BITS = Bits.of(
            0, "thin provisioning",
            1, "NAWUN, NAWUPF and NACWU count",
            2, "deallocated blocks may be errors",
            3, "identifiers are never reused",
            4, "NPWG, NPWA, NPDG, NPDA and NOWS count");
    private static final Bits MC_BITS = Bits.of(0, "behind the data of each block", 1, "in a buffer of its own");
    private static final Bits DPC_BITS =
            Bits.of(0, "type 1", 1, "type 2", 2, "type 3", 3, "as the first bytes", 4, "as the last bytes");
    private static final Bits NMIC_BITS = Bits.of(0, "shared among controllers", 1, "dispersed");
    private static final Bits RESCAP_BITS = Bits.of(
            0, "persist through power loss",
            1, "Write Exclusive",
            2, "Exclusive Access",
            3, "Write Exclusive - Registrants Only",
            4, "Exclusive Access - Registrants Only",
            5, "Write Exclusive - All Registrants",
            6, "Exclusive Access - All Registrants",
            7, "Ignore Existing Key as of 1.3");

    // Of the Zoned Namespace Command Set.
    private static final Field.U16 ZOC = Field.u16(0);
    private static final Field.U16 OZCS = Field.u16(2);
    private static final Field.U32 MAR = Field.u32(4);
    private static final Field.U32 MOR = Field.u32(8);
    private static final int ZONE_FORMATS_BYTES = 2816;
    private static final int ZONE_FORMAT_BYTES = 16;
    private static final Field.U64 ZSZE = Field.u64(ZONE_FORMATS_BYTES);
    private static final int NO_LIMIT = -1;

    private final int nsid;
    private final MemorySegment id;
    private final int csi;
    private final Optional<MemorySegment> specific;
    private final Optional<NamespaceIdentifiers> identifiers;

    NamespaceSection(
            int nsid,
            MemorySegment id,
            int csi,
            Optional<MemorySegment> specific,
            Optional<NamespaceIdentifiers> identifiers) {
        this.nsid = nsid;
        this.id = id;
        this.csi = csi;
        this.specific = specific;
        this.identifiers = identifiers;
    }

    Section section() {
        var builder =
                new Builder(Inspection.NAMESPACE, "Namespace " + Integer.toUnsignedString(nsid) + ": " + commandSet());
        builder.value("nsid", "Namespace identifier", "NSID", Integer.toUnsignedLong(nsid));
        size(builder);
        names(builder);
        builder.flags("nsfeat", "Features", "NSFEAT", NSFEAT.get(id), 2, NSFEAT_BITS)
                .flags("nmic", "Sharing", "NMIC", NMIC.get(id), 2, NMIC_BITS)
                .flags("rescap", "Reservations", "RESCAP", RESCAP.get(id), 2, RESCAP_BITS)
                .value("dlfeat", "Deallocated blocks", "DLFEAT", DLFEAT.get(id), deallocated(DLFEAT.get(id)))
                .value(
                        "noiob",
                        "Optimal I/O boundary",
                        "NOIOB",
                        NOIOB.get(id),
                        NOIOB.get(id) == 0 ? "none" : NOIOB.get(id) + " blocks")
                .value("nsattr", "Write protected", "NSATTR", NSATTR.get(id), Words.yes((NSATTR.get(id) & 1) != 0));
        if ((NSFEAT.get(id) & NSFEAT_OPTIMAL_PERFORMANCE) != 0) {
            builder.value("npwg", "Preferred write granularity", "NPWG", NPWG.get(id) + 1, blocks(NPWG.get(id)))
                    .value("npdg", "Preferred deallocate granularity", "NPDG", NPDG.get(id) + 1, blocks(NPDG.get(id)));
        }
        if ((NSFEAT.get(id) & NSFEAT_ATOMICS) != 0) {
            builder.value("nawun", "Atomic write unit, normal", "NAWUN", NAWUN.get(id) + 1, blocks(NAWUN.get(id)))
                    .value(
                            "nawupf",
                            "Atomic write unit, power fail",
                            "NAWUPF",
                            NAWUPF.get(id) + 1,
                            blocks(NAWUPF.get(id)));
        }
        if (MSSRL.get(id) != 0) {
            builder.value("mssrl", "Copy, one source range", "MSSRL", MSSRL.get(id), MSSRL.get(id) + " blocks")
                    .value("mcl", "Copy, all of it", "MCL", MCL.unsigned(id), MCL.unsigned(id) + " blocks")
                    .value("msrc", "Copy, source ranges", "MSRC", MSRC.get(id) + 1);
        }
        protection(builder);
        if (csi == CSI_ZNS) {
            specific.ifPresent(zoned -> zones(builder, zoned));
        }
        return builder.table(formats()).build();
    }

    private String commandSet() {
        return switch (csi) {
            case CSI_NVM -> "NVM command set";
            case CSI_ZNS -> "zoned";
            default -> "command set " + csi;
        };
    }

    private static String blocks(int zeroBased) {
        return zeroBased + 1 + (zeroBased == 0 ? " block" : " blocks");
    }

    private void size(Builder builder) {
        var format = currentFormat(id);
        var blocks = Words.unsigned(NSZE.get(id));
        var text = Words.count(blocks) + " blocks";
        if (format.isUsable()) {
            text += ", " + Words.bytes(blocks.multiply(java.math.BigInteger.valueOf(format.blockBytes())));
        }
        builder.value("nsze", "Size", "NSZE", blocks, text)
                .value("ncap", "Capacity", "NCAP", Words.unsigned(NCAP.get(id)), Words.count(NCAP.get(id)) + " blocks")
                .value("nuse", "Used", "NUSE", Words.unsigned(NUSE.get(id)), Words.count(NUSE.get(id)) + " blocks")
                .value("nvmcap", "Bytes of media", "NVMCAP", NVMCAP.get(id), Words.bytes(NVMCAP.get(id)))
                .value("csi", "Command set", "CSI", csi, commandSet());
    }

    private void names(Builder builder) {
        var nguid = NGUID.get(id);
        if (!nguid.equals(NO_NGUID)) {
            builder.text("nguid", "Globally unique identifier", "NGUID", digits(nguid));
        }
        if (EUI64.get(id) != 0) {
            builder.text(
                    "eui64",
                    "Extended unique identifier",
                    "EUI64",
                    HexFormat.of().toHexDigits(EUI64.get(id)));
        }
        identifiers
                .flatMap(NamespaceIdentifiers::uuid)
                .ifPresent(uuid -> builder.text("uuid", "UUID", "UUID", uuid.toString()));
    }

    private static String digits(UUID id) {
        var hex = HexFormat.of();
        return hex.toHexDigits(id.getMostSignificantBits()) + hex.toHexDigits(id.getLeastSignificantBits());
    }

    private static String deallocated(int dlfeat) {
        var read = switch (dlfeat & 7) {
            case 1 -> "read as zeroes";
            case 2 -> "read as ones";
            default -> "what they read is not said";
        };
        return read + ((dlfeat & DLFEAT_WRITE_ZEROES_DEALLOCATES) != 0 ? ", Write Zeroes may deallocate" : "");
    }

    private void protection(Builder builder) {
        int dps = DPS.get(id);
        int type = dps & 7;
        builder.flags("mc", "Metadata can be", "MC", MC.get(id), 2, MC_BITS)
                .flags("dpc", "Protection can be", "DPC", DPC.get(id), 2, DPC_BITS)
                .value(
                        "dps",
                        "Protection is",
                        "DPS",
                        dps,
                        type == 0
                                ? "off"
                                : "type " + type + ", the " + ((dps & 8) != 0 ? "first" : "last")
                                        + " bytes of the metadata");
        boolean inData = (FLBAS.get(id) & 1 << 4) != 0;
        if (currentFormat(id).ms() != 0) {
            builder.value(
                    "metadata_in_data",
                    "Metadata is",
                    "FLBAS",
                    inData,
                    inData ? "behind the data of each block" : "in a buffer of its own");
        }
    }

    private void zones(Builder builder, MemorySegment zoned) {
        int index = formatIndex(id, 0);
        var blocks = Words.unsigned(ZSZE.get(zoned, (long) ZONE_FORMAT_BYTES * index));
        builder.value("zsze", "Zone size", "ZSZE", blocks, Words.count(blocks) + " blocks")
                .value("mar", "Active zones", "MAR", limit(MAR.get(zoned)), limit(MAR.get(zoned)))
                .value("mor", "Open zones", "MOR", limit(MOR.get(zoned)), limit(MOR.get(zoned)))
                .flags(
                        "zoc",
                        "Zone operations",
                        "ZOC",
                        ZOC.get(zoned),
                        4,
                        Bits.of(0, "variable zone capacity", 1, "zone active excursions"))
                .flags(
                        "ozcs",
                        "Optional zoned commands",
                        "OZCS",
                        OZCS.get(zoned),
                        4,
                        Bits.of(0, "reads across zone boundaries", 1, "zone random write area"));
    }

    private static String limit(int zeroBased) {
        return zeroBased == NO_LIMIT ? "no limit" : String.valueOf(Integer.toUnsignedLong(zeroBased) + 1);
    }

    private Report.Table formats() {
        int current = formatIndex(id, 0);
        int count = Math.min(NLBAF.get(id), MAX_LBA_FORMATS - 1);
        var rows = new ArrayList<List<Cell>>();
        for (int index = 0; index <= count; index++) {
            var format = lbaf(id, index);
            if (!format.isUsable()) {
                continue;
            }
            rows.add(List.of(
                    new Cell(index, "LBAF " + index),
                    new Cell(format.blockBytes(), format.blockBytes() + " bytes"),
                    new Cell(format.ms(), format.ms() + " bytes"),
                    new Cell(guardBits(index), format.ms() < 8 ? "-" : guardBits(index) + " bit"),
                    new Cell(
                            format.rp(),
                            List.of("best", "better", "good", "degraded").get(format.rp())),
                    new Cell(index == current, index == current ? "in use" : "")));
        }
        return new Report.Table(
                "formats",
                List.of("index", "block_bytes", "metadata_bytes", "guard_bits", "relative_performance", "in_use"),
                List.of("format", "block", "metadata", "guard", "performance", ""),
                rows);
    }

    private int guardBits(int index) {
        int pif = csi == CSI_NVM
                ? specific.map(nvm -> IdentifyNvmNamespace.elbaf(nvm, index).pif())
                        .orElse(0)
                : 0;
        return switch (pif) {
            case IdentifyNvmNamespace.PIF_32_BIT_GUARD -> 32;
            case IdentifyNvmNamespace.PIF_64_BIT_GUARD -> 64;
            default -> 16;
        };
    }
}
