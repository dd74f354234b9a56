package io.doorbell.tcp;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Digests of what is in the memory of a reactor. Owner: the reactor. */
final class Checksum {
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer bytes;

    Checksum(MemorySegment memory) {
        bytes = memory.asByteBuffer();
    }

    /** CRC32C of bytes of the memory. */
    int of(long offset, int count) {
        crc.reset();
        update(offset, count);
        return (int) crc.getValue();
    }

    /** CRC32C of data, from {@code from} of them on. */
    int of(TcpRequest request, int from, int count) {
        crc.reset();
        int skip = from;
        int left = count;
        for (int i = 0; i < request.pieceCount && left > 0; i++) {
            int size = request.pieceBytes[i];
            if (skip >= size) {
                skip -= size;
                continue;
            }
            int part = Math.min(size - skip, left);
            update(request.pieceOffsets[i] + skip, part);
            left -= part;
            skip = 0;
        }
        return (int) crc.getValue();
    }

    private void update(long offset, int count) {
        bytes.limit((int) offset + count).position((int) offset);
        crc.update(bytes);
    }
}
