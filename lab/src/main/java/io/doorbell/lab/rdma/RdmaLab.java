package io.doorbell.lab.rdma;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The kernel's NVMe/RDMA host and target, on the kernel's software RDMA device (rxe), and our target and host on ours, all in the guest. The kernel's
 * device has UDP port 4791 of the first network namespace, so ours is in another, with a pair of virtual Ethernet devices between.
 */
public final class RdmaLab implements Lab {
    static final String HOST_SIDE = "host0";
    static final String TARGET_SIDE = "target0";
    static final String HOST_ADDRESS = "10.9.0.1";
    static final String TARGET_ADDRESS = "10.9.0.2";
    private static final String NAMESPACE = "target";

    private static final Set<String> QUICK = Set.of(
            "connect-to-discovery",
            "refused-where-it-should-be",
            "write-and-read-back",
            "nvme-cli-discovers-and-identifies",
            "fio-finds-what-it-wrote",
            "fio-goes-on-when-the-target-comes-back",
            "over-a-link-that-loses-and-reorders",
            "our-host-writes-to-the-kernels-target",
            "our-host-loses-the-kernels-target-and-regains-it",
            "a-newer-kernel-writes-and-mounts");

    @Override
    public String name() {
        return "rdma";
    }

    @Override
    public List<String> modules() {
        return List.of(
                "nvme-rdma",
                "nvmet-rdma",
                "rdma_rxe",
                "veth",
                "crc32_generic",
                "crc32c_generic",
                "ext4",
                "xfs",
                "sch_netem");
    }

    @Override
    public List<String> preparation() {
        return List.of(
                "mkdir -p /run/netns",
                "ip netns add " + NAMESPACE,
                "ip link add " + HOST_SIDE + " type veth peer name " + TARGET_SIDE + " netns " + NAMESPACE,
                "ip address add " + HOST_ADDRESS + "/24 dev " + HOST_SIDE,
                "ip link set " + HOST_SIDE + " up",
                "ip -n " + NAMESPACE + " address add " + TARGET_ADDRESS + "/24 dev " + TARGET_SIDE,
                "ip -n " + NAMESPACE + " link set " + TARGET_SIDE + " up",
                "ip -n " + NAMESPACE + " link set lo up",
                "rdma link add rxe0 type rxe netdev " + HOST_SIDE);
    }

    @Override
    public String networkNamespace() {
        return NAMESPACE;
    }

    @Override
    public List<String> devices(Images images) {
        return List.of();
    }

    @Override
    public List<Case> cases() {
        return Stream.of(RxeCases.cases(), InitiatorCases.cases(), DefaultNodeCases.cases())
                .flatMap(List::stream)
                .toList();
    }

    /** One of each kind. What the others take, file systems under stress and JVMs that start, is minutes each. */
    @Override
    public List<Case> quickCases() {
        return cases().stream().filter(one -> QUICK.contains(one.name())).toList();
    }
}
