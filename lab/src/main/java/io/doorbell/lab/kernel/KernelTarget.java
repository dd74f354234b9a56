package io.doorbell.lab.kernel;

import io.doorbell.lab.guest.Guest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** A target of the guest's kernel (nvmet): one subsystem, whose namespaces are files, or memory. */
public final class KernelTarget implements AutoCloseable {
    public static final String NQN = "nqn.2026-11.io.doorbell:kernel";
    public static final int PORT = 4430;

    private static final Path CONFIGURATION = Path.of("/sys/kernel/config");
    private static final Path SUBSYSTEM = CONFIGURATION.resolve("nvmet/subsystems/" + NQN);
    private static final Path PORT_1 = CONFIGURATION.resolve("nvmet/ports/1");
    private static final Path OFFERED = PORT_1.resolve("subsystems/" + NQN);

    /** A block device in memory (null_blk), of which there is one; it is called as its folder. */
    private static final Path MEMORY = CONFIGURATION.resolve("nullb/labmemory");

    public static final int BLOCK_BYTES = 4096;

    /** Whom it asks who it is; null for nobody. */
    private Path named;

    /** Over NVMe/TCP at the guest's loopback, without a namespace yet. */
    public KernelTarget(Guest guest) throws IOException, InterruptedException {
        this(guest, "tcp", "127.0.0.1");
    }

    /** Without a namespace yet. */
    public KernelTarget(Guest guest, String transport, String address) throws IOException, InterruptedException {
        if (!Files.isDirectory(CONFIGURATION.resolve("nvmet"))) {
            guest.run(guest.busybox(), "mount", "-t", "configfs", "none", CONFIGURATION.toString());
        }
        Files.createDirectory(SUBSYSTEM);
        say(SUBSYSTEM, "attr_allow_any_host", "1");
        Files.createDirectory(PORT_1);
        say(PORT_1, "addr_adrfam", "ipv4");
        say(PORT_1, "addr_trtype", transport);
        say(PORT_1, "addr_traddr", address);
        say(PORT_1, "addr_trsvcid", Integer.toString(PORT));
        comes();
    }

    /** A namespace on an empty file, which is the answer. */
    public Path addNamespace(int nsid, long bytes) throws IOException {
        var file = Files.createTempFile(Path.of("/dev/shm"), "kernel", null);
        try (var content = new RandomAccessFile(file.toFile(), "rw")) {
            content.setLength(bytes);
        }
        var namespace = Files.createDirectory(namespace(nsid));
        say(namespace, "device_path", file.toString());
        // A file in memory has no direct I/O.
        say(namespace, "buffered_io", "1");
        say(namespace, "enable", "1");
        return file;
    }

    /** The only namespace in memory: a block device that has done what it is asked for when the asking returns, the shortest way that nvmet has. */
    public void addMemoryNamespace(int nsid, long bytes) throws IOException {
        Files.createDirectory(MEMORY);
        say(MEMORY, "size", Long.toString(bytes >> 20));
        say(MEMORY, "blocksize", Integer.toString(BLOCK_BYTES));
        say(MEMORY, "memory_backed", "1");
        say(MEMORY, "queue_mode", "0");
        say(MEMORY, "irqmode", "0");
        say(MEMORY, "power", "1");
        var namespace = Files.createDirectory(namespace(nsid));
        say(namespace, "device_path", "/dev/" + MEMORY.getFileName());
        say(namespace, "enable", "1");
    }

    public void removeNamespace(int nsid) throws IOException {
        say(namespace(nsid), "enable", "0");
        Files.delete(namespace(nsid));
    }

    /**
     * From now on only this host may connect, and has to show who it is, as the target does.
     *
     * @param hash sha256 and so on
     * @param group null, ffdhe2048 and so on
     */
    public void asksFor(String hostNqn, String hostKey, String controllerKey, String hash, String group)
            throws IOException {
        var host = CONFIGURATION.resolve("nvmet/hosts").resolve(hostNqn);
        if (!Files.exists(host)) {
            Files.createDirectory(host);
            say(SUBSYSTEM, "attr_allow_any_host", "0");
            Files.createSymbolicLink(SUBSYSTEM.resolve("allowed_hosts").resolve(hostNqn), host);
            named = host;
        }
        say(host, "dhchap_key", hostKey);
        say(host, "dhchap_ctrl_key", controllerKey);
        say(host, "dhchap_hash", "hmac(" + hash + ")");
        say(host, "dhchap_dhgroup", group);
    }

    /** Is offered to hosts. */
    public void comes() throws IOException {
        Files.createSymbolicLink(OFFERED, SUBSYSTEM);
    }

    /** Is not offered any more; the kernel ends the connections that there are. */
    public void goes() throws IOException {
        Files.delete(OFFERED);
    }

    private static Path namespace(int nsid) {
        return SUBSYSTEM.resolve("namespaces/" + nsid);
    }

    private static void say(Path of, String attribute, String value) throws IOException {
        Files.writeString(of.resolve(attribute), value);
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(OFFERED)) {
            goes();
        }
        Files.delete(PORT_1);
        try (var namespaces = Files.newDirectoryStream(SUBSYSTEM.resolve("namespaces"))) {
            for (var namespace : namespaces) {
                say(namespace, "enable", "0");
                Files.delete(namespace);
            }
        }
        if (named != null) {
            Files.delete(SUBSYSTEM.resolve("allowed_hosts").resolve(named.getFileName()));
            Files.delete(named);
        }
        Files.delete(SUBSYSTEM);
        if (Files.exists(MEMORY)) {
            Files.delete(MEMORY);
        }
    }
}
