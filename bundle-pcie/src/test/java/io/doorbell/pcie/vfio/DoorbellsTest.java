package io.doorbell.pcie.vfio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.pci.PciException;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class DoorbellsTest {
    private static RegionInfo bar(long bytes, long... areas) {
        var list = new ArrayList<RegionInfo.Area>();
        for (int i = 0; i < areas.length; i += 2) {
            list.add(new RegionInfo.Area(areas[i], areas[i + 1]));
        }
        return new RegionInfo(bytes, 0, list);
    }

    @Test
    void areAllThatThereAreBehindTheRegisters() {
        assertThat(Doorbells.in("x", bar(0x4000, 0, 0x4000))).isEqualTo(new Doorbells(0x1000, 0x3000));
    }

    @Test
    void areNoMoreThanTheirBound() {
        assertThat(Doorbells.in("x", bar(64 << 20, 0, 64 << 20)).bytes()).isEqualTo(Doorbells.MAX_BYTES);
    }

    @Test
    void endWhereThePageOfTheInterruptTableIsKeptBack() {
        assertThat(Doorbells.in("x", bar(0x4000, 0, 0x2000, 0x3000, 0x1000))).isEqualTo(new Doorbells(0x1000, 0x1000));
    }

    @Test
    void mayBeMappedWithoutTheRegisters() {
        assertThat(Doorbells.in("x", bar(0x4000, 0x1000, 0x3000))).isEqualTo(new Doorbells(0x1000, 0x3000));
    }

    @Test
    void thatCannotBeMappedAreRefusedWithTheReason() {
        assertThatThrownBy(() -> Doorbells.in("0000:01:00.0", bar(0x4000, 0, 0x1000, 0x2000, 0x2000)))
                .isInstanceOf(PciException.class)
                .hasMessageContainingAll("0000:01:00.0", "1000h", "4.16");
        assertThatThrownBy(() -> Doorbells.in("x", bar(0x4000))).hasMessageContaining("nothing can be mapped");
    }

    @Test
    void ofABarThatGotNoAddressesAreRefused() {
        assertThatThrownBy(() -> Doorbells.in("0000:01:00.0", bar(0)))
                .hasMessageContainingAll("0h bytes", "/sys/bus/pci/devices/0000:01:00.0/remove");
    }
}
