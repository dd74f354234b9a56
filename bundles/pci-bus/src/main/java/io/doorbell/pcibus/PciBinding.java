package io.doorbell.pcibus;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Takes an NVMe controller from the kernel's driver and hands it to vfio-pci, and back. Only on an operator's word; refused while somebody uses one of its
 * disks. Control path, one at a time.
 */
public final class PciBinding {
    private static final int MOST_ATTEMPTS = 3;

    /** Writes one line to a file of sysfs, which is a command to the kernel. */
    interface Sysfs {
        void write(Path file, String line) throws IOException;
    }

    private final PciBus bus;
    private final BlockUses uses;
    private final Consumer<String> told;
    private final Sysfs sysfs;

    PciBinding(BlockUses uses, Consumer<String> told, Sysfs sysfs) {
        bus = uses.bus();
        this.uses = uses;
        this.told = told;
        this.sysfs = sysfs;
    }

    /**
     * @param told what is done and what is to be known, a line at a time
     */
    public PciBinding(BlockUses uses, Consumer<String> told) {
        this(uses, told, (file, line) -> Files.writeString(file, line + "\n", StandardOpenOption.WRITE));
    }

    /**
     * Hands a controller to vfio-pci.
     *
     * @throws PciBusException if it cannot or should not be, with what holds it or what mends it; nothing was changed then, or it was undone
     */
    public void bind(String address) {
        var device = present(address);
        if (device.isBoundToVfio()) {
            told.accept(address + " is bound to " + PciDevice.VFIO_DRIVER + " already");
            tellOthersOfItsGroup(device);
            return;
        }
        requireBindable(device);
        requireUnused(device);
        write(folder(address).resolve("driver_override"), PciDevice.VFIO_DRIVER);
        try {
            take(device);
        } catch (PciBusException failed) {
            undo(address, failed);
            throw failed;
        }
        told.accept(address + " " + device.ids() + " is bound to " + PciDevice.VFIO_DRIVER
                + (device.driver().isEmpty() ? "" : ", was " + device.driver())
                + "; a user other than root needs: chown USER /dev/vfio/"
                + device.iommuGroup().orElseThrow());
        tellOthersOfItsGroup(device);
    }

    private void requireUnused(PciDevice device) {
        var used = uses.of(device);
        if (!used.isEmpty()) {
            throw new PciBusException(device.address() + " is in use, and stays with " + device.driver() + ": "
                    + String.join("; ", used));
        }
    }

    /** A driver of the kernel may be about to take a function that was just plugged in, whatever it is told meanwhile. */
    private void take(PciDevice device) {
        var now = device;
        for (int attempt = 0; !now.isBoundToVfio(); attempt++) {
            if (attempt > 0 && (now.driver().isEmpty() || attempt == MOST_ATTEMPTS)) {
                throw new PciBusException(
                        PciDevice.VFIO_DRIVER + " did not take " + device.address() + "; dmesg tells why");
            }
            requireUnused(now);
            release(now);
            write(bus.sysfs().resolve("bus/pci/drivers_probe"), device.address());
            now = present(device.address());
        }
    }

    private void requireBindable(PciDevice device) {
        var address = device.address();
        if (!device.isNvme()) {
            throw new PciBusException(String.format(
                    "%s is no NVMe controller but of class %06xh: nothing here would drive it, and the machine may need it",
                    address, device.classCode()));
        }
        if (device.iommuGroup().isEmpty()) {
            throw new PciBusException(
                    address + " is in no IOMMU group: switch the IOMMU on in the firmware (VT-d, AMD-Vi),"
                            + " and boot with intel_iommu=on on the kernel's command line (Intel; AMD needs nothing there)");
        }
        if (!Files.exists(bus.sysfs().resolve("bus/pci/drivers/" + PciDevice.VFIO_DRIVER))) {
            throw new PciBusException("the kernel's driver is not loaded: modprobe " + PciDevice.VFIO_DRIVER);
        }
    }

    private void tellOthersOfItsGroup(PciDevice device) {
        var group = device.iommuGroup();
        if (group.isEmpty()) {
            return;
        }
        var others = bus.group(group.getAsInt()).stream()
                .filter(other -> !other.address().equals(device.address()))
                .toList();
        if (!others.isEmpty()) {
            told.accept("its IOMMU group " + group.getAsInt()
                    + " has others too, and can be used when no kernel driver but a"
                    + " bridge's has one of them: "
                    + others.stream()
                            .map(other -> other.address() + " " + other.ids() + " "
                                    + (other.driver().isEmpty() ? "(no driver)" : other.driver()))
                            .collect(Collectors.joining(", ")));
        }
    }

    /**
     * Gives a controller back to the driver that the kernel has for it. Waits until whoever drives it has let it go; a node does so when it is asked.
     *
     * @throws PciBusException if it is not bound to vfio-pci, or cannot be given back
     */
    public void unbind(String address) {
        var device = present(address);
        if (!device.isBoundToVfio()) {
            throw new PciBusException(address + " is not bound to " + PciDevice.VFIO_DRIVER + " but to "
                    + (device.driver().isEmpty() ? "no driver" : device.driver()) + ": there is nothing to undo");
        }
        device.iommuGroup().ifPresent(group -> {
            var node = Path.of("/dev/vfio", Integer.toString(group));
            var holders = uses.processesWithOpen(node);
            if (!holders.isEmpty()) {
                told.accept(
                        "waiting until it is let go of: " + node + " is open in process " + String.join(", ", holders));
            }
        });
        // An empty line takes the override away.
        write(folder(address).resolve("driver_override"), "");
        release(device);
        write(bus.sysfs().resolve("bus/pci/drivers_probe"), address);
        var now = present(address);
        told.accept(address + " " + now.ids() + " is bound to "
                + (now.driver().isEmpty() ? "no driver: modprobe nvme, if the kernel is to have it" : now.driver()));
    }

    private PciDevice present(String address) {
        return bus.device(address)
                .orElseThrow(() -> new PciBusException(
                        address + ": there is no such PCI function; doorbell pci list shows those there are"));
    }

    private Path folder(String address) {
        return bus.folder(address);
    }

    private void release(PciDevice device) {
        if (!device.driver().isEmpty()) {
            write(bus.sysfs().resolve("bus/pci/drivers/" + device.driver() + "/unbind"), device.address());
        }
    }

    private void undo(String address, PciBusException failed) {
        try {
            write(folder(address).resolve("driver_override"), "");
            write(bus.sysfs().resolve("bus/pci/drivers_probe"), address);
        } catch (PciBusException alsoFailed) {
            failed.addSuppressed(alsoFailed);
        }
    }

    private void write(Path file, String line) {
        try {
            sysfs.write(file, line);
        } catch (AccessDeniedException denied) {
            throw new PciBusException("only root may write " + file + ": run it with sudo", denied);
        } catch (NoSuchFileException missing) {
            throw new PciBusException(
                    file + " is missing: the function has gone, or this is a container with another /sys", missing);
        } catch (IOException refused) {
            throw new PciBusException(
                    "the kernel refuses \"" + line + "\" in " + file + ": " + refused.getMessage(), refused);
        }
    }
}
