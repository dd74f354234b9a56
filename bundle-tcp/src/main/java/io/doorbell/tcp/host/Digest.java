package io.doorbell.tcp.host;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC32C of bytes of a memory. Allocates nothing. Owner: that of the link. */
final class Digest {
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer bytes;

    /** @param bytes all of the memory; position and limit become this object's */
    Digest(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    int of(long offset, int count) {
        begin();
        add(offset, count);
        return end();
    }

    void begin() {
        crc.reset();
    }

    void add(long offset, int count) {
        bytes.limit((int) offset + count);
        bytes.position((int) offset);
        crc.update(bytes);
    }

    int end() {
        return (int) crc.getValue();
    }
}
