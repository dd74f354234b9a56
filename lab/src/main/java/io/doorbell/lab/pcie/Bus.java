package io.doorbell.lab.pcie;

import io.doorbell.pcibus.BlockUses;
import io.doorbell.pcibus.PciBinding;
import io.doorbell.pcibus.PciBus;
import io.doorbell.pcibus.PciDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** The guest's PCI bus: gives functions to the kernel's driver or to ours, as {@code doorbell pci} does. */
final class Bus {
    private static final Path FUNCTIONS = Path.of("/sys/bus/pci/devices");
    private static final Duration BOUND = Duration.ofSeconds(120);
    private static final Duration PAUSE = Duration.ofMillis(20);
    private static final PciBinding BINDING = new PciBinding(BlockUses.ofThisMachine(), System.out::println);

    private Bus() {}

    /** To vfio-pci, from which ours takes it. */
    static String toVfio(String address) {
        BINDING.bind(address);
        return address;
    }

    static String toVfio(Slot slot) {
        return toVfio(slot.address());
    }

    /** @return what the kernel calls the controller, {@code nvme3}, once it is live */
    static String toKernel(Slot slot) throws IOException {
        if (device(slot).isBoundToVfio()) {
            BINDING.unbind(slot.address());
        } else if (device(slot).driver().isEmpty()) {
            Files.writeString(Path.of("/sys/bus/pci/drivers_probe"), slot.address());
        }
        var folder = FUNCTIONS.resolve(slot.address()).resolve("nvme");
        await("the kernel's driver has " + slot, () -> Files.isDirectory(folder));
        try (var names = Files.list(folder)) {
            var controller = names.findFirst().orElseThrow().getFileName().toString();
            await(
                    controller + " is live",
                    () -> read(folder.resolve(controller + "/state")).equals("live"));
            return controller;
        }
    }

    /** The disk of a controller with one namespace, {@code /dev/nvme3n1}. */
    static String disk(Slot slot) {
        await("a disk of " + slot, () -> device(slot).blockDevices().size() == 1);
        var disk = Path.of("/dev", device(slot).blockDevices().getFirst());
        await(disk + "", () -> Files.exists(disk));
        return disk.toString();
    }

    private static PciDevice device(Slot slot) {
        return PciBus.ofThisMachine().device(slot.address()).orElseThrow();
    }

    /** Of what is behind the port, once something is. */
    static String hotAddress() {
        var port = FUNCTIONS.resolve(Slot.portAddress());
        // The kernel shows a function before it has put it into its group.
        await(
                "something behind the port",
                () -> !behind(port).isEmpty() && Files.exists(FUNCTIONS.resolve(behind(port) + "/iommu_group")));
        return behind(port);
    }

    static boolean nothingBehindPort() {
        return behind(FUNCTIONS.resolve(Slot.portAddress())).isEmpty();
    }

    private static String behind(Path port) {
        try (var entries = Files.list(port)) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> name.matches("0000:[0-9a-f]{2}:00\\.0"))
                    .findFirst()
                    .orElse("");
        } catch (IOException changing) {
            return "";
        }
    }

    static String read(Path attribute) {
        try {
            return Files.readString(attribute).strip();
        } catch (IOException gone) {
            return "";
        }
    }

    /** @throws IllegalStateException when it does not come true */
    static void await(String what, BooleanSupplier come) {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (!come.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException("waited " + BOUND.toSeconds() + " s in vain for: " + what);
            }
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for: " + what, e);
            }
        }
    }
}
