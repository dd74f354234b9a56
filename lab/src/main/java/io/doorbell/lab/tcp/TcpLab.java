package io.doorbell.lab.tcp;

import io.doorbell.lab.Case;
import io.doorbell.lab.Lab;
import java.util.List;
import java.util.stream.Stream;

/**
 * The kernel's NVMe/TCP host on our target, and our initiator on the kernel's target, both in the guest, over its loopback. Authentication is for
 * a newer kernel than Debian 12's own, which was built without it.
 */
public final class TcpLab implements Lab {
    @Override
    public String name() {
        return "tcp";
    }

    @Override
    public List<String> modules() {
        return List.of(
                "nvme-tcp",
                "nvmet-tcp",
                "crc32c_generic",
                "ext4",
                "xfs",
                "dh_generic",
                "hmac",
                "sha256_generic",
                "sha512_generic");
    }

    @Override
    public List<String> devices(Images images) {
        return List.of();
    }

    @Override
    public List<Case> cases() {
        return Stream.of(HostCases.cases(), InitiatorCases.cases(), AuthenticationCases.cases())
                .flatMap(List::stream)
                .toList();
    }
}
