package io.doorbell.pcie.vfio;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.pcibus.FakeBus;
import io.doorbell.pcibus.PciDevice;
import io.doorbell.platform.Machine;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said when the kernel refuses something: each with the command that mends it. */
class ObstaclesTest {
    private static final String ADDRESS = "0000:01:00.0";
    private static final long MIB = 1L << 20;

    @TempDir
    private Path root;

    private FakeBus fake;
    private Obstacles obstacles;
    private PciDevice device;

    @BeforeEach
    void makeBus() {
        fake = new FakeBus(root);
        fake.nvme(ADDRESS, 7).bound(ADDRESS, "vfio-pci").node(7);
        obstacles = new Obstacles(fake.bus(), fake.nodes(), fake.processes());
        device = fake.bus().device(ADDRESS).orElseThrow();
    }

    @Test
    void aUserWithoutRightsIsToldWhoGivesThem() {
        var node = fake.nodes().resolve("7");

        assertThat(obstacles.ofOpening(device, Vfio.EACCES, ""))
                .contains("as root, chown " + System.getProperty("user.name") + " " + node);
        assertThat(obstacles.ofContainer(device, Vfio.EACCES, ""))
                .contains("as root, chmod 666 " + fake.nodes().resolve("vfio"));
    }

    @Test
    void aGroupThatIsOpenElsewhereNamesTheProcess() {
        fake.open(fake.process(12, "init", ""), 3, fake.nodes().resolve("vfio"));
        fake.open(fake.process(99, "qemu", ""), 3, fake.nodes().resolve("7"));

        assertThat(obstacles.ofOpening(device, Vfio.EBUSY, "")).contains("IOMMU group 7", "process 99 (qemu)");
    }

    @Test
    void aGroupThatIsOpenInAProcessThatIsHiddenSaysHowToLook() {
        assertThat(obstacles.ofOpening(device, Vfio.EBUSY, ""))
                .contains("another process", "fuser -v " + fake.nodes().resolve("7"));
    }

    @Test
    void anIommuThatDoesNotRemapInterruptsNamesTheSwitch() {
        assertThat(obstacles.ofIommu(device, Vfio.EPERM, "")).contains("allow_unsafe_interrupts", "firmware");
    }

    @Test
    void aContainerWithoutDriverNamesTheModule() {
        assertThat(obstacles.ofContainer(device, Vfio.ENODEV, "")).contains("modprobe vfio_iommu_type1");
    }

    @Test
    void memoryBeyondTheLimitOfLockedMemorySaysBothNumbersAndTheCommand() {
        assertThat(Obstacles.ofMapping(ADDRESS, 16 * MIB, 4 * MIB, 65_535, 8 * MIB, Vfio.ENOMEM, ""))
                .contains(
                        ADDRESS,
                        "16777216 bytes",
                        "8388608 bytes (RLIMIT_MEMLOCK)",
                        "4194304 are mapped",
                        "ulimit -l unlimited",
                        "LimitMEMLOCK=infinity");
        assertThat(Obstacles.ofMapping(ADDRESS, 16 * MIB, 0, 65_535, Machine.UNLIMITED, Vfio.ENOMEM, ""))
                .contains("not that much memory")
                .doesNotContain("ulimit");
    }

    @Test
    void mappingsBeyondTheLimitOfTheKernelNameTheParameter() {
        assertThat(Obstacles.ofMapping(ADDRESS, 4096, 0, 65_535, 8 * MIB, Vfio.ENOSPC, ""))
                .contains("65535 mappings", "dma_entry_limit");
    }

    @Test
    void whatIsNotKnownIsSaidAsTheKernelSaysIt() {
        assertThat(obstacles.ofOpening(device, 5, "open failed: EIO")).isEqualTo(ADDRESS + ": open failed: EIO");
        assertThat(obstacles.ofContainer(device, 5, "said")).endsWith("said");
        assertThat(obstacles.ofIommu(device, 5, "said")).endsWith("said");
        assertThat(Obstacles.ofMapping(ADDRESS, 4096, 0, 1, 1, 5, "said")).endsWith("said");
    }
}
