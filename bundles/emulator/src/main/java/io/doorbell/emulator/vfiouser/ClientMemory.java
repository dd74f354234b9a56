package io.doorbell.emulator.vfiouser;

import io.doorbell.emulator.ExportedAccess;
import io.doorbell.pci.PciAccess;
import io.doorbell.pci.PciException;
import io.doorbell.platform.Machine;
import io.doorbell.platform.PeerMemory;
import io.doorbell.platform.PlatformException;
import io.doorbell.vfiouser.DmaMap;
import io.doorbell.vfiouser.DmaUnmap;
import io.doorbell.vfiouser.Message;
import io.doorbell.vfiouser.ProtocolException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory that a client lets the device reach. What it maps without a descriptor, or without letting the device write, is remembered and not
 * reached: a command that names it ends as a Data Transfer Error. One thread.
 */
final class ClientMemory {
    /** The most regions at one time; clients are told. */
    static final int MAX_REGIONS = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(ClientMemory.class);

    private final ExportedAccess access;
    private final TreeMap<Long, Region> regions = new TreeMap<>();
    private final List<PeerMemory> lingering = new ArrayList<>();

    ClientMemory(ExportedAccess access) {
        this.access = access;
    }

    /** Either both of memory and mapping, or neither. */
    private record Region(long bytes, PeerMemory memory, PciAccess.DmaMapping mapping) {}

    void map(Message message) {
        var map = DmaMap.decode(message.payload());
        if (message.descriptorCount() > 1) {
            throw new ProtocolException("DMA_MAP with " + message.descriptorCount() + " descriptors");
        }
        if (regions.size() == MAX_REGIONS) {
            throw new ProtocolException(ProtocolException.ENOSPC, "more than " + MAX_REGIONS + " DMA regions");
        }
        requireFree(map);
        closeLingering();
        int readWrite = DmaMap.READABLE | DmaMap.WRITABLE;
        regions.put(
                map.iova(),
                message.descriptorCount() == 0 || map.flags() != readWrite
                        ? new Region(map.bytes(), null, null)
                        : reach(message, map));
    }

    private void requireFree(DmaMap map) {
        if (map.iova() < 0 || map.iova() + map.bytes() < 0) {
            throw new ProtocolException(String.format("DMA region of %Xh bytes at %Xh", map.bytes(), map.iova()));
        }
        var before = regions.floorEntry(map.iova() + map.bytes() - 1);
        if (before != null && before.getKey() + before.getValue().bytes() > map.iova()) {
            throw new ProtocolException(
                    ProtocolException.EEXIST, String.format("DMA region at %Xh overlaps one", map.iova()));
        }
    }

    private Region reach(Message message, DmaMap map) {
        if (map.offset() % Machine.PAGE_BYTES != 0) {
            throw new ProtocolException(
                    String.format("DMA region from %Xh on of its file: no page begins there", map.offset()));
        }
        PeerMemory memory;
        try (var descriptor = message.take(0)) {
            memory = PeerMemory.map(descriptor, map.offset(), map.bytes());
        } catch (PlatformException refused) {
            throw new ProtocolException("DMA region: " + refused.getMessage());
        }
        try {
            return new Region(map.bytes(), memory, access.map(map.iova(), memory.segment()));
        } catch (PciException refused) {
            memory.close();
            throw new ProtocolException(refused.getMessage());
        }
    }

    void unmap(DmaUnmap unmap) {
        if (unmap.flags() == DmaUnmap.ALL) {
            close();
            return;
        }
        var region = regions.get(unmap.iova());
        if (region == null || region.bytes() != unmap.bytes()) {
            throw new ProtocolException(
                    ProtocolException.ENOENT,
                    String.format("no DMA region of %Xh bytes at %Xh", unmap.bytes(), unmap.iova()));
        }
        regions.remove(unmap.iova());
        release(region);
    }

    private void release(Region region) {
        if (region.mapping() != null) {
            region.mapping().close();
            lingering.add(region.memory());
            closeLingering();
        }
    }

    private void closeLingering() {
        lingering.removeIf(memory -> {
            try {
                memory.close();
                return true;
            } catch (IllegalStateException held) {
                LOG.debug("a client's memory stays for now: {}", held.getMessage());
                return false;
            }
        });
    }

    /** Takes everything away from the device. */
    void close() {
        var all = List.copyOf(regions.values());
        regions.clear();
        all.forEach(this::release);
    }
}
