package io.doorbell.pcibus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PciBindingTest {
    private static final String ADDRESS = "0000:01:00.0";

    @TempDir
    private Path root;

    private final List<String> told = new ArrayList<>();
    private FakeBus fake;

    @BeforeEach
    void makeBus() {
        fake = new FakeBus(root);
        fake.nvme(ADDRESS, 7).disk(ADDRESS, "nvme0", "nvme0n1", 2);
    }

    private PciBinding binding() {
        return new PciBinding(fake.uses(), told::add, fake::write);
    }

    private String driver() {
        return fake.bus().device(ADDRESS).orElseThrow().driver();
    }

    private void assertRefused(String... why) {
        assertThatThrownBy(() -> binding().bind(ADDRESS))
                .isInstanceOf(PciBusException.class)
                .hasMessageContainingAll(why);
        assertThat(driver()).as("driver afterwards").isEqualTo("nvme");
    }

    @Test
    void handsAControllerToVfioAndBack() throws IOException {
        binding().bind(ADDRESS);

        assertThat(driver()).isEqualTo("vfio-pci");
        assertThat(told).singleElement().asString().contains("bound to vfio-pci, was nvme", "chown USER /dev/vfio/7");

        binding().unbind(ADDRESS);

        assertThat(driver()).isEqualTo("nvme");
        assertThat(Files.readString(fake.place(ADDRESS).resolve("driver_override")))
                .isEmpty();
    }

    @Test
    void whatIsBoundAlreadyStaysSo() {
        fake.bound(ADDRESS, "vfio-pci");

        binding().bind(ADDRESS);

        assertThat(told).singleElement().asString().contains("already");
    }

    @Test
    void tellsOfTheOthersOfItsGroup() {
        fake.function("0000:01:00.1", 0x01_06_01).group("0000:01:00.1", 7).bound("0000:01:00.1", "ahci");

        binding().bind(ADDRESS);

        assertThat(told).last().asString().contains("IOMMU group 7", "0000:01:00.1 1b36:0010 ahci");
    }

    @Test
    void refusesADiskWithAMountedFileSystem() {
        fake.process(1, "init", "20 1 8:1 / / rw - ext4 /dev/sda1 rw");
        fake.process(2, "inside", "30 1 259:2 / /srv/with\\040blank rw,noatime shared:1 - ext4 /dev/root rw");

        assertRefused("in use", "stays with nvme", "nvme0n1p2 is mounted at /srv/with blank");
    }

    @Test
    void refusesADiskThatAFileSystemOverSeveralNames() {
        fake.process(1, "init", "20 1 0:42 / /data rw - btrfs /dev/nvme0n1 rw");

        assertRefused("nvme0n1 is mounted at /data");
    }

    @Test
    void refusesSwap() {
        FakeBus.file(fake.processes().resolve("swaps"), "Filename Type\n/dev/nvme0n1p1 partition 8 0 -2");

        assertRefused("nvme0n1p1 is swap: swapoff /dev/nvme0n1p1");
    }

    @Test
    void refusesAPartOfAVolumeOrAnArray() {
        FakeBus.file(fake.sysfs().resolve("block/nvme0n1/nvme0n1p1/holders/dm-0/x"), "");
        FakeBus.file(fake.sysfs().resolve("block/dm-0/dm/name"), "vg-root");
        FakeBus.file(fake.sysfs().resolve("block/nvme0n1/holders/md127/x"), "");

        assertRefused("nvme0n1p1 is held by dm-0 (vg-root)", "nvme0n1 is held by md127");
    }

    @Test
    void refusesAPartitionThatAProcessHasOpen() {
        fake.open(fake.process(77, "postgres", ""), 5, Path.of("/dev/nvme0n1p2"));

        assertRefused("/dev/nvme0n1p2 is open in process 77 (postgres)");
    }

    @Test
    void refusesADiskBehindALoopDeviceOrAnExport() {
        FakeBus.file(fake.sysfs().resolve("block/loop0/loop/backing_file"), "/dev/nvme0n1p1");
        var namespace = fake.sysfs().resolve("kernel/config/nvmet/subsystems/nqn.x/namespaces/1");
        FakeBus.file(namespace.resolve("device_path"), "/dev/nvme0n1");
        FakeBus.file(namespace.resolve("enable"), "1");

        assertRefused("nvme0n1p1 is behind loop0", "nvme0n1 is behind nvmet nqn.x 1");
    }

    @Test
    void refusesADiskThatTheKernelHasClaimedForWhateverReason() {
        fake.claim(Path.of("/dev/nvme0n1p2"));

        assertRefused("nvme0n1p2 is claimed", "zpool");
    }

    @Test
    void otherDisksMayBeUsed() {
        fake.process(1, "init", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 1 259:22 / /x rw - ext4 /dev/nvme0n12 rw");
        fake.open(fake.process(77, "postgres", ""), 5, Path.of("/dev/nvme0n11"));

        binding().bind(ADDRESS);

        assertThat(driver()).isEqualTo("vfio-pci");
    }

    @Test
    void refusesWhatIsNoNvmeController() {
        fake.function("0000:00:02.0", 0x02_00_00).group("0000:00:02.0", 2);

        assertThatThrownBy(() -> binding().bind("0000:00:02.0")).hasMessageContainingAll("no NVMe", "020000h");
        assertThatThrownBy(() -> binding().bind("0000:00:09.0")).hasMessageContaining("doorbell pci list");
    }

    @Test
    void saysWhatTheMachineLacks() throws IOException {
        fake.removeDriver("vfio-pci");
        assertRefused("modprobe vfio-pci");

        Files.delete(fake.place(ADDRESS).resolve("iommu_group"));
        assertRefused("no IOMMU group", "intel_iommu=on");
    }

    @Test
    void givesTheControllerBackWhenVfioDoesNotTakeIt() {
        var binding = new PciBinding(fake.uses(), told::add, (file, line) -> {
            boolean probe = file.endsWith("drivers_probe");
            if (!probe
                    || !Files.readString(fake.place(ADDRESS).resolve("driver_override"))
                            .equals("vfio-pci")) {
                fake.write(file, line);
            }
        });

        assertThatThrownBy(() -> binding.bind(ADDRESS)).hasMessageContainingAll("vfio-pci did not take", "dmesg");

        assertThat(driver()).isEqualTo("nvme");
    }

    /** A kernel that was about to give a function which was just plugged in to its own driver. */
    @Test
    void takesAControllerFromADriverThatWasQuicker() {
        fake.bound(ADDRESS, "");
        var probes = new AtomicInteger();
        var binding = new PciBinding(fake.uses(), told::add, (file, line) -> {
            if (file.endsWith("drivers_probe") && probes.getAndIncrement() == 0) {
                fake.bound(ADDRESS, "nvme");
            } else {
                fake.write(file, line);
            }
        });

        binding.bind(ADDRESS);

        assertThat(driver()).isEqualTo("vfio-pci");
        assertThat(probes).hasValue(2);
    }

    @Test
    void givesUpWhereADriverIsQuickerEachTime() {
        var binding = new PciBinding(fake.uses(), told::add, (file, line) -> {
            if (file.endsWith("drivers_probe")) {
                fake.bound(ADDRESS, "nvme");
            } else {
                fake.write(file, line);
            }
        });

        assertThatThrownBy(() -> binding.bind(ADDRESS)).hasMessageContaining("vfio-pci did not take");

        assertThat(driver()).isEqualTo("nvme");
    }

    @Test
    void saysThatOnlyRootMayDoIt() {
        var binding = new PciBinding(fake.uses(), told::add, (file, _) -> {
            throw new AccessDeniedException(file.toString());
        });

        assertThatThrownBy(() -> binding.bind(ADDRESS)).hasMessageContainingAll("only root", "sudo");
    }

    @Test
    void givesBackOnlyWhatVfioHas() {
        assertThatThrownBy(() -> binding().unbind(ADDRESS)).hasMessageContaining("nothing to undo");
        assertThat(driver()).isEqualTo("nvme");
    }

    @Test
    void tellsWhoHasToLetGoFirst() {
        fake.bound(ADDRESS, "vfio-pci");
        fake.open(fake.process(99, "java", ""), 12, Path.of("/dev/vfio/7"));

        binding().unbind(ADDRESS);

        assertThat(told).first().asString().contains("waiting", "/dev/vfio/7", "99 (java)");
    }
}
