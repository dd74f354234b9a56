package io.doorbell.runtime.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.doorbell.platform.Machine;
import io.doorbell.runtime.HomeLock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
    private static final long US = ProcessHandle.current().pid();

    /** More than Linux gives. */
    private static final long NO_PROCESS = 1L << 40;

    @TempDir
    private Path root;

    private void file(String path, String text) throws IOException {
        var file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private MachineChecks checks() {
        return new MachineChecks(root);
    }

    private static void assertLacks(Finding finding, String remedy) {
        assertThat(finding.status()).as(finding.toString()).isEqualTo(Finding.Status.LACKS);
        assertThat(finding.remedy()).contains(remedy);
    }

    private static void assertOk(Finding finding) {
        assertThat(finding.status()).as(finding.toString()).isEqualTo(Finding.Status.OK);
        assertThat(finding.remedy()).isEmpty();
    }

    @Test
    void whatIsTooLittleIsNamedWithTheCommandThatMendsIt() throws IOException {
        file("proc/sys/kernel/io_uring_disabled", "2\n");
        file("proc/sys/net/core/rmem_max", "212992\n");

        assertLacks(MachineChecks.hugePages(0, 0), "sysctl -w vm.nr_hugepages=512");
        assertLacks(MachineChecks.hugePages(Machine.UNKNOWN, Machine.UNKNOWN), "/sys");
        assertLacks(MachineChecks.lockedMemory(8 << 20), "memlock unlimited");
        assertLacks(checks().iommu(), "intel_iommu=on");
        assertLacks(checks().vfio().getFirst(), "modprobe vfio-pci");
        assertLacks(checks().ioUring(), "kernel.io_uring_disabled=0");
        assertLacks(checks().socketBuffers(), "net.core.rmem_max=8388608");
        assertThat(MachineChecks.jdk(24, "/jdk").status()).isEqualTo(Finding.Status.FAILS);
        assertThat(MachineChecks.processor("Linux", "aarch64").status()).isEqualTo(Finding.Status.FAILS);
    }

    @Test
    void aMachineThatHasAllIsWell() throws IOException {
        file("proc/sys/kernel/io_uring_disabled", "0\n");
        file("proc/sys/net/core/rmem_max", "16777216\n");
        file("dev/vfio/vfio", "");
        file("dev/vfio/7", "");
        Files.createDirectories(root.resolve("sys/kernel/iommu_groups/7"));
        Files.createDirectories(root.resolve("sys/bus/pci/drivers/vfio-pci"));
        Files.createDirectories(root.resolve("sys/class/infiniband/mlx5_0"));
        file("dev/infiniband/rdma_cm", "");

        assertOk(MachineChecks.hugePages(512, 0));
        assertOk(MachineChecks.lockedMemory(Machine.UNLIMITED));
        assertOk(MachineChecks.jdk(25, "/jdk"));
        assertOk(checks().iommu());
        assertOk(checks().vfio().getFirst());
        assertOk(checks().ioUring());
        assertOk(checks().socketBuffers());
        assertOk(checks().rdma(Optional.empty()));
        assertThat(checks().rdma(Optional.empty()).found()).isEqualTo("mlx5_0");
    }

    @Test
    void anRdmaDeviceThatTheNodeCannotUseComesWithARemedy() throws IOException {
        assertThat(checks().rdma(Optional.empty()).found()).contains("in software");
        Files.createDirectories(root.resolve("sys/class/infiniband/mlx5_0"));

        assertThat(checks().rdma(Optional.of("librdmacm.so.1 is not installed")).remedy())
                .contains("librdmacm1", "ibverbs-providers");
        assertThat(checks().rdma(Optional.empty()).remedy()).contains("modprobe rdma_ucm");
    }

    @Test
    void thisMachineIsLookedAtWithoutHarm() {
        assertThat(new MachineChecks(Path.of("/")).all())
                .hasSizeGreaterThan(8)
                .allSatisfy(each -> assertThat(each.remedy().isEmpty())
                        .as(each.toString())
                        .isEqualTo(each.status() == Finding.Status.OK));
    }

    @Test
    void aPortThatIsTakenIsNamedWithWhereToSetAnother() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            file("io.doorbell.management.cfg", "port = " + taken.getLocalPort() + "\n");
            file("io.doorbell.tcp.target~a.cfg", "address = 127.0.0.1\n# port = 1\nport = 0\n");

            var findings = new PortChecks(root, HomeLock.NOBODY).all();

            assertThat(findings.getFirst().status()).isEqualTo(Finding.Status.FAILS);
            assertThat(findings.getFirst().found()).contains("(pid " + US + ") has it");
            assertThat(findings.getFirst().remedy())
                    .contains("end process " + US, "set another port in config/io.doorbell.management.cfg");
            assertOk(findings.getLast());
        }
    }

    @Test
    void portsOfANodeInAnotherNetworkNamespaceAreNotLookedForHere() throws IOException {
        namespace("self", 1);
        namespace("7", 1);
        namespace("8", 2);

        assertThat(PortChecks.isElsewhere(root, 7)).isFalse();
        assertThat(PortChecks.isElsewhere(root, 8)).isTrue();
        assertThat(PortChecks.isElsewhere(root, 9)).as("one that has gone").isFalse();
    }

    /** As Linux has it in /proc. */
    private void namespace(String process, int number) throws IOException {
        var namespaces = Files.createDirectories(root.resolve(process).resolve("ns"));
        Files.createSymbolicLink(namespaces.resolve("net"), Path.of("net:[" + number + "]"));
    }

    @Test
    void thePortsOfANodeThatRunsAreItsOwnOrItIsSaidWhoHasThem() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            file("io.doorbell.tcp.target~a.cfg", "port = " + taken.getLocalPort() + "\n");

            assertThat(new PortChecks(root, US).all()).allSatisfy(DoctorTest::assertOk);
            assertThat(new PortChecks(root, HomeLock.SOMEBODY).all()).allSatisfy(DoctorTest::assertOk);
            var ofAnother = new PortChecks(root, NO_PROCESS).all();

            assertThat(ofAnother).hasSize(1);
            assertThat(ofAnother.getFirst().status()).isEqualTo(Finding.Status.FAILS);
            assertThat(ofAnother.getFirst().found())
                    .contains("(pid " + US + ") has it, and not the node of this home (pid " + NO_PROCESS + ")");
            assertThat(ofAnother.getFirst().remedy()).contains("config/io.doorbell.tcp.target~a.cfg");
        }
    }

    @Test
    void rxeIsFoundAmongTheModules() throws IOException {
        file("modules", "ib_uverbs 1\nrdma_rxe 167936 0 - Live\n");
        file("others", "my_rdma_rxe 1\n");

        assertThat(PortChecks.rxeIsLoaded(root.resolve("modules"))).isTrue();
        assertThat(PortChecks.rxeIsLoaded(root.resolve("others"))).isFalse();
        assertThat(PortChecks.rxeIsLoaded(root.resolve("none"))).isFalse();
    }
}
