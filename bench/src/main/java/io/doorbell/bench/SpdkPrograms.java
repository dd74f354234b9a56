package io.doorbell.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/** SPDK's programs, where the environment variable {@code SPDK_BIN} names the folder that has them. They need huge pages, and root. */
final class SpdkPrograms {
    /** What one program is given by {@code -s}; more than its default on a small machine, and enough. */
    private static final int MEBIBYTES = 300;

    private static final int PAGES = MEBIBYTES / 2 + 2;

    /** The line of all namespaces: IOPS, MiB/s, latencies. */
    private static final Pattern TOTAL = Pattern.compile("^Total\\s*:\\s*([0-9.]+)", Pattern.MULTILINE);

    private static final Duration UP_BOUND = Duration.ofSeconds(20);

    private static final String TARGET = """
            {"subsystems": [
              {"subsystem": "bdev", "config": [
                {"method": "bdev_null_create", "params": {"name": "Null0", "num_blocks": 209715200, "block_size": 512}}]},
              {"subsystem": "nvmf", "config": [
                {"method": "nvmf_create_transport", "params": {"trtype": "VFIOUSER"}},
                {"method": "nvmf_create_subsystem",
                 "params": {"nqn": "%1$s", "allow_any_host": true, "serial_number": "SPDK0"}},
                {"method": "nvmf_subsystem_add_ns", "params": {"nqn": "%1$s", "namespace": {"bdev_name": "Null0"}}},
                {"method": "nvmf_subsystem_add_listener",
                 "params": {"nqn": "%1$s", "listen_address": {"trtype": "VFIOUSER", "traddr": "%2$s", "trsvcid": "0"}}}]}]}
            """;

    private final Path folder;

    private SpdkPrograms(Path folder) {
        this.folder = folder;
    }

    /** The programs, or null with a word about why there are none. */
    static SpdkPrograms found(Appendable out) throws IOException {
        var named = System.getenv("SPDK_BIN");
        if (named == null || named.isBlank()) {
            out.append("SPDK_BIN is not set: figures without a peer. With SPDK built:"
                    + " SPDK_BIN=.../spdk/build/bin ./doorbell bench driver\n");
            return null;
        }
        var programs = new SpdkPrograms(Path.of(named).toAbsolutePath());
        if (!Files.isExecutable(programs.perf())) {
            out.append("there is no program " + programs.perf() + ": figures without a peer\n");
            return null;
        }
        var missing = missingPages(programs.hasTarget() ? 2 * PAGES : PAGES);
        if (!missing.isEmpty()) {
            out.append(missing);
            return null;
        }
        return programs;
    }

    /** Empty, or what to do. Nothing is reserved here: it is memory that others may need. */
    private static String missingPages(int wanted) throws IOException {
        boolean mounted =
                Files.readAllLines(Path.of("/proc/mounts")).stream().anyMatch(line -> line.contains(" hugetlbfs "));
        int free = Files.readAllLines(Path.of("/proc/meminfo")).stream()
                .filter(line -> line.startsWith("HugePages_Free:"))
                .mapToInt(line -> Integer.parseInt(line.replaceAll("\\D", "")))
                .sum();
        if (mounted && free >= wanted) {
            return "";
        }
        return "SPDK's programs need " + wanted + " huge pages, of which " + free + " are free"
                + (mounted ? "" : ", and a mounted hugetlbfs, of which there is none")
                + ": figures without a peer. As root:\n"
                + "  echo 512 > /proc/sys/vm/nr_hugepages; mount -t hugetlbfs nodev /dev/hugepages\n"
                + "and afterwards: umount /dev/hugepages; echo 0 > /proc/sys/vm/nr_hugepages\n";
    }

    private Path perf() {
        return folder.resolve("spdk_nvme_perf");
    }

    boolean hasTarget() {
        return Files.isExecutable(folder.resolve("nvmf_tgt"));
    }

    /** Returns IOPS. */
    double perf(Path work, DriverMeasurement.Load load, DriverMeasurement.Device device)
            throws IOException, InterruptedException {
        var written = Programs.run(
                work,
                load.bound(),
                List.of(
                        perf().toString(),
                        "-c",
                        "0x1",
                        "-s",
                        "" + MEBIBYTES,
                        "-g",
                        "-q",
                        "" + load.depth(),
                        "-o",
                        "4096",
                        "-w",
                        load.pattern(),
                        "-a",
                        "" + load.warmUpSeconds(),
                        "-t",
                        "" + load.seconds(),
                        "-r",
                        // Without a name it takes the device for a discovery controller.
                        "trtype:VFIOUSER traddr:" + device.directory() + " subnqn:" + device.nqn()));
        var total = TOTAL.matcher(written);
        if (!total.find()) {
            throw new IOException("no total in what " + perf() + " says:\n" + written);
        }
        return Double.parseDouble(total.group(1));
    }

    /** A target with a null namespace, on the CPU on which our device is. */
    Programs.Running target(Path work, DriverMeasurement.Device device) throws IOException, InterruptedException {
        Files.createDirectories(device.directory());
        var config = Files.writeString(work.resolve("target.json"), TARGET.formatted(device.nqn(), device.directory()));
        var running = Programs.start(
                work,
                List.of(
                        folder.resolve("nvmf_tgt").toString(),
                        "-m",
                        "0x2",
                        "-s",
                        "" + MEBIBYTES,
                        "--json",
                        config.toString()));
        try {
            running.awaitFile(device.directory().resolve("cntrl"), UP_BOUND);
            return running;
        } catch (IOException | InterruptedException failed) {
            running.close();
            throw failed;
        }
    }
}
