package io.doorbell.pcie.vfio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.pci.PciException;
import io.doorbell.pci.PciFunction;
import io.doorbell.pci.PciIdentity;
import io.doorbell.pcibus.FakeBus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VfioFunctionsTest {
    private static final String ADDRESS = "0000:01:00.0";

    @TempDir
    private Path root;

    private FakeBus fake;
    private VfioFunctions functions;

    @BeforeEach
    void makeBus() {
        fake = new FakeBus(root);
        fake.nvme(ADDRESS, 7).bound(ADDRESS, "vfio-pci").node(7);
        functions = new VfioFunctions(fake.sysfs(), fake.nodes(), fake.processes());
    }

    private void assertMissing(String... why) {
        assertThatThrownBy(() -> functions.find(ADDRESS))
                .isInstanceOf(PciException.class)
                .hasMessageContaining(ADDRESS)
                .hasMessageContainingAll(why);
    }

    @Test
    void findsAFunctionByItsAddress() {
        var function = functions.find("1:0.0");

        assertThat(function.address()).isEqualTo(ADDRESS);
        assertThat(function.transport()).isEqualTo("PCIE");
        assertThat(function.identity()).isEqualTo(new PciIdentity(0x1B36, 0x10, 0x1AF4, 0x1100, 2, 0x01_08_02));
    }

    @Test
    void findsByClassOnlyWhatVfioHas() {
        fake.nvme("0000:02:00.0", 8)
                .function("0000:03:00.0", 0x02_00_00)
                .group("0000:03:00.0", 9)
                .bound("0000:03:00.0", "vfio-pci");

        assertThat(functions.findNvme()).extracting(PciFunction::address).containsExactly(ADDRESS);
    }

    @Test
    void anAddressWithoutAFunctionIsSaidSo() {
        assertThatThrownBy(() -> functions.find("0000:09:00.0"))
                .isInstanceOf(PciException.class)
                .hasMessageContainingAll("0000:09:00.0", "doorbell pci list");
    }

    @Test
    void anotherDriverIsMendedByBinding() {
        fake.bound(ADDRESS, "nvme");
        assertMissing("the driver nvme", "doorbell pci bind " + ADDRESS);

        fake.bound(ADDRESS, "");
        assertMissing("no driver", "doorbell pci bind " + ADDRESS);
    }

    @Test
    void aMachineWithoutIommuIsMendedByBooting() throws Exception {
        Files.delete(fake.place(ADDRESS).resolve("iommu_group"));

        assertMissing("intel_iommu=on", "VT-d");
    }

    @Test
    void aGroupInUseByKernelDriversNamesEachOfThem() {
        fake.nvme("0000:01:00.1", 7)
                .function("0000:01:00.2", 0x02_00_00)
                .group("0000:01:00.2", 7)
                .bound("0000:01:00.2", "ahci");

        assertMissing(
                "IOMMU group 7",
                "0000:01:00.1 (1b36:0010, nvme)",
                "doorbell pci bind 0000:01:00.1",
                "0000:01:00.2 (1b36:0010, ahci)",
                "echo 0000:01:00.2 > ");
    }

    @Test
    void bridgesAndFunctionsWithoutDriverDoNotStandInTheWay() {
        fake.function("0000:00:04.0", 0x06_04_00)
                .group("0000:00:04.0", 7)
                .bound("0000:00:04.0", "pcieport")
                .function("0000:01:00.1", 0x02_00_00)
                .group("0000:01:00.1", 7)
                .nvme("0000:01:00.2", 7)
                .bound("0000:01:00.2", "vfio-pci");

        assertThat(functions.find(ADDRESS)).isNotNull();
    }

    @Test
    void modulesAndNodesThatAreMissingAreNamed() throws Exception {
        Files.delete(fake.nodes().resolve("7"));
        assertMissing(fake.nodes().resolve("7").toString(), "--device");

        Files.delete(fake.nodes().resolve("vfio"));
        assertMissing("modprobe vfio_iommu_type1");
    }

    @Test
    void aNodeThatIsNoDeviceIsRefusedWithItsCallAndNothingStaysOpen() throws Exception {
        var function = functions.find(ADDRESS);

        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> function.open("test"))
                    .isInstanceOf(PciException.class)
                    .hasMessageContainingAll(ADDRESS, "VFIO_GET_API_VERSION", "ENOTTY");
        }

        try (var open = Files.list(Path.of("/proc/self/fd"))) {
            assertThat(open.filter(Files::exists).map(VfioFunctionsTest::target).toList())
                    .doesNotContain(fake.nodes().resolve("vfio"), fake.nodes().resolve("7"));
        }
    }

    private static Path target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor);
        } catch (IOException closed) {
            return descriptor;
        }
    }

    @Test
    void aFunctionThatIsGoneCannotBeClaimed() {
        var function = functions.find(ADDRESS);
        function.ended("it was unplugged");

        assertThatThrownBy(() -> function.open("test"))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("it was unplugged");
    }

    @Test
    void aSelectionIsAddressesOrTheClass() {
        assertThat(Selection.parse(List.of()).isEmpty()).isTrue();
        assertThat(Selection.parse(List.of("", " ")).isEmpty()).isTrue();
        assertThat(Selection.parse(List.of("class"))).isEqualTo(new Selection(true, List.of()));
        assertThat(Selection.parse(List.of("1:0.0", "0000:01:00.0", " 02:00.0")).addresses())
                .containsExactlyInAnyOrder(ADDRESS, "0000:02:00.0");
        assertThatThrownBy(() -> Selection.parse(List.of("nvme0")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"nvme0\"");
    }
}
