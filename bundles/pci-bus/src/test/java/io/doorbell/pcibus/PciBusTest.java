package io.doorbell.pcibus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PciBusTest {
    private static final String ADDRESS = "0000:01:00.0";

    @TempDir
    private Path root;

    private FakeBus fake;

    @BeforeEach
    void makeBus() {
        fake = new FakeBus(root);
    }

    @Test
    void aFunctionIsWhatSysfsSaysOfIt() {
        fake.nvme(ADDRESS, 7).disk(ADDRESS, "nvme0", "nvme0n1", 2).disk(ADDRESS, "nvme0", "nvme0n2", 0);

        var device = fake.bus().device(ADDRESS).orElseThrow();

        assertThat(device.ids()).isEqualTo("1b36:0010");
        assertThat(device.subsystemVendorId()).isEqualTo(0x1AF4);
        assertThat(device.subsystemId()).isEqualTo(0x1100);
        assertThat(device.revision()).isEqualTo(2);
        assertThat(device.isNvme()).isTrue();
        assertThat(device.driver()).isEqualTo("nvme");
        assertThat(device.isBoundToVfio()).isFalse();
        assertThat(device.iommuGroup()).hasValue(7);
        assertThat(device.numaNode()).isEqualTo(-1);
        assertThat(device.blockDevices()).containsExactly("nvme0n1", "nvme0n2");
    }

    @Test
    void aFunctionWithoutDriverAndIommuIsOneToo() {
        fake.function(ADDRESS, 0x06_04_00);

        var device = fake.bus().device(ADDRESS).orElseThrow();

        assertThat(device.driver()).isEmpty();
        assertThat(device.iommuGroup()).isEmpty();
        assertThat(device.isBridge()).isTrue();
        assertThat(device.blockDevices()).isEmpty();
    }

    @Test
    void theDiskOfAPathOfSeveralIsTheSharedOne() {
        fake.nvme(ADDRESS, 7).disk(ADDRESS, "nvme1", "nvme0c1n1", 0);
        FakeBus.file(fake.sysfs().resolve("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/dev"), "259:9");
        FakeBus.link(
                fake.sysfs().resolve("block/nvme0n1"),
                fake.sysfs().resolve("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1"));

        assertThat(fake.bus().device(ADDRESS).orElseThrow().blockDevices()).containsExactly("nvme0n1");
    }

    @Test
    void functionsAreListedByAddressAndOneThatLeavesMeanwhileIsNotThere() throws Exception {
        fake.nvme("0000:02:00.0", 8).nvme(ADDRESS, 7).function("0000:00:00.0", 0x06_00_00);
        Files.delete(fake.place("0000:02:00.0").resolve("class"));

        assertThat(fake.bus().devices()).extracting(PciDevice::address).containsExactly("0000:00:00.0", ADDRESS);
        assertThat(fake.bus().device("0000:09:00.0")).isEmpty();
    }

    @Test
    void aGroupHasAllOfItsFunctions() {
        fake.nvme(ADDRESS, 7).nvme("0000:01:00.1", 7).nvme("0000:02:00.0", 8);

        assertThat(fake.bus().group(7)).extracting(PciDevice::address).containsExactly(ADDRESS, "0000:01:00.1");
        assertThat(fake.bus().group(99)).isEmpty();
    }

    @Test
    void addressesAreWrittenAsSysfsDoes() {
        assertThat(PciBus.canonicalAddress("1:0.0")).isEqualTo(ADDRESS);
        assertThat(PciBus.canonicalAddress(" 0000:AF:1F.7 ")).isEqualTo("0000:af:1f.7");
        assertThat(PciBus.canonicalAddress("10001:01:00.0")).isEqualTo("10001:01:00.0");
        for (var wrong : new String[] {"", "nvme0", "01:00", "01:20.0", "01:00.8", "0000:01:00.0/../x", "x1:00.0"}) {
            assertThatThrownBy(() -> PciBus.canonicalAddress(wrong))
                    .as(wrong)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("0000:01:00.0");
        }
    }
}
