package io.doorbell.subsystem;

import io.doorbell.nvme.Zone;
import io.doorbell.platform.DurableFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * States and write pointers of zones in a file beside the data, replaced as a whole.
 *
 * <p>After a crash they agree with the data as far as anyone was told: what a Flush or a write with FUA answered for is
 * below the write pointer, since the pointers are kept after the data and before the answer; and Finish, Reset and Offline
 * are kept before they are answered. A pointer may stand behind blocks that nobody was told of, as in any write that a crash
 * meets. Zones that were open are closed. What was written and not flushed may be gone, with its part of the pointer.
 *
 * <p>Layout, little endian: magic, UUID, zones, blocks of a zone, capacity; state and blocks written of each zone; CRC32C.
 * Any thread.
 */
final class ZoneStore {
    private static final long MAGIC = 0x3153_454E_4F5A_4244L; // "DBZONES1"
    private static final int HEADER_BYTES = 8 + 16 + 4 + 8 + 8;
    private static final int ZONE_BYTES = 1 + 8;
    private static final int CRC_BYTES = 4;

    private final Path file;
    private final UUID uuid;

    // Guarded by this.
    private long savedVersion = -1;
    private boolean closed;

    @FunctionalInterface
    interface Keeper {
        void keep(int zone, int state, long written);
    }

    ZoneStore(Path file, UUID uuid) {
        this.file = file;
        this.uuid = uuid;
    }

    /** Makes what the table says durable, or something newer; nothing to do when it is. Blocks. */
    synchronized void save(ZoneTable table) throws IOException {
        long version = table.version();
        if (version == savedVersion) {
            return;
        }
        if (closed) {
            throw new IOException(file + " may be another namespace's by now");
        }
        var layout = table.layout();
        var bytes = ByteBuffer.allocate(HEADER_BYTES + layout.zoneCount() * ZONE_BYTES + CRC_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(MAGIC)
                .putLong(uuid.getMostSignificantBits())
                .putLong(uuid.getLeastSignificantBits())
                .putInt(layout.zoneCount())
                .putLong(layout.zoneBlocks())
                .putLong(layout.capacity());
        table.keep((zone, state, written) -> bytes.put((byte) state).putLong(written));
        bytes.putInt(crc(bytes.array(), bytes.position()));
        DurableFile.replace(file, bytes.array());
        // What changed while it was written is newer than this version.
        savedVersion = version;
    }

    /** Nothing is kept any more. */
    synchronized void close() {
        closed = true;
    }

    /**
     * Brings the table to what was kept; it stays empty where the data is new.
     *
     * @throws IOException when it is damaged, or of other zones or other data
     */
    synchronized void load(ZoneTable table) throws IOException {
        byte[] content;
        try {
            content = Files.readAllBytes(file);
        } catch (NoSuchFileException none) {
            save(table);
            return;
        }
        var layout = table.layout();
        var bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        if (content.length < HEADER_BYTES + CRC_BYTES
                || bytes.getInt(content.length - CRC_BYTES) != crc(content, content.length - CRC_BYTES)
                || bytes.getLong() != MAGIC) {
            throw new IOException(file + " is damaged: it does not say where the zones' write pointers are");
        }
        if (!uuid.equals(new UUID(bytes.getLong(), bytes.getLong()))) {
            throw new IOException(file + " is of other data than what stands beside it. Move it away if that is new");
        }
        if (bytes.getInt() != layout.zoneCount()
                || bytes.getLong() != layout.zoneBlocks()
                || bytes.getLong() != layout.capacity()) {
            throw new IOException(file + " has other zones than are configured. Configure those, or another path");
        }
        for (int zone = 0; zone < layout.zoneCount(); zone++) {
            int state = bytes.get();
            long written = bytes.getLong();
            boolean known = Zone.hasWritePointer(state)
                    || state == Zone.FULL
                    || state == Zone.READ_ONLY
                    || state == Zone.OFFLINE;
            if (!known || written < 0 || written > layout.capacity()) {
                throw new IOException(file + ": zone " + zone + " has state " + state + " and " + written + " blocks");
            }
            table.restore(zone, state, written);
        }
    }

    private static int crc(byte[] bytes, int length) {
        var crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }
}
