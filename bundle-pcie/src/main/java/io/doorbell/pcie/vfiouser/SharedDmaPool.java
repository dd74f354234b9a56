package io.doorbell.pcie.vfiouser;

import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Machine;
import io.doorbell.platform.MappingOptions;
import io.doorbell.platform.SharedMemory;
import io.doorbell.vfiouser.ChannelException;
import io.doorbell.vfiouser.DmaAccess;
import io.doorbell.vfiouser.ProtocolException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory that a device in another process can map: a few large files of huge pages where there are any, of which blocks are cut.
 *
 * <p>Large, and not one for each block: devices have few regions (libvfio-user 64), a real one stops the controller for each change of them, and
 * SPDK's target takes only such as begin and end on 2 MiB. What is given back stays mapped for the device until its file is empty; so whoever gives
 * a block back has seen to it that the device does not write to it any more, as the contract asks.
 *
 * <p>Any thread.
 */
final class SharedDmaPool implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SharedDmaPool.class);

    /** The files, from the first on: each twice as large as the one before, so that there are few. */
    private static final long FIRST_BYTES = 8L << 20;

    private static final long LARGEST_BYTES = 128L << 20;

    /** The most files at one time. Devices that take fewer say so. */
    private static final int MAX_FILES = 32;

    private final VfioUserDevice device;
    private final Runnable lateReturn;
    private final int maxFiles;

    /** Changed under the monitor; read without it by the thread that receives, for which whoever has the monitor may be waiting. */
    private final List<File> files = new CopyOnWriteArrayList<>();

    // Guarded by this.
    private boolean closed;

    /** @param lateReturn runs whenever a block comes back after this was closed: others may have waited for its user too */
    SharedDmaPool(VfioUserDevice device, Runnable lateReturn) {
        this.device = device;
        this.lateReturn = lateReturn;
        maxFiles = Math.min(MAX_FILES, device.maxDmaMaps());
    }

    /** One file, and what of it is free. */
    private static final class File {
        private final SharedMemory memory;
        private final TreeMap<Long, Long> free = new TreeMap<>();
        private volatile boolean mapped;

        File(SharedMemory memory) {
            this.memory = memory;
            free.put(0L, memory.mappedBytes());
        }

        long iova() {
            return memory.segment().address();
        }

        boolean isEmpty() {
            return Long.valueOf(memory.mappedBytes()).equals(free.get(0L));
        }

        /** The offset of a block, or -1. The lowest that fits, so that the other end stays in one piece. */
        long take(long bytes) {
            long alignment = bytes >= Machine.HUGE_PAGE_BYTES ? Machine.HUGE_PAGE_BYTES : Machine.PAGE_BYTES;
            for (var entry : free.entrySet()) {
                long start = entry.getKey();
                long end = start + entry.getValue();
                long offset = start + alignment - 1 & -alignment;
                if (end - offset >= bytes) {
                    free.remove(start);
                    putFree(start, offset - start);
                    putFree(offset + bytes, end - offset - bytes);
                    return offset;
                }
            }
            return -1;
        }

        void giveBack(long offset, long bytes) {
            long start = offset;
            long end = offset + bytes;
            var before = free.lowerEntry(offset);
            if (before != null && before.getKey() + before.getValue() == start) {
                start = before.getKey();
                free.remove(start);
            }
            var after = free.remove(end);
            putFree(start, end - start + (after == null ? 0 : after));
        }

        private void putFree(long offset, long bytes) {
            if (bytes > 0) {
                free.put(offset, bytes);
            }
        }
    }

    /** Memory of zeros. */
    synchronized PciAccess.DmaBlock allocate(long wanted) {
        if (wanted <= 0) {
            throw new IllegalArgumentException("a block of " + wanted + " bytes");
        }
        if (closed) {
            throw new PciException("the claim has ended");
        }
        long bytes = roundUp(wanted, Machine.PAGE_BYTES);
        for (var file : files) {
            long offset = file.take(bytes);
            if (offset >= 0) {
                var block = new Block(file, offset, bytes);
                block.segment().fill((byte) 0);
                return block;
            }
        }
        var file = addFile(bytes);
        return new Block(file, file.take(bytes), bytes);
    }

    private File addFile(long bytes) {
        if (files.size() == maxFiles) {
            throw new PciException("no more than " + maxFiles + " regions can be mapped for this device at one time");
        }
        long fileBytes = Math.min(LARGEST_BYTES, FIRST_BYTES << files.size());
        var memory = SharedMemory.create(
                "doorbell-dma", Math.max(fileBytes, roundUp(bytes, Machine.HUGE_PAGE_BYTES)), MappingOptions.RESIDENT);
        var file = new File(memory);
        try {
            device.map(memory.fd(), memory.mappedBytes(), file.iova());
            file.mapped = true;
        } catch (ProtocolException | ChannelException refused) {
            memory.close();
            throw new PciException(
                    "the device does not map " + memory.mappedBytes() + " bytes for DMA: " + refused.getMessage(),
                    refused);
        }
        files.add(file);
        return file;
    }

    private static long roundUp(long bytes, long powerOfTwo) {
        return bytes + powerOfTwo - 1 & -powerOfTwo;
    }

    private synchronized void giveBack(File file, long offset, long bytes) {
        file.giveBack(offset, bytes);
        releaseEmpty();
        if (closed) {
            lateReturn.run();
        }
    }

    private void releaseEmpty() {
        for (var file : files) {
            // The last one stays while the claim does: it is likely to be wanted again.
            if (file.isEmpty() && (closed || files.size() > 1)) {
                unmap(file);
                release(file);
            }
        }
    }

    private void unmap(File file) {
        if (!file.mapped) {
            return;
        }
        file.mapped = false;
        try {
            device.unmap(file.iova(), file.memory.mappedBytes());
        } catch (ProtocolException refused) {
            LOG.warn(
                    "{} bytes of DMA memory stay mapped by the device: {}",
                    file.memory.mappedBytes(),
                    refused.getMessage());
        } catch (ChannelException gone) {
            // Then it has no memory any more.
        }
    }

    private void release(File file) {
        try {
            file.memory.close();
            files.remove(file);
        } catch (IllegalStateException viewsAreOpen) {
            // Tried again when the next block comes back.
            LOG.debug("DMA memory stays for now: {}", viewsAreOpen.getMessage());
        }
    }

    /** The bytes at {@code iova} of a device that reads or writes by message, which it may even where it has mapped them. */
    MemorySegment range(DmaAccess access) {
        for (var file : files) {
            long offset = access.iova() - file.iova();
            if (file.mapped && offset >= 0 && offset <= file.memory.mappedBytes() - access.count()) {
                return file.memory.segment().asSlice(offset, access.count());
            }
        }
        throw new ProtocolException(ProtocolException.ENOENT, "DMA at " + Long.toHexString(access.iova()) + "h");
    }

    /** Takes all of it away from the device. The blocks that were not given back are freed when they are. */
    @Override
    public synchronized void close() {
        closed = true;
        files.forEach(this::unmap);
        releaseEmpty();
    }

    private final class Block implements PciAccess.DmaBlock {
        private final File file;
        private final long offset;
        private final MemorySegment segment;
        private boolean closed;

        Block(File file, long offset, long bytes) {
            this.file = file;
            this.offset = offset;
            segment = file.memory.segment().asSlice(offset, bytes);
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public long iova() {
            return file.iova() + offset;
        }

        @Override
        public void close() {
            synchronized (SharedDmaPool.this) {
                if (closed) {
                    return;
                }
                closed = true;
                giveBack(file, offset, segment.byteSize());
            }
        }
    }
}
