package io.doorbell.pcie.vfio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.doorbell.pci.PciException;
import io.doorbell.pcibus.PciDevice;
import io.doorbell.platform.DeviceFile;
import io.doorbell.platform.Machine;
import io.doorbell.platform.PlatformException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * An IOMMU group that this process has, with a container of its own: what one device of it can reach, all of it can. Shared by the claims of its
 * functions, the last of which closes it. Any thread.
 */
final class VfioGroup {
    /** By node. Static, because it mirrors what there is once: the kernel lets a group be opened one time. Guarded by itself. */
    private static final Map<Path, VfioGroup> OPEN = new HashMap<>();

    private final Path node;
    private final DeviceFile group;
    private final DeviceFile container;
    private final long maxMappings;

    // Guarded by OPEN.
    private int users;

    // Guarded by this.
    private final IovaSpace space;
    private long mappings;
    private long mappedBytes;

    private VfioGroup(Path node, DeviceFile group, DeviceFile container, IommuInfo info) {
        this.node = node;
        this.group = group;
        this.container = container;
        space = new IovaSpace(info.ranges());
        maxMappings = info.mappings();
    }

    /**
     * The group of a function, opened or shared.
     *
     * @throws PciException with what mends it
     */
    static VfioGroup acquire(PciDevice device, Obstacles obstacles) {
        var node = obstacles.node(device);
        synchronized (OPEN) {
            var opened = OPEN.get(node);
            if (opened == null) {
                opened = open(device, obstacles);
                OPEN.put(node, opened);
            }
            opened.users++;
            return opened;
        }
    }

    /** One user less. */
    void release() {
        synchronized (OPEN) {
            if (--users == 0) {
                OPEN.remove(node);
                group.close();
                // With it go all mappings that are left.
                container.close();
            }
        }
    }

    private static VfioGroup open(PciDevice device, Obstacles obstacles) {
        var container = openNode(
                obstacles.container(), refused -> obstacles.ofContainer(device, refused.errno(), refused.getMessage()));
        try {
            var group = openNode(
                    obstacles.node(device),
                    refused -> obstacles.ofOpening(device, refused.errno(), refused.getMessage()));
            try {
                join(device, obstacles, group, container);
                return new VfioGroup(obstacles.node(device), group, container, info(container));
            } catch (PlatformException refused) {
                group.close();
                throw new PciException(device.address() + ": " + refused.getMessage(), refused);
            } catch (RuntimeException refused) {
                group.close();
                throw refused;
            }
        } catch (RuntimeException refused) {
            container.close();
            throw refused;
        }
    }

    private interface Explanation {
        String of(PlatformException refused);
    }

    private static DeviceFile openNode(Path path, Explanation explanation) {
        try {
            return DeviceFile.open(path);
        } catch (PlatformException refused) {
            throw new PciException(explanation.of(refused), refused);
        }
    }

    private static void join(PciDevice device, Obstacles obstacles, DeviceFile group, DeviceFile container) {
        int version = container.ioctl("VFIO_GET_API_VERSION", Vfio.GET_API_VERSION, 0);
        if (version != Vfio.API_VERSION
                || container.ioctl("VFIO_CHECK_EXTENSION", Vfio.CHECK_EXTENSION, Vfio.TYPE1V2_IOMMU) == 0) {
            throw new PciException(device.address() + ": the kernel's VFIO has version " + version
                    + " and no IOMMU of type 1: modprobe vfio_iommu_type1");
        }
        try (var scratch = Arena.ofConfined()) {
            var status = scratch.allocate(Vfio.GROUP_STATUS_BYTES, Long.BYTES);
            status.set(JAVA_INT, 0, Vfio.GROUP_STATUS_BYTES);
            group.ioctl("VFIO_GROUP_GET_STATUS", Vfio.GROUP_GET_STATUS, status);
            if ((status.get(JAVA_INT, 4) & Vfio.GROUP_VIABLE) == 0) {
                throw new PciException(obstacles
                        .of(device)
                        .orElse(device.address() + ": a kernel driver has another function of IOMMU group "
                                + device.iommuGroup().orElseThrow() + ": doorbell pci list shows them"));
            }
        }
        group.ioctlWithFile("VFIO_GROUP_SET_CONTAINER", Vfio.GROUP_SET_CONTAINER, container);
        try {
            container.ioctl("VFIO_SET_IOMMU", Vfio.SET_IOMMU, Vfio.TYPE1V2_IOMMU);
        } catch (PlatformException refused) {
            throw new PciException(obstacles.ofIommu(device, refused.errno(), refused.getMessage()), refused);
        }
    }

    private static IommuInfo info(DeviceFile container) {
        try (var scratch = Arena.ofConfined()) {
            return IommuInfo.decode(Answers.ask(
                    container, "VFIO_IOMMU_GET_INFO", Vfio.IOMMU_GET_INFO, scratch, Vfio.IOMMU_INFO_BYTES, _ -> {}));
        }
    }

    /** The function's own file. */
    DeviceFile device(String address) {
        return group.ioctlForFile("VFIO_GROUP_GET_DEVICE_FD", Vfio.GROUP_GET_DEVICE_FD, address);
    }

    /**
     * Lets the devices of the group reach memory, and pins it.
     *
     * @param memory native, whole pages
     * @return where they find it
     * @throws PciException with the limit that was hit
     */
    long map(String address, MemorySegment memory) {
        long bytes = memory.byteSize();
        long iova;
        synchronized (this) {
            iova = space.take(bytes);
        }
        // Without the lock: to pin gigabytes takes a while.
        try (var scratch = Arena.ofConfined()) {
            var argument = scratch.allocate(Vfio.DMA_MAP_BYTES, Long.BYTES);
            argument.set(JAVA_INT, 0, Vfio.DMA_MAP_BYTES);
            argument.set(JAVA_INT, 4, Vfio.DMA_READ_WRITE);
            argument.set(JAVA_LONG, 8, memory.address());
            argument.set(JAVA_LONG, 16, iova);
            argument.set(JAVA_LONG, 24, bytes);
            container.ioctl("VFIO_IOMMU_MAP_DMA", Vfio.IOMMU_MAP_DMA, argument);
            synchronized (this) {
                mappings++;
                mappedBytes += bytes;
            }
            return iova;
        } catch (PlatformException refused) {
            synchronized (this) {
                space.giveBack(iova, bytes);
                throw new PciException(
                        Obstacles.ofMapping(
                                address,
                                bytes,
                                mappedBytes,
                                Math.max(mappings, maxMappings),
                                Machine.lockedMemoryLimitBytes(),
                                refused.errno(),
                                refused.getMessage()),
                        refused);
            }
        }
    }

    /**
     * Takes memory away from the devices. When this returns, none reaches it any more.
     *
     * @throws PciException if the kernel does not do it; the memory stays reachable
     */
    void unmap(long iova, long bytes) {
        try (var scratch = Arena.ofConfined()) {
            var argument = scratch.allocate(Vfio.DMA_UNMAP_BYTES, Long.BYTES);
            argument.set(JAVA_INT, 0, Vfio.DMA_UNMAP_BYTES);
            argument.set(JAVA_LONG, 8, iova);
            argument.set(JAVA_LONG, 16, bytes);
            container.ioctl("VFIO_IOMMU_UNMAP_DMA", Vfio.IOMMU_UNMAP_DMA, argument);
            if (argument.get(JAVA_LONG, 16) != bytes) {
                throw new PciException(argument.get(JAVA_LONG, 16) + " of " + bytes + " bytes were unmapped");
            }
        } catch (PlatformException refused) {
            throw new PciException("DMA memory stays mapped: " + refused.getMessage(), refused);
        }
        synchronized (this) {
            space.giveBack(iova, bytes);
            mappings--;
            mappedBytes -= bytes;
        }
    }
}
