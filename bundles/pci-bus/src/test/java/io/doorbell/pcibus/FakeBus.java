package io.doorbell.pcibus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;

/** A machine's /sys, /proc and /dev/vfio in a folder. {@link #write} does what Linux does when a driver is bound or unbound by hand. */
public final class FakeBus {
    private final Path root;
    private final Set<Path> claimed = new HashSet<>();

    public FakeBus(Path root) {
        this.root = root;
        folder(sysfs().resolve("bus/pci/devices"));
        folder(sysfs().resolve("block"));
        folder(processes());
        file(processes().resolve("swaps"), "Filename Type Size Used Priority");
        driver("nvme");
        driver("ahci");
        driver("vfio-pci");
    }

    public Path sysfs() {
        return root.resolve("sys");
    }

    public Path processes() {
        return root.resolve("proc");
    }

    public Path nodes() {
        return root.resolve("dev/vfio");
    }

    public PciBus bus() {
        return new PciBus(sysfs());
    }

    public BlockUses uses() {
        return new BlockUses(bus(), processes(), claimed::contains);
    }

    public void driver(String name) {
        folder(sysfs().resolve("bus/pci/drivers/" + name));
    }

    public void removeDriver(String name) {
        delete(sysfs().resolve("bus/pci/drivers/" + name));
    }

    /** A function without driver and group. */
    public FakeBus function(String address, int classCode) {
        var device = place(address);
        folder(device);
        file(device.resolve("vendor"), "0x1b36");
        file(device.resolve("device"), "0x0010");
        file(device.resolve("subsystem_vendor"), "0x1af4");
        file(device.resolve("subsystem_device"), "0x1100");
        file(device.resolve("revision"), "0x02");
        file(device.resolve("class"), String.format("0x%06x", classCode));
        file(device.resolve("numa_node"), "-1");
        file(device.resolve("driver_override"), "(null)");
        link(sysfs().resolve("bus/pci/devices/" + address), device);
        return this;
    }

    /** An NVMe controller that the kernel has, in a group of its own. */
    public FakeBus nvme(String address, int group) {
        return function(address, PciDevice.NVME_CLASS_CODE)
                .group(address, group)
                .bound(address, "nvme");
    }

    public FakeBus group(String address, int group) {
        var folder = sysfs().resolve("kernel/iommu_groups/" + group);
        folder(folder.resolve("devices"));
        link(folder.resolve("devices/" + address), place(address));
        link(place(address).resolve("iommu_group"), folder);
        return this;
    }

    /** An empty driver is none. */
    public FakeBus bound(String address, String driver) {
        delete(place(address).resolve("driver"));
        if (!driver.isEmpty()) {
            link(place(address).resolve("driver"), sysfs().resolve("bus/pci/drivers/" + driver));
        }
        return this;
    }

    /** A disk behind a controller, with partitions 1 to {@code partitions}; numbers are 259:0 and up. */
    public FakeBus disk(String address, String controller, String name, int partitions) {
        var disk = place(address).resolve("nvme").resolve(controller).resolve(name);
        folder(disk.resolve("holders"));
        file(disk.resolve("dev"), "259:0");
        link(sysfs().resolve("block/" + name), disk);
        for (int i = 1; i <= partitions; i++) {
            var part = disk.resolve(name + "p" + i);
            folder(part.resolve("holders"));
            file(part.resolve("partition"), Integer.toString(i));
            file(part.resolve("dev"), "259:" + i);
        }
        return this;
    }

    public Path place(String address) {
        return sysfs().resolve("devices/pci0000:00").resolve(address);
    }

    public void unplug(String address) {
        delete(sysfs().resolve("bus/pci/devices/" + address));
        deleteAll(place(address));
    }

    /** A process with one mount namespace, which sees these lines of mountinfo. */
    public Path process(int number, String name, String mounts) {
        var process = processes().resolve(Integer.toString(number));
        folder(process.resolve("fd"));
        folder(process.resolve("ns"));
        file(process.resolve("comm"), name);
        file(process.resolve("mountinfo"), mounts);
        link(process.resolve("ns/mnt"), Path.of("mnt:[" + number + "]"));
        return process;
    }

    public void open(Path process, int descriptor, Path file) {
        link(process.resolve("fd/" + descriptor), file);
    }

    /** Something in the kernel has it, and shows itself nowhere. */
    public void claim(Path blockDevice) {
        claimed.add(blockDevice);
    }

    /** The nodes of VFIO for a group. */
    public FakeBus node(int group) {
        file(nodes().resolve("vfio"), "");
        file(nodes().resolve(Integer.toString(group)), "");
        return this;
    }

    /** A command to the kernel. */
    public void write(Path file, String line) throws IOException {
        if (!Files.exists(file.getParent())) {
            throw new NoSuchFileException(file.toString());
        }
        Files.writeString(file, line);
        switch (file.getFileName().toString()) {
            case "unbind" -> bound(line, "");
            case "drivers_probe" -> {
                var override = Files.readString(place(line).resolve("driver_override"));
                bound(line, override.isEmpty() || override.equals("(null)") ? "nvme" : override);
            }
            default -> {}
        }
    }

    public static void file(Path path, String text) {
        try {
            Files.createDirectories(path.getParent());
            Files.writeString(path, text + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void folder(Path path) {
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void link(Path link, Path target) {
        try {
            Files.createDirectories(link.getParent());
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void deleteAll(Path folder) {
        try (var all = Files.walk(folder)) {
            all.sorted(Comparator.reverseOrder()).forEach(FakeBus::delete);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
