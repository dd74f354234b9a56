package io.doorbell.lab.kernel;

import io.doorbell.lab.guest.Guest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;

/** A controller that the guest's kernel has of a target, as {@code nvme connect} asks for it. */
public final class KernelHost implements AutoCloseable {
    public static final String HOST_ID = "11111111-2222-3333-4444-555555555555";
    public static final String HOST_NQN = "nqn.2014-08.org.nvmexpress:uuid:" + HOST_ID;
    private static final Pattern INSTANCE = Pattern.compile("instance=(\\d+)");
    private static final Duration BOUND = Duration.ofSeconds(120);
    private static final long LOOK_NANOS = 20_000_000;
    private static final int LATELY_LINES = 60;

    private final String name;

    private KernelHost(String name) {
        this.name = name;
    }

    /**
     * Connects.
     *
     * @param where transport, address and port, as {@code /dev/nvme-fabrics} takes them
     * @param options more of those that {@code /dev/nvme-fabrics} takes, each with a comma before it
     * @throws IOException when the target, or the kernel, refuses
     */
    public static KernelHost connect(String where, String nqn, String options) throws IOException {
        try (var fabrics = new RandomAccessFile("/dev/nvme-fabrics", "rw")) {
            var wanted = where + ",nqn=" + nqn
                    + ",hostnqn=" + HOST_NQN + ",hostid=" + HOST_ID
                    + ",nr_io_queues=2,reconnect_delay=1" + options;
            fabrics.write(wanted.getBytes(StandardCharsets.US_ASCII));
            var answer = new byte[256];
            int count = fabrics.read(answer);
            var instance = INSTANCE.matcher(new String(answer, 0, Math.max(0, count), StandardCharsets.US_ASCII));
            if (!instance.find()) {
                throw new IOException("the kernel does not say which controller it made");
            }
            return new KernelHost("nvme" + instance.group(1));
        }
    }

    private Path attribute(String attribute) {
        return Path.of("/sys/class/nvme", name, attribute);
    }

    public String says(String attribute) throws IOException {
        return Files.readString(attribute(attribute)).strip();
    }

    public boolean isLive() {
        try {
            return says("state").equals("live");
        } catch (IOException gone) {
            return false;
        }
    }

    /** Blocks of 512 bytes of a disk, or -1 when it is gone. */
    public long sectors(String disk) {
        try {
            return Long.parseLong(Files.readString(
                            Path.of("/sys/block", Path.of(disk).getFileName().toString(), "size"))
                    .strip());
        } catch (IOException gone) {
            return -1;
        }
    }

    /** How many writes have ended by this way to its namespaces. */
    public long writes() {
        long writes = 0;
        try (var entries = Files.list(Path.of("/sys/class/nvme", name))) {
            for (var entry : entries.toList()) {
                var counters = entry.resolve("stat");
                if (Files.exists(counters)) {
                    writes += Long.parseLong(Files.readString(counters).strip().split(" +")[4]);
                }
            }
        } catch (IOException goes) {
            // It went while we looked.
        }
        return writes;
    }

    /** What this controller says of the way to its one namespace (ANA), or nothing when there is none. */
    public String accessState() {
        try (var entries = Files.list(Path.of("/sys/class/nvme", name))) {
            for (var entry : entries.toList()) {
                var state = entry.resolve("ana_state");
                if (Files.exists(state)) {
                    return Files.readString(state).strip();
                }
            }
        } catch (IOException goes) {
            // It went while we looked.
        }
        return "";
    }

    public void reset() throws IOException {
        Files.writeString(attribute("reset_controller"), "1");
    }

    /** How often controllers of this guest have lost their target, as far as the kernel's log goes back. */
    public static int reconnects(Guest guest) throws IOException, InterruptedException {
        return (int) guest.say(guest.busybox(), "dmesg")
                .lines()
                .filter(line -> line.contains("Reconnecting in"))
                .count();
    }

    /** What the kernel said lately, for whoever has to find out why something did not go well. */
    public static String lately(Guest guest) throws IOException, InterruptedException {
        var lines = guest.say(guest.busybox(), "dmesg").lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LATELY_LINES), lines.size()));
    }

    /** The disk of a namespace, or null while there is none. */
    public String disk(int nsid) {
        try (var entries = Files.list(Path.of("/sys/block"))) {
            for (var entry : entries.toList()) {
                var disk = entry.getFileName().toString();
                // With native multipath the disk is the subsystem's, and its number may be another than the
                // controller's.
                if (disk.startsWith("nvme")
                        && !disk.contains("c")
                        && Files.readString(entry.resolve("nsid")).strip().equals(Integer.toString(nsid))) {
                    return "/dev/" + disk;
                }
            }
        } catch (IOException goes) {
            // It went while we looked.
        }
        return null;
    }

    public String awaitDisk(int nsid) {
        await("a disk of namespace " + nsid, () -> disk(nsid) != null);
        return disk(nsid);
    }

    /** From now on no I/O to a disk of it is longer than a page, and none are joined to one that is. */
    public void inPages(String disk) throws IOException {
        var places = new ArrayList<>(
                List.of(Path.of("/sys/block", Path.of(disk).getFileName().toString())));
        try (var entries = Files.list(Path.of("/sys/class/nvme", name))) {
            places.addAll(entries.toList());
        }
        for (var place : places) {
            var queue = place.resolve("queue");
            if (Files.exists(queue)) {
                Files.writeString(queue.resolve("max_sectors_kb"), "4");
                Files.writeString(queue.resolve("nomerges"), "2");
            }
        }
    }

    public static void await(String what, BooleanSupplier condition) {
        await(what, BOUND, condition);
    }

    public static void await(String what, Duration bound, BooleanSupplier condition) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError(what + " did not come within " + bound.toSeconds() + " s");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** Controllers of all targets. */
    public static List<String> all() throws IOException {
        try (var entries = Files.list(Path.of("/sys/class/nvme"))) {
            return entries.map(entry -> entry.getFileName().toString()).toList();
        }
    }

    @Override
    public void close() throws IOException {
        Files.writeString(attribute("delete_controller"), "1");
    }
}
