package io.doorbell.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * SPDK's programs, where the environment variable {@code SPDK_BIN} names the folder that has them. They need root, and huge pages: without
 * those a vfio-user device cannot reach their memory, and everything else is slower than it could be.
 */
final class SpdkPrograms {
    /** What one program is given by {@code -s}; more than its default on a small machine, and enough. */
    private static final int MEBIBYTES = 400;

    /** Of a TCP target: each of its many connections has buffers of its own. */
    private static final int TCP_TARGET_MEBIBYTES = 1000;

    private static final int PAGES = MEBIBYTES / 2 + 2;
    private static final int TCP_TARGET_PAGES = TCP_TARGET_MEBIBYTES / 2 + 2;

    /** The line of all namespaces: IOPS, MiB/s, latencies. */
    private static final Pattern TOTAL = Pattern.compile("^Total\\s*:\\s*([0-9.]+)", Pattern.MULTILINE);

    private static final String TCP_NQN = "nqn.2016-06.io.spdk:bench";

    private static final Duration UP_BOUND = Duration.ofSeconds(20);

    /** Arguments: the transport's own options, the subsystem, its blocks and their bytes, the address. */
    private static final String TARGET = """
            {"subsystems": [
              {"subsystem": "bdev", "config": [
                {"method": "bdev_null_create", "params": {"name": "Null0", "num_blocks": %3$d, "block_size": %4$d}}]},
              {"subsystem": "nvmf", "config": [
                {"method": "nvmf_create_transport", "params": {%1$s}},
                {"method": "nvmf_create_subsystem",
                 "params": {"nqn": "%2$s", "allow_any_host": true, "serial_number": "SPDK0"}},
                {"method": "nvmf_subsystem_add_ns", "params": {"nqn": "%2$s", "namespace": {"bdev_name": "Null0"}}},
                {"method": "nvmf_subsystem_add_listener",
                 "params": {"nqn": "%2$s", "listen_address": {%5$s}}}]}]}
            """;

    private final Path folder;
    private final boolean hugePages;

    private SpdkPrograms(Path folder, boolean hugePages) {
        this.folder = folder;
        this.hugePages = hugePages;
    }

    /** Those that measure a device over vfio-user, or null with a word about why there are none. */
    static SpdkPrograms forDevices(Appendable out) throws IOException {
        var programs = found(out, "driver", 2 * PAGES);
        if (programs != null && !programs.hugePages) {
            out.append("without huge pages: figures without a peer\n");
            return null;
        }
        return programs;
    }

    /** Those that need not share memory, or null with a word about why there are none. */
    static SpdkPrograms forTcp(Appendable out) throws IOException {
        var programs = found(out, "tcp", PAGES + TCP_TARGET_PAGES);
        if (programs != null && !programs.hugePages) {
            out.append("without huge pages SPDK's programs are slower than they could be\n");
        }
        return programs;
    }

    private static SpdkPrograms found(Appendable out, String group, int pages) throws IOException {
        var named = System.getenv("SPDK_BIN");
        if (named == null || named.isBlank()) {
            out.append("SPDK_BIN is not set: figures without a peer. With SPDK built:"
                    + " SPDK_BIN=.../spdk/build/bin ./doorbell bench " + group + "\n");
            return null;
        }
        var folder = Path.of(named).toAbsolutePath();
        for (var program : List.of("spdk_nvme_perf", "nvmf_tgt")) {
            if (!Files.isExecutable(folder.resolve(program))) {
                out.append("there is no program " + folder.resolve(program) + ": figures without a peer\n");
                return null;
            }
        }
        var missing = missingPages(pages);
        out.append(missing);
        return new SpdkPrograms(folder, missing.isEmpty());
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
                + ". As root:\n"
                + "  echo " + wanted + " > /proc/sys/vm/nr_hugepages; mount -t hugetlbfs nodev /dev/hugepages\n"
                + "and afterwards: umount /dev/hugepages; echo 0 > /proc/sys/vm/nr_hugepages\n";
    }

    private Path perf() {
        return folder.resolve("spdk_nvme_perf");
    }

    /** Returns IOPS of our workload against what the transport id names, on CPU 0. */
    double perf(Path work, Load load, String transportId) throws IOException, InterruptedException {
        var command = command("spdk_nvme_perf", "-c", "0x1", MEBIBYTES);
        command.addAll(List.of(
                "-q",
                "" + load.depth(),
                "-P",
                "" + load.connections(),
                "-o",
                "" + load.bytes(),
                "-w",
                load.pattern(),
                "-a",
                "" + load.warmUpSeconds(),
                "-t",
                "" + load.seconds(),
                "-r",
                transportId));
        var written = Programs.run(work, load.bound(), command);
        var total = TOTAL.matcher(written);
        if (!total.find()) {
            throw new IOException("no total in what " + perf() + " says:\n" + written);
        }
        return Double.parseDouble(total.group(1));
    }

    private List<String> command(String program, String coreFlag, String cores, int mebibytes) {
        var command =
                new ArrayList<>(List.of(folder.resolve(program).toString(), coreFlag, cores, "-s", "" + mebibytes));
        if (!hugePages) {
            command.add("--no-huge");
        } else if (program.equals("spdk_nvme_perf")) {
            // Its pages in one file each, so that they can be shared.
            command.add("-g");
        }
        return command;
    }

    /** A vfio-user device with a null namespace, on CPU 1. */
    Programs.Running device(Path work, DriverMeasurement.Device device) throws IOException, InterruptedException {
        Files.createDirectories(device.directory());
        var running = target(
                work,
                TARGET.formatted(
                        "\"trtype\": \"VFIOUSER\"",
                        device.nqn(),
                        (1L << 40) / 4096,
                        4096,
                        "\"trtype\": \"VFIOUSER\", \"traddr\": \"" + device.directory() + "\", \"trsvcid\": \"0\""),
                MEBIBYTES);
        return up(running, () -> running.awaitFile(device.directory().resolve("cntrl"), UP_BOUND));
    }

    /** A TCP target at a port of the loopback with a null namespace, on CPU 1. */
    TcpProcess tcpTarget(Path work, int port, int ioQueues) throws IOException, InterruptedException {
        var running = target(
                work,
                TARGET.formatted(
                        "\"trtype\": \"TCP\", \"max_io_qpairs_per_ctrlr\": " + ioQueues,
                        TCP_NQN,
                        (1L << 40) / 4096,
                        4096,
                        "\"trtype\": \"TCP\", \"adrfam\": \"IPv4\", \"traddr\": \"127.0.0.1\", \"trsvcid\": \"" + port
                                + "\""),
                TCP_TARGET_MEBIBYTES);
        return new TcpProcess(up(running, () -> running.awaitPort(port, UP_BOUND)), port, TCP_NQN);
    }

    private Programs.Running target(Path work, String config, int mebibytes) throws IOException {
        var command = command("nvmf_tgt", "-m", "0x2", mebibytes);
        command.addAll(List.of(
                "-r",
                work.resolve("spdk.sock").toString(),
                "--json",
                Files.writeString(work.resolve("target.json"), config).toString()));
        return Programs.start(work, command);
    }

    private interface Await {
        void done() throws IOException, InterruptedException;
    }

    private static Programs.Running up(Programs.Running running, Await await) throws IOException, InterruptedException {
        try {
            await.done();
            return running;
        } catch (IOException | InterruptedException failed) {
            running.close();
            throw failed;
        }
    }
}
