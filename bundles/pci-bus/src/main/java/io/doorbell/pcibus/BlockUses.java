package io.doorbell.pcibus;

import io.doorbell.platform.DeviceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Who uses the disks of a function: mounts in any mount namespace, swap, device mapper and RAID, loop devices, exports of nvmet, processes that have
 * one open. Only root sees all of it. Any thread, control path.
 *
 * @param processes {@code /proc}
 * @param claimed whether the kernel says that something of its own has a block device, without saying what
 */
public record BlockUses(PciBus bus, Path processes, Predicate<Path> claimed) {
    /** Of one line of mountinfo, proc(5): major:minor, mount point; behind the dash, type and source. */
    private static final int MOUNT_DEVICE = 2;

    private static final int MOUNT_POINT = 4;

    private record Disk(String name, String number, Path folder) {}

    /** Of this machine. */
    public static BlockUses ofThisMachine() {
        return new BlockUses(PciBus.ofThisMachine(), Path.of("/proc"), DeviceFile::isClaimed);
    }

    /** Each use in a few words, such as {@code nvme0n1p1 is mounted at /srv}; none if it can be taken away. */
    public List<String> of(PciDevice device) {
        var disks = disks(device);
        var uses = new LinkedHashSet<String>();
        mounts(disks, uses);
        swaps(disks, uses);
        for (var disk : disks) {
            holders(disk, uses);
        }
        backings(disks, uses);
        openFiles(device, disks, uses);
        if (uses.isEmpty()) {
            claims(disks, uses);
        }
        return List.copyOf(uses);
    }

    /** Whole disks and their partitions. */
    private List<Disk> disks(PciDevice device) {
        var disks = new ArrayList<Disk>();
        for (var name : device.blockDevices()) {
            var folder = bus.sysfs().resolve("block").resolve(name);
            disks.add(disk(name, folder));
            for (var part : PciBus.names(folder)) {
                if (Files.exists(folder.resolve(part).resolve("partition"))) {
                    disks.add(disk(part, folder.resolve(part)));
                }
            }
        }
        return disks;
    }

    private static Disk disk(String name, Path folder) {
        return new Disk(name, PciBus.text(folder.resolve("dev")).orElse("?"), folder);
    }

    private void mounts(List<Disk> disks, Set<String> uses) {
        var seen = new HashSet<String>();
        for (var process : numbered()) {
            if (!seen.add(PciBus.linkName(process.resolve("ns/mnt"))
                    .orElse(process.getFileName().toString()))) {
                continue;
            }
            for (var line : lines(process.resolve("mountinfo"))) {
                var words = line.split(" ");
                int dash = List.of(words).indexOf("-");
                if (dash < 0 || words.length <= dash + 2 || dash <= MOUNT_POINT) {
                    continue;
                }
                for (var disk : disks) {
                    // A file system over several disks, btrfs for one, has a number of its own, but names one as its
                    // source.
                    if (words[MOUNT_DEVICE].equals(disk.number) || words[dash + 2].equals("/dev/" + disk.name)) {
                        uses.add(disk.name + " is mounted at " + unescaped(words[MOUNT_POINT]));
                    }
                }
            }
        }
    }

    /** Blanks and their kin are written as three octal digits. */
    private static String unescaped(String path) {
        return path.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    private void swaps(List<Disk> disks, Set<String> uses) {
        for (var line : lines(processes.resolve("swaps"))) {
            for (var disk : disks) {
                if (line.split("\\s+")[0].equals("/dev/" + disk.name)) {
                    uses.add(disk.name + " is swap: swapoff /dev/" + disk.name);
                }
            }
        }
    }

    private void holders(Disk disk, Set<String> uses) {
        for (var holder : PciBus.names(disk.folder.resolve("holders"))) {
            var mapped =
                    PciBus.text(bus.sysfs().resolve("block").resolve(holder).resolve("dm/name"));
            uses.add(disk.name + " is held by " + holder
                    + mapped.map(name -> " (" + name + ")").orElse(""));
        }
    }

    /** Kernel users that stand in nobody's list of files. */
    private void backings(List<Disk> disks, Set<String> uses) {
        for (var block : PciBus.names(bus.sysfs().resolve("block"))) {
            backing(disks, bus.sysfs().resolve("block").resolve(block).resolve("loop/backing_file"), block, uses);
        }
        var subsystems = bus.sysfs().resolve("kernel/config/nvmet/subsystems");
        for (var subsystem : PciBus.names(subsystems)) {
            var namespaces = subsystems.resolve(subsystem).resolve("namespaces");
            for (var namespace : PciBus.names(namespaces)) {
                var folder = namespaces.resolve(namespace);
                if (PciBus.text(folder.resolve("enable")).orElse("0").equals("1")) {
                    backing(disks, folder.resolve("device_path"), "nvmet " + subsystem + " " + namespace, uses);
                }
            }
        }
    }

    private static void backing(List<Disk> disks, Path file, String user, Set<String> uses) {
        var path = PciBus.text(file).orElse("");
        for (var disk : disks) {
            if (path.equals("/dev/" + disk.name)) {
                uses.add(disk.name + " is behind " + user);
            }
        }
    }

    private void openFiles(PciDevice device, List<Disk> disks, Set<String> uses) {
        var nodes = new HashSet<Path>();
        disks.forEach(disk -> nodes.add(Path.of("/dev", disk.name)));
        // The controller's and the namespaces' character devices, of nvme-cli and its like.
        device.blockDevices().forEach(name -> nodes.add(Path.of("/dev", name.replaceFirst("^nvme", "ng"))));
        PciBus.names(bus.folder(device.address()).resolve("nvme")).forEach(name -> nodes.add(Path.of("/dev", name)));
        for (var process : numbered()) {
            for (var node : openFilesOf(process)) {
                if (nodes.contains(node)) {
                    uses.add(node + " is open in process " + process.getFileName() + " ("
                            + PciBus.text(process.resolve("comm")).orElse("?") + ")");
                }
            }
        }
    }

    /** The last look: not everything in the kernel that lives on a disk shows itself, ZFS for one. */
    private void claims(List<Disk> disks, Set<String> uses) {
        for (var disk : disks) {
            if (claimed.test(Path.of("/dev", disk.name))) {
                uses.add(
                        disk.name + " is claimed by something in the kernel that does not show itself (zpool status?)");
            }
        }
    }

    /** The processes that have a file open: each with its number and name. */
    public List<String> processesWithOpen(Path file) {
        return numbered().stream()
                .filter(process -> openFilesOf(process).contains(file))
                .map(process -> process.getFileName() + " ("
                        + PciBus.text(process.resolve("comm")).orElse("?") + ")")
                .toList();
    }

    private static Set<Path> openFilesOf(Path process) {
        var open = new HashSet<Path>();
        try (var descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (var descriptor : descriptors) {
                open.add(Files.readSymbolicLink(descriptor));
            }
        } catch (IOException endedOrForeign) {
            // What was seen until then counts.
        }
        return open;
    }

    private List<Path> numbered() {
        var found = new ArrayList<Path>();
        try (var all = Files.newDirectoryStream(processes, "[0-9]*")) {
            all.forEach(found::add);
        } catch (IOException hidden) {
            // No process to be seen.
        }
        return found;
    }

    private static List<String> lines(Path file) {
        return PciBus.text(file).map(text -> text.lines().toList()).orElse(List.of());
    }
}
