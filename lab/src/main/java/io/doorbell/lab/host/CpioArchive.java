package io.doorbell.lab.host;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes the archive that a kernel unpacks as its first file system. Format "newc": Linux, Documentation/driver-api/early-userspace,
 * "initramfs buffer format".
 */
final class CpioArchive implements AutoCloseable {
    private static final int FOLDER = 0040755;
    private static final int PROGRAM = 0100755;
    private static final int CHARACTER_DEVICE = 0020600;
    private static final int ALIGNMENT_BYTES = 4;
    private static final int HEADER_BYTES = 110;
    private static final byte[] NOTHING = {};

    private final OutputStream out;
    private int inode;

    CpioArchive(OutputStream out) {
        this.out = out;
    }

    /** Folders come before what is in them. */
    void folder(String path) throws IOException {
        entry(path, FOLDER, 0, 0, NOTHING);
    }

    void program(String path, byte[] content) throws IOException {
        entry(path, PROGRAM, 0, 0, content);
    }

    void device(String path, int major, int minor) throws IOException {
        entry(path, CHARACTER_DEVICE, major, minor, NOTHING);
    }

    private void entry(String path, int mode, int major, int minor, byte[] content) throws IOException {
        var name = (path + "\0").getBytes(StandardCharsets.US_ASCII);
        // Magic, inode, mode, uid, gid, links, time, size, device of the file, device it is, length of the name,
        // checksum.
        var header = String.format(
                "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                ++inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0);
        out.write(header.getBytes(StandardCharsets.US_ASCII));
        out.write(name);
        pad(HEADER_BYTES + name.length);
        out.write(content);
        pad(content.length);
    }

    private void pad(int written) throws IOException {
        out.write(new byte[Math.floorMod(-written, ALIGNMENT_BYTES)]);
    }

    @Override
    public void close() throws IOException {
        entry("TRAILER!!!", 0, 0, 0, NOTHING);
        out.close();
    }
}
