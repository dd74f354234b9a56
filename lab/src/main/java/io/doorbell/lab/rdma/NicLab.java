package io.doorbell.lab.rdma;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code bundle-rdma-nic} on the kernel's software RDMA device (rxe), through rdma-core: the contract of verbs, and our target on it with the kernel's
 * NVMe/RDMA host at the same device. With DiSNI too where {@code LIBDISNI} names its library.
 */
public final class NicLab implements Lab {
    static final String DEVICE = "rxe0";
    static final String ADDRESS = "10.9.1.1";
    static final String ADDRESS_6 = "fd09:1::1";
    private static final String LINK = "nic0";

    /** Where the guest has DiSNI's library, if it has: it sees the machine's files, but for those that it writes itself. */
    private static final Path IN_GUEST = Path.of("/usr/lib/libdisni.so");

    /** What {@code LIBDISNI} names on the host; in the guest, where it was copied to; or where it is installed. */
    private static Path disni() {
        var named = System.getenv().getOrDefault("LIBDISNI", "");
        var library = named.isEmpty() ? IN_GUEST : Path.of(named).toAbsolutePath();
        if (!named.isEmpty() && !Files.isRegularFile(library)) {
            throw new IllegalStateException("LIBDISNI=" + named + ": no such file");
        }
        return library;
    }

    static boolean hasDisni() {
        return Files.exists(disni());
    }

    @Override
    public String name() {
        return "rdma-nic";
    }

    @Override
    public List<String> modules() {
        return List.of("nvme-rdma", "rdma_rxe", "rdma_ucm", "ib_uverbs", "veth", "crc32_generic", "crc32c_generic");
    }

    /** Of rdma-core: its libraries, and what makes libibverbs know rxe. */
    @Override
    public List<String> packages() {
        return List.of("ibverbs-providers", "libibverbs1", "librdmacm1");
    }

    @Override
    public List<String> preparation() {
        var lines = new ArrayList<>(List.of(
                "cp -a $LAB_MORE/usr/lib/x86_64-linux-gnu/. /usr/lib/x86_64-linux-gnu/",
                "cp -a $LAB_MORE/etc/libibverbs.d /etc/",
                "ip link add " + LINK + " type veth peer name nic1",
                "ip address add " + ADDRESS + "/24 dev " + LINK,
                "ip address add " + ADDRESS_6 + "/64 dev " + LINK + " nodad",
                "ip link set " + LINK + " up",
                "ip link set nic1 up",
                "rdma link add " + DEVICE + " type rxe netdev " + LINK));
        if (hasDisni() && !disni().equals(IN_GUEST)) {
            lines.add("cp '" + disni() + "' " + IN_GUEST);
        }
        return lines;
    }

    @Override
    public List<String> devices(Images images) {
        return List.of();
    }

    @Override
    public List<Case> cases() {
        return NicCases.cases();
    }
}
