package io.doorbell.lab.rdma;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import java.util.List;
import java.util.stream.Stream;

/**
 * Our target beside the kernel's (nvmet), each in turn under the kernel's host: figures, and no claim but that nothing fails. All that they share is the
 * same: the guest, the host, its loads, blocks and memory.
 */
public final class SpeedLab implements Lab {
    /** Of the kernel's host, of its target, and of the namespace of that, over another pair of devices. */
    static final String NEAR = "host1";

    static final String FAR = "target1";
    static final String NEAR_ADDRESS = "10.9.2.1";
    static final String FAR_ADDRESS = "10.9.2.2";

    /**
     * The kernel's device is in the first network namespace only, so both ends of the pair are there, and what goes from one to the other has to be kept from
     * the short way through the machine itself: addresses of the machine are its own for what comes in, and lie behind the pair for what goes out.
     */
    private static final List<String> WIRE = List.of(
            "ip link add " + NEAR + " type veth peer name " + FAR,
            "ip address add " + NEAR_ADDRESS + "/32 dev " + NEAR,
            "ip address add " + FAR_ADDRESS + "/32 dev " + FAR,
            "sh -c 'echo 1 >/proc/sys/net/ipv4/conf/" + NEAR + "/accept_local'",
            "sh -c 'echo 1 >/proc/sys/net/ipv4/conf/" + FAR + "/accept_local'",
            "ip link set " + NEAR + " up",
            "ip link set " + FAR + " up",
            "ip route add " + FAR_ADDRESS + " dev " + NEAR + " src " + NEAR_ADDRESS + " table 101",
            "ip route add " + NEAR_ADDRESS + " dev " + FAR + " src " + FAR_ADDRESS + " table 102",
            "ip rule add pref 1 iif " + NEAR + " to " + FAR_ADDRESS + " lookup 101",
            "ip rule add pref 1 iif " + FAR + " to " + NEAR_ADDRESS + " lookup 102",
            "ip rule add pref 2 oif " + NEAR + " lookup 101",
            "ip rule add pref 2 oif " + FAR + " lookup 102",
            "ip rule add pref 3 lookup local",
            "ip rule del pref 0",
            "rdma link add rxe1 type rxe netdev " + NEAR,
            "rdma link add rxe2 type rxe netdev " + FAR);

    private final String name;
    private final Lab ground;
    private final List<String> wire;
    private final List<Case> cases;

    private SpeedLab(String name, Lab ground, List<String> wire, List<Case> cases) {
        this.name = name;
        this.ground = ground;
        this.wire = wire;
        this.cases = cases;
    }

    /** On our software device, over a pair of virtual Ethernet devices. */
    public static SpeedLab inSoftware() {
        return new SpeedLab("rdma-speed", new RdmaLab(), WIRE, SpeedCases.inSoftware());
    }

    /** On the kernel's software device, which is the host's too. */
    public static SpeedLab onNic() {
        return new SpeedLab("rdma-nic-speed", new NicLab(), List.of(), SpeedCases.onNic());
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> modules() {
        return Stream.concat(ground.modules().stream(), Stream.of("nvmet-rdma", "null_blk"))
                .distinct()
                .toList();
    }

    @Override
    public List<String> packages() {
        return ground.packages();
    }

    @Override
    public List<String> preparation() {
        return Stream.concat(ground.preparation().stream(), wire.stream()).toList();
    }

    @Override
    public String networkNamespace() {
        return ground.networkNamespace();
    }

    @Override
    public List<String> devices(Images images) {
        return ground.devices(images);
    }

    /** All that a node's has, and sooner: what it compiles after so many calls would otherwise come after minutes here. */
    @Override
    public String javaOptions() {
        return "-XX:CompileThresholdScaling=0.2";
    }

    @Override
    public List<Case> cases() {
        return cases;
    }
}
