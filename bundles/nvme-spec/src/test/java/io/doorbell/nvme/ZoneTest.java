package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ZoneTest {
    @Test
    void reportsAreLaidOutAsSpecified() {
        var data = MemorySegment.ofArray(new byte[192]);
        ZoneReport.header(data, 0x0102);
        ZoneReport.descriptor(data, 0, Zone.EMPTY, 0x10, 0x20, 0x20);
        ZoneReport.descriptor(data, 1, Zone.FULL, 0x10, 0x40, Zone.NO_WRITE_POINTER);

        assertThat(HexFormat.of().formatHex(data.toArray(ValueLayout.JAVA_BYTE)))
                .isEqualTo("0201" + "00".repeat(62)
                        + "0210" + "00".repeat(6) + "10" + "00".repeat(7) + "20" + "00".repeat(7) + "20"
                        + "00".repeat(7) + "00".repeat(32)
                        + "02e0" + "00".repeat(6) + "10" + "00".repeat(7) + "40" + "00".repeat(7) + "ff".repeat(8)
                        + "00".repeat(32));
        var report = ZoneReport.decode(data);
        assertThat(report.zoneCount()).isEqualTo(0x0102);
        assertThat(report.zones())
                .containsExactly(
                        new ZoneReport.Descriptor(Zone.EMPTY, 0, 0x10, 0x20, 0x20),
                        new ZoneReport.Descriptor(Zone.FULL, 0, 0x10, 0x40, -1));
    }

    @Test
    void formatsOfAZonedNamespaceStandWhereTheSpecificationSays() {
        assertThat(IdentifyZoned.zsze(0).offset()).isEqualTo(2816);
        assertThat(IdentifyZoned.zdes(0).offset()).isEqualTo(2824);
        assertThat(IdentifyZoned.zsze(63).offset()).isEqualTo(2816 + 63 * 16);
        assertThat(IdentifyZoned.MOR.offset()).isEqualTo(8);
    }

    @Test
    void statesAreWhatTheirNamesSay() {
        for (int filter = 1; filter <= 7; filter++) {
            int state = Zone.stateOfFilter(filter);
            String name = Zone.stateName(state);
            assertThat(name).doesNotStartWith("Zone State");
            assertThat(Zone.isOpen(state)).as(name).isEqualTo(name.endsWith("Opened"));
            assertThat(Zone.isActive(state)).as(name).isEqualTo(name.endsWith("Opened") || state == Zone.CLOSED);
            assertThat(Zone.hasWritePointer(state)).as(name).isEqualTo(Zone.isActive(state) || state == Zone.EMPTY);
        }
        assertThat(Zone.stateOfFilter(8)).isEqualTo(-1);
    }
}
