package io.doorbell.runtime.doctor;

import static io.doorbell.runtime.doctor.Finding.fails;
import static io.doorbell.runtime.doctor.Finding.lacks;
import static io.doorbell.runtime.doctor.Finding.ok;

import io.doorbell.pcibus.PciBus;
import io.doorbell.pcibus.PciDevice;
import io.doorbell.platform.Machine;
import io.doorbell.platform.RdmaCore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What does not depend on a node: the JDK, memory, devices.
 *
 * @param root {@code /}, or a tree that looks like it
 */
record MachineChecks(Path root) {
    /** 1 GiB: rings and buffers of some queue pairs of each controller, and those of connections. */
    static final long WANTED_HUGE_PAGES = 512;

    private static final long WANTED_LOCKED_BYTES = WANTED_HUGE_PAGES * Machine.HUGE_PAGE_BYTES;

    /** A connection is a descriptor, a reactor some; the default of systemd and of many shells is 1024. */
    private static final long WANTED_FILES = 4_096;

    /** As config/io.doorbell.rdma.soft~soft0.cfg wants it for each socket. */
    private static final long WANTED_SOCKET_BYTES = 8L << 20;

    List<Finding> all() {
        return Stream.of(
                        Stream.of(
                                jdk(Runtime.version().feature(), System.getProperty("java.home")),
                                processor(System.getProperty("os.name"), System.getProperty("os.arch")),
                                hugePages(Machine.totalHugePages(), Machine.freeHugePages()),
                                lockedMemory(Machine.lockedMemoryLimitBytes()),
                                openFiles(),
                                iommu()),
                        vfio().stream(),
                        controllers().stream(),
                        Stream.of(ioUring(), socketBuffers(), rdma()))
                .flatMap(each -> each)
                .toList();
    }

    static Finding jdk(int feature, String home) {
        return feature >= 25
                ? ok("JDK", feature + " in " + home)
                : fails("JDK", feature + " in " + home, "apt-get install openjdk-25-jdk, and set JAVA_HOME to it");
    }

    static Finding processor(String system, String architecture) {
        var found = system + " on " + architecture;
        return system.equals("Linux") && architecture.equals("amd64")
                ? ok("machine", found)
                : fails("machine", found, "Doorbell runs on Linux on x86-64: take such a machine");
    }

    static Finding hugePages(long total, long free) {
        if (total == Machine.UNKNOWN) {
            return lacks("huge pages", "the kernel does not say", "give the container /sys, or look on its host");
        }
        var found = free + " of " + total + " of 2 MiB free";
        return total >= WANTED_HUGE_PAGES
                ? ok("huge pages", found)
                : lacks(
                        "huge pages",
                        found + ": ordinary pages serve, and cost more misses of the TLB",
                        "sudo sysctl -w vm.nr_hugepages=" + WANTED_HUGE_PAGES
                                + "   (to stay: echo vm.nr_hugepages=" + WANTED_HUGE_PAGES
                                + " | sudo tee /etc/sysctl.d/80-doorbell.conf)");
    }

    static Finding lockedMemory(long limitBytes) {
        if (limitBytes == Machine.UNLIMITED || limitBytes >= WANTED_LOCKED_BYTES) {
            return ok("memlock", limitBytes == Machine.UNLIMITED ? "unlimited" : limitBytes / 1024 + " KiB");
        }
        return lacks(
                "memlock",
                limitBytes / 1024 + " KiB: memory for real devices cannot be pinned",
                "echo '* - memlock unlimited' | sudo tee /etc/security/limits.d/80-doorbell.conf, and log in again;"
                        + " the systemd unit has LimitMEMLOCK=infinity");
    }

    private Finding openFiles() {
        var limit = text("proc/self/limits")
                .lines()
                .filter(line -> line.startsWith("Max open files"))
                .map(line -> line.substring("Max open files".length()).strip().split("\\s+")[0])
                .findFirst()
                .orElse("");
        var enough = limit.equals("unlimited") || limit.matches("\\d{1,18}") && Long.parseLong(limit) >= WANTED_FILES;
        return enough
                ? ok("open files", limit)
                : lacks(
                        "open files",
                        (limit.isEmpty() ? "unknown" : limit) + ": each connection of a host takes one",
                        "ulimit -n " + WANTED_FILES + " before the start; the systemd unit has LimitNOFILE");
    }

    Finding iommu() {
        var groups = names("sys/kernel/iommu_groups");
        return groups.isEmpty()
                ? lacks(
                        "IOMMU",
                        "off, or there is none: real NVMe controllers cannot be driven",
                        "switch on VT-d or AMD-Vi in the firmware; on Intel add intel_iommu=on iommu=pt to"
                                + " GRUB_CMDLINE_LINUX in /etc/default/grub, sudo update-grub, reboot")
                : ok("IOMMU", groups.size() + " groups");
    }

    List<Finding> vfio() {
        var driver = root.resolve("sys/bus/pci/drivers/vfio-pci");
        var device = root.resolve("dev/vfio/vfio");
        if (!Files.isDirectory(driver) || !Files.exists(device)) {
            return List.of(lacks(
                    "VFIO",
                    "the driver vfio-pci is not loaded: real NVMe controllers cannot be driven",
                    "sudo modprobe vfio-pci   (to stay: echo vfio-pci | sudo tee /etc/modules-load.d/vfio-pci.conf)"));
        }
        var groups = names("dev/vfio").stream()
                .filter(name -> name.matches("\\d+"))
                .filter(name -> !usable(root.resolve("dev/vfio").resolve(name)))
                .toList();
        if (groups.isEmpty()) {
            return List.of(ok("VFIO", "vfio-pci is loaded, and its groups may be used"));
        }
        return List.of(lacks(
                "VFIO rights",
                "this user may not use group " + String.join(", ", groups),
                "sudo chown " + System.getProperty("user.name") + " "
                        + groups.stream().map(group -> "/dev/vfio/" + group).collect(Collectors.joining(" "))));
    }

    private static boolean usable(Path file) {
        return Files.isReadable(file) && Files.isWritable(file);
    }

    List<Finding> controllers() {
        var controllers = new PciBus(root.resolve("sys"))
                .devices().stream().filter(PciDevice::isNvme).toList();
        if (controllers.isEmpty()) {
            return List.of(ok("NVMe", "no controller on the bus; emulated ones need none"));
        }
        return controllers.stream()
                .map(each -> each.isBoundToVfio()
                        ? ok("NVMe", each.address() + " is bound to vfio-pci, for a node to drive")
                        : lacks(
                                "NVMe",
                                each.address() + " is the kernel's"
                                        + (each.driver().isEmpty() ? ", without a driver" : " (" + each.driver() + ")"),
                                "sudo ./doorbell pci bind " + each.address()
                                        + "   (only what a node is to drive; refused while a disk of it is in use)"))
                .toList();
    }

    Finding ioUring() {
        var disabled = text("proc/sys/kernel/io_uring_disabled").strip();
        return disabled.isEmpty() || disabled.equals("0")
                ? ok("io_uring", "permitted")
                : lacks(
                        "io_uring",
                        "not permitted (kernel.io_uring_disabled = " + disabled
                                + "): TCP makes a system call for each connection",
                        "sudo sysctl -w kernel.io_uring_disabled=0");
    }

    Finding socketBuffers() {
        var text = text("proc/sys/net/core/rmem_max").strip();
        if (!text.matches("\\d{1,18}") || Long.parseLong(text) >= WANTED_SOCKET_BYTES) {
            return ok("socket buffers", text.isEmpty() ? "the kernel does not say" : text + " bytes");
        }
        return lacks(
                "socket buffers",
                text + " bytes at most: RDMA in software loses packets sooner",
                "sudo sysctl -w net.core.rmem_max=" + WANTED_SOCKET_BYTES + " net.core.wmem_max="
                        + WANTED_SOCKET_BYTES);
    }

    private Finding rdma() {
        return rdma(RdmaCore.problem());
    }

    /** @param problem what keeps from rdma-core, through which the node uses RDMA devices */
    Finding rdma(Optional<String> problem) {
        var devices = String.join(", ", names("sys/class/infiniband"));
        if (devices.isEmpty()) {
            return ok("RDMA", "no NIC that does it; the node does it in software");
        }
        if (problem.isPresent()) {
            return lacks(
                    "RDMA",
                    devices + ", not used: " + problem.get(),
                    "sudo apt-get install librdmacm1 ibverbs-providers");
        }
        return Files.exists(root.resolve("dev/infiniband/rdma_cm"))
                ? ok("RDMA", devices)
                : lacks(
                        "RDMA",
                        devices + ", not used: the kernel's module rdma_ucm is not loaded",
                        "sudo modprobe rdma_ucm");
    }

    private List<String> names(String folder) {
        var path = root.resolve(folder);
        if (!Files.isDirectory(path)) {
            return List.of();
        }
        try (var entries = Files.list(path)) {
            return entries.map(each -> each.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            return List.of(); // Not for this user: then it is of no use to the node either.
        }
    }

    /** Not by its size, which is 0 under /proc, where some files are to be read in one go. */
    private String text(String file) {
        try {
            return String.join("\n", Files.readAllLines(root.resolve(file)));
        } catch (IOException e) {
            return ""; // Another kernel, or a container that hides it.
        }
    }
}
