package io.doorbell.lab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.lab.guest.Guest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Files of chance, onto disks of the guest's kernel and back. */
public final class Content {
    private static final int MEBIBYTES = 8;

    private Content() {}

    public static Path random(long seed) throws IOException {
        return random(seed, MEBIBYTES << 20);
    }

    /** @param size in bytes, a multiple of the blocks that it is written and read by */
    public static Path random(long seed, int size) throws IOException {
        var bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return Files.write(Files.createTempFile("lab", null), bytes);
    }

    public static void write(Guest guest, Path file, String disk, String blockBytes) throws Exception {
        guest.run("dd", "if=" + file, "of=" + disk, "bs=" + blockBytes, "oflag=direct", "conv=notrunc", "status=none");
    }

    public static void requireSame(Guest guest, Path file, String disk, String blockBytes) throws Exception {
        var back = Files.createTempFile("lab", null);
        long blocks = Files.size(file) / (blockBytes.equals("4k") ? 4096 : 1 << 20);
        guest.run(
                "dd", "if=" + disk, "of=" + back, "bs=" + blockBytes, "count=" + blocks, "iflag=direct", "status=none");
        assertThat(Files.mismatch(file, back)).isEqualTo(-1);
        Files.delete(back);
    }

    /** Makes a file system, and finds in it what was put there before it was unmounted. */
    public static void requireFileSystem(Guest guest, String disk, long seed) throws Exception {
        var content = random(seed);
        var mount = Files.createTempDirectory("lab");
        guest.run(guest.busybox(), "mke2fs", "-F", "-b", "4096", disk);
        guest.run("mount", "-t", "ext4", disk, mount.toString());
        Files.copy(content, mount.resolve("file"));
        guest.run("umount", mount.toString());
        guest.run("mount", "-t", "ext4", disk, mount.toString());
        try {
            assertThat(Files.mismatch(content, mount.resolve("file"))).isEqualTo(-1);
        } finally {
            guest.run("umount", mount.toString());
        }
    }
}
