package io.doorbell.pcibus;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * The PCI functions of a machine, read from sysfs at each call. What leaves while it is read is not there. Any thread, control path.
 *
 * @param sysfs {@code /sys}
 */
public record PciBus(Path sysfs) {
    /** PCI Code and ID: domain, bus, device, function, the domain optional where people write it. */
    private static final Pattern ADDRESS =
            Pattern.compile("(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([01]?[0-9a-f])\\.([0-7])");

    /** A path of a controller to a namespace with several: the namespace's own disk has no c and no path number. Linux "nvme multipath". */
    private static final Pattern NVME_PATH = Pattern.compile("nvme(\\d+)c\\d+n(\\d+)");

    /** The bus that this process sees. */
    public static PciBus ofThisMachine() {
        return new PciBus(Path.of("/sys"));
    }

    /**
     * An address as sysfs writes it: {@code 1:0.0} is {@code 0000:01:00.0}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static String canonicalAddress(String text) {
        var parts = ADDRESS.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!parts.matches()) {
            throw new IllegalArgumentException("\"" + text + "\" is no PCI address, as in 0000:01:00.0");
        }
        return String.format(
                "%04x:%02x:%02x.%s",
                parts.group(1) == null ? 0 : Long.parseLong(parts.group(1), 16),
                Integer.parseInt(parts.group(2), 16),
                Integer.parseInt(parts.group(3), 16),
                parts.group(4));
    }

    /** All functions, by address. */
    public List<PciDevice> devices() {
        return names(functions()).stream()
                .map(this::device)
                .flatMap(Optional::stream)
                .toList();
    }

    /** The function at an address, or empty. */
    public Optional<PciDevice> device(String address) {
        var folder = folder(address);
        try {
            var blockDevices = blockDevices(folder);
            return Optional.of(new PciDevice(
                    address,
                    hexadecimal(folder, "vendor"),
                    hexadecimal(folder, "device"),
                    hexadecimal(folder, "subsystem_vendor"),
                    hexadecimal(folder, "subsystem_device"),
                    hexadecimal(folder, "revision"),
                    hexadecimal(folder, "class"),
                    linkName(folder.resolve("driver")).orElse(""),
                    number(linkName(folder.resolve("iommu_group")).orElse("")),
                    number(text(folder.resolve("numa_node")).orElse("")).orElse(-1),
                    blockDevices));
        } catch (NoSuchFileException | NumberFormatException gone) {
            return Optional.empty();
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** All functions of an IOMMU group: those that an IOMMU cannot tell apart. */
    public List<PciDevice> group(int number) {
        return names(sysfs.resolve("kernel/iommu_groups/" + number + "/devices")).stream()
                .map(this::device)
                .flatMap(Optional::stream)
                .toList();
    }

    Path functions() {
        return sysfs.resolve("bus/pci/devices");
    }

    Path folder(String address) {
        return functions().resolve(address);
    }

    /** The whole disks whose device is below a function's. */
    private List<String> blockDevices(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            throw new NoSuchFileException(folder.toString());
        }
        var function = folder.toRealPath();
        var found = new ArrayList<String>();
        for (var name : names(sysfs.resolve("block"))) {
            if (real(sysfs.resolve("block").resolve(name))
                    .filter(place -> place.startsWith(function))
                    .isPresent()) {
                found.add(name);
            }
        }
        for (var controller : names(folder.resolve("nvme"))) {
            for (var entry : names(folder.resolve("nvme").resolve(controller))) {
                var path = NVME_PATH.matcher(entry);
                if (path.matches()) {
                    found.remove(entry);
                    found.add("nvme" + path.group(1) + "n" + path.group(2));
                }
            }
        }
        return found.stream().distinct().sorted().toList();
    }

    private static Optional<Path> real(Path link) {
        try {
            return Optional.of(link.toRealPath());
        } catch (IOException gone) {
            return Optional.empty();
        }
    }

    /** The names in a folder, sorted; none where it is not there. */
    static List<String> names(Path folder) {
        try (var entries = Files.list(folder)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        } catch (IOException | UncheckedIOException gone) {
            return List.of();
        }
    }

    /** The last name of where a link points to. */
    static Optional<String> linkName(Path link) {
        try {
            return Optional.of(Files.readSymbolicLink(link).getFileName().toString());
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    static Optional<String> text(Path file) {
        try {
            return Optional.of(Files.readString(file).strip());
        } catch (IOException none) {
            return Optional.empty();
        }
    }

    private static int hexadecimal(Path folder, String name) throws IOException {
        return Integer.decode(Files.readString(folder.resolve(name)).strip());
    }

    private static OptionalInt number(String text) {
        try {
            return text.isEmpty() ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(text));
        } catch (NumberFormatException none) {
            return OptionalInt.empty();
        }
    }
}
