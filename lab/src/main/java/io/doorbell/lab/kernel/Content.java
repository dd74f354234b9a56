package io.doorbell.lab.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import io.doorbell.lab.guest.Guest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Files of chance, onto disks of the guest's kernel and back. */
public final class Content {
    private static final int MEBIBYTES = 8;
    private static final int STRESS_FILES = 40;

    /** A guest computes slowly. */
    private static final Duration STRESS_BOUND = Duration.ofSeconds(300);

    /** In a folder with the files to work with in {@code source} and the file system at {@code mount}. */
    private static final String STRESS = """
            cd "$1" || exit 1
            (cd source && find . -type f -exec md5sum {} +) > sums
            worker() {
                for round in 1 2 3; do
                    cp -r source mount/copy.$1.$round || return 1
                    mv mount/copy.$1.$round mount/moved.$1.$round || return 1
                    (cd mount/moved.$1.$round && md5sum -c --quiet ../../sums) || return 1
                    find mount/moved.$1.$round -name 'f*3' -exec ln {} {}.link \\; || return 1
                    truncate -s 100 mount/moved.$1.$round/d1/f1 || return 1
                    rm -r mount/moved.$1.$round || return 1
                done
                cp -r source mount/kept.$1
            }
            workers=
            for number in 1 2 3 4; do
                worker $number &
                workers="$workers $!"
            done
            fio --name=beside --directory=mount --ioengine=libaio --direct=1 --iodepth=8 --rw=randrw --bs=4k-64k \\
                --size=8m --verify=crc32c --verify_fatal=1 --output=/dev/null || exit 1
            for worker in $workers; do
                wait $worker || exit 1
            done
            rm mount/beside*
            sync
            """;

    private Content() {}

    /**
     * What fio did.
     *
     * @param bytes written, read back, and found to be what was written
     * @param slowest of all reads and writes, from when it was asked for to its end
     */
    public record Verified(long bytes, Duration slowest) {
        public static final Verified NOTHING = new Verified(0, Duration.ZERO);

        public Verified and(Verified other) {
            return new Verified(bytes + other.bytes, slowest.compareTo(other.slowest) < 0 ? other.slowest : slowest);
        }
    }

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

    /**
     * Writes blocks of many sizes in any order with fio, many at once, and reads them back: each has a checksum in it.
     *
     * @param file a disk, or a file
     */
    public static Verified verify(Guest guest, String file, String... more) throws Exception {
        var command = new ArrayList<>(List.of(
                "fio",
                "--name=verified",
                "--filename=" + file,
                "--ioengine=libaio",
                "--direct=1",
                "--iodepth=16",
                "--rw=randwrite",
                "--bssplit=4k/60:16k/20:64k/15:256k/5",
                "--size=16m",
                "--verify=crc32c",
                "--verify_fatal=1",
                "--do_verify=1",
                "--end_fsync=1",
                "--randseed=1",
                "--output-format=json"));
        command.addAll(List.of(more));
        return verified(jobs(guest.run(STRESS_BOUND, command)));
    }

    /** Of what fio said. */
    static List<?> jobs(byte[] output) throws IOException {
        var said = new String(output, StandardCharsets.UTF_8);
        // Before that may be remarks; and an option that was given twice is told twice.
        return (List<?>) JSON.std
                .without(JSON.Feature.FAIL_ON_DUPLICATE_MAP_KEYS)
                .mapFrom(said.substring(said.indexOf('{')))
                .get("jobs");
    }

    private static Verified verified(List<?> jobs) {
        var all = Verified.NOTHING;
        for (var job : jobs) {
            var read = (Map<?, ?>) ((Map<?, ?>) job).get("read");
            var write = (Map<?, ?>) ((Map<?, ?>) job).get("write");
            long slowest = Math.max(
                    number((Map<?, ?>) read.get("lat_ns"), "max"), number((Map<?, ?>) write.get("lat_ns"), "max"));
            all = all.and(new Verified(number(read, "io_bytes"), Duration.ofNanos(slowest)));
        }
        return all;
    }

    private static long number(Map<?, ?> row, String key) {
        return ((Number) row.get(key)).longValue();
    }

    /** A file system (ext4) is made, mounted, keeps a file, and is sound. */
    public static void requireFileSystem(Guest guest, Path file, String disk) throws Exception {
        var mount = Files.createTempDirectory("mount");
        var there = mount.resolve("content");
        guest.run(STRESS_BOUND, FileSystem.EXT4.make(disk));
        guest.run("mount", disk, mount.toString());
        try {
            guest.run("cp", file.toString(), there.toString());
        } finally {
            guest.run(STRESS_BOUND, List.of("umount", mount.toString()));
        }
        guest.run("mount", disk, mount.toString());
        try {
            assertThat(Files.mismatch(file, there)).isEqualTo(-1);
        } finally {
            guest.run("umount", mount.toString());
        }
        guest.run(STRESS_BOUND, FileSystem.EXT4.check(disk));
    }

    /**
     * A file system under stress: several who copy, rename, compare and delete trees of files, beside fio, all at once. What is left is
     * the same after it was unmounted, and the file system's own program finds nothing wrong.
     */
    public static void requireFileSystemUnderStress(Guest guest, String disk, FileSystem kind) throws Exception {
        var work = Files.createTempDirectory(Path.of("/dev/shm"), "stress");
        var random = new Random(disk.hashCode());
        var source = Files.createDirectory(work.resolve("source"));
        for (int i = 0; i < STRESS_FILES; i++) {
            var bytes = new byte[1 + random.nextInt(i % 8 == 0 ? 512 << 10 : 16 << 10)];
            random.nextBytes(bytes);
            Files.write(Files.createDirectories(source.resolve("d" + i % 5)).resolve("f" + i), bytes);
        }
        var mount = Files.createDirectory(work.resolve("mount"));
        guest.run(STRESS_BOUND, kind.make(disk));
        guest.run("mount", "-t", kind.type(), disk, mount.toString());
        try {
            var script = Files.writeString(work.resolve("stress.sh"), STRESS);
            guest.run(STRESS_BOUND, List.of("sh", script.toString(), work.toString()));
        } finally {
            guest.run("umount", mount.toString());
        }
        guest.run(STRESS_BOUND, kind.check(disk));
        guest.run("mount", "-t", kind.type(), disk, mount.toString());
        try {
            guest.run(
                    "sh",
                    "-c",
                    "cd " + mount
                            + " && for kept in kept.*; do (cd $kept && md5sum -c --quiet ../../sums) || exit 1; done");
        } finally {
            guest.run("umount", mount.toString());
        }
    }

    /** With the programs that make one, and look whether it is sound. */
    public enum FileSystem {
        EXT4("ext4", List.of("mkfs.ext4", "-q", "-F"), List.of("e2fsck", "-f", "-n")),
        XFS("xfs", List.of("mkfs.xfs", "-q", "-f"), List.of("xfs_repair", "-n"));

        private final String type;
        private final List<String> make;
        private final List<String> check;

        FileSystem(String type, List<String> make, List<String> check) {
            this.type = type;
            this.make = make;
            this.check = check;
        }

        String type() {
            return type;
        }

        List<String> make(String disk) {
            return with(make, disk);
        }

        List<String> check(String disk) {
            return with(check, disk);
        }

        private static List<String> with(List<String> program, String disk) {
            var command = new ArrayList<>(program);
            command.add(disk);
            return command;
        }
    }
}
