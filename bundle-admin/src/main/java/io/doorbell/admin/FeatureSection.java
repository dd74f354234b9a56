package io.doorbell.admin;

import io.doorbell.admin.Report.Builder;
import io.doorbell.admin.Report.Cell;
import io.doorbell.admin.Report.Section;
import io.doorbell.host.admin.AdminCommands;
import io.doorbell.host.admin.LogPage;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.FeatureId.Select;
import io.doorbell.nvme.FeaturesSupportedAndEffects;
import io.doorbell.nvme.IdentifyController;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmeException;
import io.doorbell.nvme.SupportedLogPages;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Current values of the features a controller has. NVMe Base 2.1 §5.1.25 "Set Features command". */
final class FeatureSection {
    private static final List<Integer> SHOWN = List.of(
            FeatureId.ARBITRATION,
            FeatureId.POWER_MANAGEMENT,
            FeatureId.TEMPERATURE_THRESHOLD,
            FeatureId.VOLATILE_WRITE_CACHE,
            FeatureId.NUMBER_OF_QUEUES,
            FeatureId.INTERRUPT_COALESCING,
            FeatureId.WRITE_ATOMICITY_NORMAL,
            FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION,
            FeatureId.TIMESTAMP,
            FeatureId.KEEP_ALIVE_TIMER,
            FeatureId.HOST_CONTROLLED_THERMAL_MANAGEMENT,
            FeatureId.NON_OPERATIONAL_POWER_STATE_CONFIG,
            FeatureId.SANITIZE_CONFIG,
            FeatureId.SOFTWARE_PROGRESS_MARKER,
            FeatureId.HOST_IDENTIFIER);

    private static final int FEATURES_LOG = LogPageId.FEATURE_IDENTIFIERS_SUPPORTED_AND_EFFECTS;
    private static final long TIMESTAMP_MASK = (1L << 48) - 1;
    private static final int HOST_ID_128 = 1;

    private final AdminCommands admin;
    private final boolean selects;
    private final boolean wideHostIds;
    private final List<List<Cell>> rows = new ArrayList<>();

    FeatureSection(AdminCommands admin, MemorySegment identity) {
        this.admin = admin;
        selects = (IdentifyController.ONCS.get(identity) & IdentifyController.ONCS_SAVE_AND_SELECT) != 0;
        wideHostIds = (IdentifyController.CTRATT.get(identity) & IdentifyController.CTRATT_HOST_IDENTIFIER_128) != 0;
    }

    Section section() {
        var supported = supported();
        for (int fid : SHOWN) {
            if (supported.map(page -> isSupported(page, fid)).orElse(true)) {
                ask(fid);
            }
        }
        return new Builder("features", "Features")
                .table(new Report.Table(
                        "values",
                        List.of("fid", "name", "value", "meaning", "capabilities"),
                        List.of("FID", "feature", "value", "that is", "can be"),
                        rows))
                .build();
    }

    /** What the controller says it has, so that it is not asked for what it has not: each refusal is an error in its log. */
    private Optional<MemorySegment> supported() {
        try {
            if (SupportedLogPages.entry(admin.supportedLogPages(), 0, FEATURES_LOG) == 0) {
                return Optional.empty();
            }
            return Optional.of(admin.log(LogPage.of(FEATURES_LOG, FeaturesSupportedAndEffects.SIZE_BYTES)));
        } catch (NvmeException e) {
            if (e.status().isEmpty()) {
                throw e;
            }
            return Optional.empty();
        }
    }

    private static boolean isSupported(MemorySegment page, int fid) {
        return (FeaturesSupportedAndEffects.entry(page, 0, fid) & FeaturesSupportedAndEffects.FSUPP) != 0;
    }

    private void ask(int fid) {
        switch (fid) {
            case FeatureId.TIMESTAMP -> row(fid, 0, MemorySegment.ofArray(new byte[8]));
            case FeatureId.HOST_IDENTIFIER ->
                row(fid, wideHostIds ? HOST_ID_128 : 0, MemorySegment.ofArray(new byte[wideHostIds ? 16 : 8]));
            default -> row(fid, 0, null);
        }
    }

    private void row(int fid, int cdw11, MemorySegment data) {
        int value;
        try {
            value = admin.feature(fid, Select.CURRENT, 0, cdw11, data).dw0();
        } catch (NvmeException e) {
            if (e.status().isEmpty()) {
                throw e;
            }
            return; // It does not have it.
        }
        var text = data == null ? Words.hex(Integer.toUnsignedLong(value), 8) : Words.hexOf(data);
        rows.add(List.of(
                new Cell(fid, Words.hex(fid, 2)),
                Cell.of(FeatureId.name(fid)),
                new Cell(data == null ? (Object) Integer.toUnsignedLong(value) : text, text),
                Cell.of(meaning(fid, value, data)),
                Cell.of(capabilities(fid))));
    }

    private String capabilities(int fid) {
        if (!selects) {
            return "";
        }
        int bits;
        try {
            bits = admin.feature(fid, Select.SUPPORTED_CAPABILITIES, 0, 0, null).dw0();
        } catch (NvmeException e) {
            if (e.status().isEmpty()) {
                throw e;
            }
            return "";
        }
        var words = new ArrayList<String>();
        if ((bits & 4) != 0) {
            words.add("changed");
        }
        if ((bits & 1) != 0) {
            words.add("saved");
        }
        return String.join(", ", words);
    }

    private static String meaning(int fid, int value, MemorySegment data) {
        return switch (fid) {
            case FeatureId.ARBITRATION ->
                (value & 7) == 7 ? "bursts without a limit" : "bursts of " + (1 << (value & 7));
            case FeatureId.POWER_MANAGEMENT -> "power state " + (value & 0x1F);
            case FeatureId.TEMPERATURE_THRESHOLD -> "over " + Words.kelvin(value & 0xFFFF);
            case FeatureId.VOLATILE_WRITE_CACHE -> (value & 1) != 0 ? "on" : "off";
            case FeatureId.NUMBER_OF_QUEUES ->
                (value & 0xFFFF) + 1 + " submission, " + ((value >>> 16) + 1) + " completion";
            case FeatureId.INTERRUPT_COALESCING ->
                (value & 0xFF) + 1 + " completions, " + (value >> 8 & 0xFF) * 100 + " us";
            case FeatureId.WRITE_ATOMICITY_NORMAL -> (value & 1) != 0 ? "AWUPF counts" : "AWUN counts";
            case FeatureId.ASYNCHRONOUS_EVENT_CONFIGURATION -> Integer.bitCount(value) + " kinds of events";
            case FeatureId.KEEP_ALIVE_TIMER -> value == 0 ? "off" : Integer.toUnsignedLong(value) + " ms";
            case FeatureId.TIMESTAMP -> timestamp(data);
            case FeatureId.SOFTWARE_PROGRESS_MARKER -> (value & 0xFF) + " failed boots";
            default -> "";
        };
    }

    private static String timestamp(MemorySegment data) {
        long raw = data.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        boolean set = (raw >> 49 & 7) == 1;
        long millis = raw & TIMESTAMP_MASK;
        return set ? Instant.ofEpochMilli(millis).toString() : millis / 1000 + " s since the last reset";
    }
}
