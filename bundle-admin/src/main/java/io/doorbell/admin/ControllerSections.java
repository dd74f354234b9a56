package io.doorbell.admin;

import static io.doorbell.nvme.IdentifyController.*;

import io.doorbell.admin.Report.Builder;
import io.doorbell.admin.Report.Cell;
import io.doorbell.admin.Report.Section;
import io.doorbell.nvme.PowerState;
import io.doorbell.nvme.Version;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Identify Controller. NVMe Base 2.1 §5.1.13.2.1 "Identify Controller Data Structure (CNS 01h)". */
final class ControllerSections {
    private static final Bits CMIC_BITS = Bits.of(
            0, "more than one port", 1, "more than one controller", 2, "SR-IOV virtual function", 3, "ANA reporting");
    private static final Bits OAES_BITS = Bits.of(
            8, "namespace attribute notices",
            9, "firmware activation notices",
            10, "telemetry log notices",
            11, "ANA change notices",
            12, "predictable latency event notices",
            13, "LBA status information notices",
            14, "endurance group event notices",
            15, "normal NVM subsystem shutdown",
            27, "zone descriptor changed notices",
            31, "discovery log change notices");
    private static final Bits CTRATT_BITS = Bits.of(
            0, "host identifiers of 128 bits",
            1, "non-operational power state permissive mode",
            2, "NVM sets",
            3, "read recovery levels",
            4, "endurance groups",
            5, "predictable latency mode",
            6, "traffic based keep alive",
            7, "namespace granularity",
            8, "SQ associations",
            9, "UUID list",
            10, "multi-domain subsystem",
            11, "fixed capacity management",
            12, "variable capacity management",
            13, "delete endurance group",
            14, "delete NVM set",
            15, "extended LBA formats",
            19, "flexible data placement");
    private static final Bits OACS_BITS = Bits.of(
            0, "Security Send and Receive",
            1, "Format NVM",
            2, "Firmware Commit and Image Download",
            3, "Namespace Management and Attachment",
            4, "Device Self-test",
            5, "Directives",
            6, "NVMe-MI Send and Receive",
            7, "Virtualization Management",
            8, "Doorbell Buffer Config",
            9, "Get LBA Status",
            10, "Command and Feature Lockdown");
    private static final Bits FRMW_BITS = Bits.of(
                    0, "slot 1 is read only", 4, "activation without a reset", 5, "overlapping pieces are noticed")
            .except(0xE);
    private static final Bits LPA_BITS = Bits.of(
            0, "SMART per namespace",
            1, "Commands Supported and Effects",
            2, "extended data: offsets",
            3, "telemetry",
            4, "persistent events",
            5, "supported log pages",
            6, "telemetry data area 4");
    private static final Bits SANICAP_BITS = Bits.of(
                    0, "crypto erase", 1, "block erase", 2, "overwrite", 29, "no-deallocate is inhibited")
            .except(3L << 30);
    private static final Bits ONCS_BITS = Bits.of(
            0, "Compare",
            1, "Write Uncorrectable",
            2, "Dataset Management",
            3, "Write Zeroes",
            4, "Save and Select in features",
            5, "reservations",
            6, "timestamp",
            7, "Verify",
            8, "Copy",
            9, "atomicity of Copy",
            10, "all fast Copy",
            11, "Write Zeroes size limit is its own",
            12, "namespace zeroes");
    private static final Bits FNA_BITS = Bits.of(
            0, "a format is of all namespaces",
            1, "a secure erase is of all namespaces",
            2, "cryptographic erase",
            3, "not to all namespaces at once");
    private static final Bits SGLS_BITS = Bits.of(
                    2, "keyed data block",
                    16, "bit bucket",
                    17, "metadata in one buffer, byte aligned",
                    18, "longer than the transfer",
                    19, "metadata by SGL",
                    20, "address as an offset",
                    21, "transport data block")
            .except(3);

    private ControllerSections() {}

    static Section capabilities(MemorySegment id) {
        long mdts = MDTS.get(id);
        int version = VER.get(id);
        return new Builder("controller", "Controller")
                .text("sn", "Serial number", "SN", Words.clean(SN.get(id)))
                .text("mn", "Model number", "MN", Words.clean(MN.get(id)))
                .text("fr", "Firmware revision", "FR", Words.clean(FR.get(id)))
                .text("subnqn", "Subsystem qualified name", "SUBNQN", Words.clean(SUBNQN.get(id)))
                .value("vid", "PCI vendor", "VID", VID.get(id), Words.hex(VID.get(id), 4))
                .value("ssvid", "PCI subsystem vendor", "SSVID", SSVID.get(id), Words.hex(SSVID.get(id), 4))
                .text(
                        "ieee",
                        "IEEE OUI",
                        "IEEE",
                        String.format("%02x-%02x-%02x", IEEE_2.get(id), IEEE_1.get(id), IEEE_0.get(id)))
                .value("cntlid", "Controller identifier", "CNTLID", CNTLID.get(id))
                .value("ver", "Version", "VER", version, new Version(version).toString())
                .value("cntrltype", "Controller type", "CNTRLTYPE", CNTRLTYPE.get(id), type(CNTRLTYPE.get(id)))
                .value("rab", "Recommended arbitration burst", "RAB", RAB.get(id), (1L << RAB.get(id)) + " commands")
                .value(
                        "mdts",
                        "Maximum data transfer",
                        "MDTS",
                        mdts,
                        mdts == 0 ? "no limit" : "2^" + mdts + " pages of CAP.MPSMIN")
                .flags("cmic", "Multi-path and sharing", "CMIC", CMIC.get(id), 2, CMIC_BITS)
                .value("rtd3r", "RTD3 resume latency", "RTD3R", RTD3R.unsigned(id), Words.micros(RTD3R.unsigned(id)))
                .value("rtd3e", "RTD3 entry latency", "RTD3E", RTD3E.unsigned(id), Words.micros(RTD3E.unsigned(id)))
                .flags("oaes", "Optional asynchronous events", "OAES", OAES.unsigned(id), 8, OAES_BITS)
                .flags("ctratt", "Controller attributes", "CTRATT", CTRATT.unsigned(id), 8, CTRATT_BITS)
                .build();
    }

    private static String type(int type) {
        return switch (type) {
            case CNTRLTYPE_IO -> "I/O controller";
            case CNTRLTYPE_DISCOVERY -> "discovery controller";
            case CNTRLTYPE_ADMINISTRATIVE -> "administrative controller";
            case 0 -> "not reported";
            default -> Words.hex(type, 2);
        };
    }

    static Section adminCommands(MemorySegment id) {
        int slots = FRMW.get(id) >> 1 & 7;
        int fwug = FWUG.get(id);
        return new Builder("admin", "Admin commands")
                .flags("oacs", "Optional admin commands", "OACS", OACS.get(id), 4, OACS_BITS)
                .value("acl", "Aborts at a time", "ACL", ACL.get(id) + 1)
                .value("aerl", "Asynchronous event requests", "AERL", AERL.get(id) + 1)
                .flags("frmw", "Firmware updates", "FRMW", FRMW.get(id), 2, FRMW_BITS)
                .value("firmware_slots", "Firmware slots", "", slots)
                .value(
                        "fwug",
                        "Firmware update granularity",
                        "FWUG",
                        fwug,
                        fwug == 0 ? "not reported" : fwug == 0xFF ? "none" : fwug * 4 + " KiB")
                .value("mtfa", "Firmware activation time", "MTFA", MTFA.get(id), MTFA.get(id) * 100 + " ms")
                .flags("lpa", "Log page attributes", "LPA", LPA.get(id), 2, LPA_BITS)
                .value("elpe", "Error log entries", "ELPE", ELPE.get(id) + 1)
                .value("npss", "Power states", "NPSS", NPSS.get(id) + 1)
                .value(
                        "apsta",
                        "Autonomous power state transitions",
                        "APSTA",
                        APSTA.get(id),
                        Words.yes((APSTA.get(id) & 1) != 0))
                .value("wctemp", "Warning temperature", "WCTEMP", WCTEMP.get(id), Words.kelvin(WCTEMP.get(id)))
                .value("cctemp", "Critical temperature", "CCTEMP", CCTEMP.get(id), Words.kelvin(CCTEMP.get(id)))
                .value(
                        "hmpre",
                        "Host memory buffer, preferred",
                        "HMPRE",
                        HMPRE.unsigned(id),
                        HMPRE.get(id) == 0 ? "none" : Words.bytes(HMPRE.unsigned(id) * 4096))
                .value("tnvmcap", "Total capacity", "TNVMCAP", TNVMCAP.get(id), Words.bytes(TNVMCAP.get(id)))
                .value("unvmcap", "Unallocated capacity", "UNVMCAP", UNVMCAP.get(id), Words.bytes(UNVMCAP.get(id)))
                .value("edstt", "Extended self-test time", "EDSTT", EDSTT.get(id), EDSTT.get(id) + " min")
                .value(
                        "kas",
                        "Keep alive granularity",
                        "KAS",
                        KAS.get(id),
                        KAS.get(id) == 0 ? "no keep alive" : KAS.get(id) * 100 + " ms")
                .flags("sanicap", "Sanitize", "SANICAP", SANICAP.unsigned(id), 8, SANICAP_BITS)
                .build();
    }

    static Section ioCommands(MemorySegment id) {
        int sqes = SQES.get(id);
        int cqes = CQES.get(id);
        int vwc = VWC.get(id);
        var builder = new Builder("io", "I/O commands")
                .value("sqes", "Submission queue entry", "SQES", sqes, entry(sqes))
                .value("cqes", "Completion queue entry", "CQES", cqes, entry(cqes))
                .value(
                        "maxcmd",
                        "Outstanding commands of a queue",
                        "MAXCMD",
                        MAXCMD.get(id),
                        MAXCMD.get(id) == 0 ? "not reported" : String.valueOf(MAXCMD.get(id)))
                .value("nn", "Highest namespace identifier", "NN", NN.unsigned(id))
                .value("mnan", "Namespaces, at most", "MNAN", MNAN.unsigned(id))
                .flags("oncs", "Optional NVM commands", "ONCS", ONCS.get(id), 4, ONCS_BITS)
                .flags("fuses", "Fused operations", "FUSES", FUSES.get(id), 4, Bits.of(0, "Compare and Write"))
                .flags("fna", "Format NVM", "FNA", FNA.get(id), 2, FNA_BITS)
                .value("vwc", "Volatile write cache", "VWC", vwc, cache(vwc));
        return builder.value("awun", "Atomic write unit, normal", "AWUN", AWUN.get(id) + 1, blocks(AWUN.get(id)))
                .value("awupf", "Atomic write unit, power fail", "AWUPF", AWUPF.get(id) + 1, blocks(AWUPF.get(id)))
                .value("acwu", "Atomic compare and write unit", "ACWU", ACWU.get(id) + 1, blocks(ACWU.get(id)))
                .value("sgl_alignment", "SGLs", "SGLS", SGLS.get(id) & SGLS_SUPPORTED_MASK, sgls(SGLS.get(id)))
                .flags("sgls", "SGL descriptors", "SGLS", SGLS.unsigned(id), 8, SGLS_BITS)
                .build();
    }

    private static String entry(int sizes) {
        return "2^" + (sizes & 0xF) + " required, 2^" + (sizes >> 4) + " at most";
    }

    private static String cache(int vwc) {
        var flushAll = switch (vwc >> 1 & 3) {
            case 2 -> ", no Flush to all namespaces";
            case 3 -> ", Flush to all namespaces";
            default -> "";
        };
        return ((vwc & VWC_PRESENT) != 0 ? "present" : "none") + flushAll;
    }

    private static String blocks(int zeroBased) {
        return zeroBased + 1 + (zeroBased == 0 ? " block" : " blocks");
    }

    private static String sgls(int sgls) {
        return switch (sgls & SGLS_SUPPORTED_MASK) {
            case SGLS_SUPPORTED_BYTE_ALIGNED -> "any alignment";
            case SGLS_SUPPORTED_DWORD_ALIGNED -> "dword alignment";
            default -> "none";
        };
    }

    static Section powerStates(MemorySegment id) {
        int states = Math.min(NPSS.get(id) + 1, PowerState.MAX_STATES);
        var keys = List.of(
                "state",
                "operational",
                "max_watts",
                "entry_us",
                "exit_us",
                "rrt",
                "rrl",
                "rwt",
                "rwl",
                "idle_watts",
                "active_watts");
        var heads = List.of(
                "PS", "operational", "maximum", "entry us", "exit us", "RRT", "RRL", "RWT", "RWL", "idle", "active");
        var rows = new ArrayList<List<Cell>>();
        IntStream.range(0, states).forEach(index -> {
            var state = PowerState.of(id, index);
            rows.add(List.of(
                    Cell.of(index),
                    new Cell(state.operational(), Words.yes(state.operational())),
                    new Cell(state.maxPowerWatts(), Words.watts(state.maxPowerWatts())),
                    Cell.of(state.entryMicros()),
                    Cell.of(state.exitMicros()),
                    Cell.of(state.readThroughput()),
                    Cell.of(state.readLatency()),
                    Cell.of(state.writeThroughput()),
                    Cell.of(state.writeLatency()),
                    new Cell(state.idlePowerWatts(), Words.watts(state.idlePowerWatts())),
                    new Cell(state.activePowerWatts(), Words.watts(state.activePowerWatts()))));
        });
        return new Builder("power", "Power states")
                .table(new Report.Table("states", keys, heads, rows))
                .build();
    }
}
