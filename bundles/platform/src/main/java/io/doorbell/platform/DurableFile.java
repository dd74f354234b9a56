package io.doorbell.platform;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Small files that are replaced as a whole: written beside, forced, renamed, and the directory forced, so that a crash
 * leaves either the old one or the new one. Blocks for the disk. One thread at a time for each file.
 */
public final class DurableFile {
    private DurableFile() {}

    /** Makes {@code path} have these bytes; durable when it returns. */
    public static void replace(Path path, byte[] content) throws IOException {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        var bytes = ByteBuffer.wrap(content);
        try (var channel = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
        forceDirectory(path.toAbsolutePath().getParent());
    }

    /** Takes the file away, where there is one; it stays away after a crash when this has returned. */
    public static void delete(Path path) throws IOException {
        if (Files.deleteIfExists(path)) {
            forceDirectory(path.toAbsolutePath().getParent());
        }
    }

    /** Makes the names in a directory durable. */
    public static void forceDirectory(Path directory) throws IOException {
        try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
