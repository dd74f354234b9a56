package io.doorbell.pcie.vfio;

/** Requests, flags and indexes of {@code linux/vfio.h} that we use. {@code VfioLayoutTest} says with what they were compared. */
final class Vfio {
    // _IO(';', 100 + n)
    static final long GET_API_VERSION = 0x3B64;
    static final long CHECK_EXTENSION = 0x3B65;
    static final long SET_IOMMU = 0x3B66;
    static final long GROUP_GET_STATUS = 0x3B67;
    static final long GROUP_SET_CONTAINER = 0x3B68;
    static final long GROUP_GET_DEVICE_FD = 0x3B6A;
    static final long DEVICE_GET_INFO = 0x3B6B;
    static final long DEVICE_GET_REGION_INFO = 0x3B6C;
    static final long DEVICE_GET_IRQ_INFO = 0x3B6D;
    static final long DEVICE_SET_IRQS = 0x3B6E;
    static final long DEVICE_RESET = 0x3B6F;
    static final long IOMMU_GET_INFO = 0x3B70;
    static final long IOMMU_MAP_DMA = 0x3B71;
    static final long IOMMU_UNMAP_DMA = 0x3B72;

    static final int API_VERSION = 0;
    static final int TYPE1V2_IOMMU = 3;

    static final int GROUP_VIABLE = 1;
    static final int DEVICE_RESETTABLE = 1;
    static final int DEVICE_PCI = 2;

    static final int REGION_MMAP = 4;
    static final int REGION_CAPS = 8;
    static final int REGION_CAP_SPARSE_MMAP = 1;

    static final int IOMMU_CAPS = 2;
    static final int IOMMU_CAP_IOVA_RANGE = 1;
    static final int IOMMU_CAP_DMA_AVAIL = 3;

    static final int DMA_READ_WRITE = 3;

    static final int IRQ_EVENTFD = 1;
    static final int IRQ_SET_NONE_TRIGGER = 1 | 1 << 5;
    static final int IRQ_SET_EVENTFD_TRIGGER = 1 << 2 | 1 << 5;

    static final int BAR0 = 0;
    static final int CONFIGURATION = 7;
    static final int MSIX = 2;
    static final int REQUEST = 4;

    static final int GROUP_STATUS_BYTES = 8;
    static final int DEVICE_INFO_BYTES = 20;
    static final int REGION_INFO_BYTES = 32;
    static final int IRQ_INFO_BYTES = 16;
    static final int IRQ_SET_BYTES = 20;
    static final int IOMMU_INFO_BYTES = 24;
    static final int DMA_MAP_BYTES = 32;
    static final int DMA_UNMAP_BYTES = 24;

    // errno.h
    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int ENOMEM = 12;
    static final int EACCES = 13;
    static final int EBUSY = 16;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int ENOSPC = 28;

    private Vfio() {}
}
